/*
 * `storageConformance`: what `persist` relies on in a storage, as checks that any test runner can run.
 *
 * - Each check gets a storage of its own, and throws an Error that says what the storage did.
 * - It needs nothing of a test runner, and no clock: what hangs, the runner's time-out ends.
 */

import type { StateStorage } from '../persist/storage.js'
import type { Check } from './storage-checks.js'
import { checks, expectRead, expectRefused } from './storage-checks.js'
import type { ValueKind } from './value-kinds.js'
import { samples, valueKinds } from './value-kinds.js'

/** Options of {@link storageConformance}. */
export interface StorageConformanceOptions {
  /**
   * The kinds of values that the storage keeps as they are. All others it has to refuse: a storage that changes them on the way
   * would change state. @default all of them
   */
  readonly keeps?: readonly ValueKind[]
}

/** One check of {@link storageConformance}. */
export interface StorageCheck {
  /** What has to hold, as a sentence about the storage. */
  readonly name: string
  /**
   * Finds out whether it does.
   * @throws Error (awaited) that says what the storage did instead
   */
  run(): Promise<void>
}

/**
 * Gives the checks that a storage has to pass for `persist` to keep its promises.
 *
 * @param makeStorage called once by each check; gives a storage that holds nothing
 * @param options `keeps`, if there are values that it cannot keep
 * @example
 * test.each(storageConformance(() => myStorage()))('$name', ({ run }) => run())
 */
export function storageConformance(
  makeStorage: () => StateStorage | Promise<StateStorage>,
  options: StorageConformanceOptions = {},
): readonly StorageCheck[] {
  const { keeps = valueKinds } = options
  return [...checks, ...valueKinds.map((kind) => (keeps.includes(kind) ? keepsKind(kind) : refusesKind(kind)))].map(
    ([name, check]) => ({
      name,
      async run() {
        const storage = await makeStorage()
        try {
          await check(storage)
        } finally {
          await storage.close?.()
        }
      },
    }),
  )
}

const keepsKind = (kind: ValueKind): Check => [
  `keeps values of the kind "${kind}"`,
  async (storage) => {
    await storage.write({
      set: [['inner', { in: [samples[kind]()] }] as const, ['outer', samples[kind]()]],
      delete: [],
    })
    await expectRead(storage, ['inner', 'outer'], [{ in: [samples[kind]()] }, samples[kind]()])
  },
]

const refusesKind = (kind: ValueKind): Check => [
  `refuses values of the kind "${kind}", which it does not keep`,
  async (storage) => {
    await storage.write({ set: [['inner', 'old']], delete: [] })
    for (const value of [samples[kind](), { in: [samples[kind]()] }]) {
      const change = { set: [['inner', 'new'] as const, ['outer', value] as const], delete: [] }
      await expectRefused(() => storage.write(change), `a value of the kind "${kind}"`)
      await expectRead(storage, ['inner', 'outer'], ['old', undefined])
    }
  },
]
