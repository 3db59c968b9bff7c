import type { StateStorage } from '../persist/storage.js'
import { findDifference } from './same-value.js'

/** A check by its name. */
export type Check = readonly [name: string, check: (storage: StateStorage) => Promise<void>]

const nothing = { set: [], delete: [] }
/** No storage can keep a function. */
const unstorable = () => {}

export async function expectRead(
  storage: StateStorage,
  keys: readonly string[],
  expected: readonly unknown[],
): Promise<void> {
  const difference = await findDifference(await storage.read(keys), expected)
  if (difference !== undefined) {
    throw new Error(`What was read under ${listOf(keys)}: ${difference}.`)
  }
}

function listOf(keys: readonly string[]): string {
  const few = keys.slice(0, 5).map((key) => JSON.stringify(key))
  return keys.length > few.length ? `${few.join(', ')}, …` : few.join(', ')
}

async function expectKeys(storage: StateStorage, prefix: string, expected: readonly string[]): Promise<void> {
  const [found, wanted] = [[...(await storage.keys(prefix))].sort(), [...expected].sort()].map((keys) =>
    JSON.stringify(keys),
  )
  if (found !== wanted) throw new Error(`keys(${JSON.stringify(prefix)}) gave ${found}, not ${wanted}.`)
}

/** The error with which a write rejects. */
export async function expectRefused(write: () => Promise<void>, what: string): Promise<unknown> {
  let writing: Promise<void>
  try {
    writing = write()
  } catch (error) {
    throw new Error(`A write of ${what} threw, where it has to reject.`, { cause: error })
  }
  return writing.then(
    () => {
      throw new Error(`A write of ${what} was not refused.`)
    },
    (error) => error,
  )
}

function isConflict(error: unknown): boolean {
  const { code, reason } = Object(error) as { readonly code?: unknown; readonly reason?: unknown }
  return code === 'STORAGE' && reason === 'conflict'
}

async function expectConflict(storage: StateStorage, key: string, value: string | number | undefined): Promise<void> {
  const change = { set: [['refused', 1]] as const, delete: [key] }
  const error = await expectRefused(
    () => storage.write(change, { expect: { key, value } }),
    `what expects ${String(value)}, where something else stands,`,
  )
  if (!isConflict(error))
    throw new Error('It has to reject with a StorageError of reason "conflict".', { cause: error })
}

/** The checks that do not depend on the kinds of values that a storage keeps. */
export const checks: readonly Check[] = [
  [
    'gives undefined for what was never written',
    async (storage) => {
      await expectRead(storage, ['a', 'b'], [undefined, undefined])
      await expectRead(storage, [], [])
      await expectKeys(storage, '', [])
    },
  ],
  [
    'reads what was written, in the order that it is asked for',
    async (storage) => {
      await storage.write({ set: [['a', 1] as const, ['b', 2] as const, ['c', 3] as const], delete: [] })
      await expectRead(storage, ['c', 'nowhere', 'a', 'b', 'c'], [3, undefined, 1, 2, 3])
    },
  ],
  [
    'overwrites and deletes, what is not there too',
    async (storage) => {
      await storage.write({ set: [['a', 1] as const, ['b', 1] as const], delete: ['nowhere'] })
      await storage.write({ set: [['a', 2] as const, ['c', 2] as const], delete: ['b'] })
      await storage.write(nothing)
      await expectRead(storage, ['a', 'b', 'c'], [2, undefined, 2])
      await expectKeys(storage, '', ['a', 'c'])
    },
  ],
  [
    'finds the keys that begin with a prefix, and no others',
    async (storage) => {
      const mine = ['app/', 'app/rows/1', 'app/rows/10', 'app/\uffff\uffff', 'app/é']
      const others = ['app', 'ap_/x', 'ap%/x', 'APP/x', 'xapp/', 'app0']
      await storage.write({ set: [...mine, ...others].map((key) => [key, true] as const), delete: [] })
      await expectKeys(storage, 'app/', mine)
      await expectKeys(storage, 'ap_', ['ap_/x'])
      await expectKeys(storage, 'ap%', ['ap%/x'])
      await expectKeys(storage, 'app/rows/1', ['app/rows/1', 'app/rows/10'])
      await expectKeys(storage, '', [...mine, ...others])
      await expectKeys(storage, 'nothing', [])
    },
  ],
  [
    'takes any text as a key',
    async (storage) => {
      const keys = [
        '',
        ' ',
        '__proto__',
        'constructor',
        'toString',
        'length',
        '0',
        'a\u0000b',
        'é',
        'e\u0301',
        '😀',
        'x'.repeat(1_000),
      ]
      await expectRead(
        storage,
        keys,
        keys.map(() => undefined),
      )
      await storage.write({ set: keys.map((key, index) => [key, index] as const), delete: [] })
      await expectRead(storage, keys, [...keys.keys()])
      await expectKeys(storage, '', keys)
      await storage.write({ set: [], delete: keys })
      await expectKeys(storage, '', [])
    },
  ],
  [
    'takes hundreds of records in one write',
    async (storage) => {
      const set = Array.from({ length: 500 }, (_, i) => [`row ${i}`, { id: i, text: 'x'.repeat(100) }] as const)
      await storage.write({ set, delete: [] }, { durability: 'strict' })
      await expectRead(
        storage,
        set.map(([key]) => key),
        set.map(([, value]) => value),
      )
    },
  ],
  [
    'stores copies, and gives copies',
    async (storage) => {
      const value = { list: [1] }
      await storage.write({ set: [['a', value]], delete: [] })
      value.list.push(2)
      await expectRead(storage, ['a'], [{ list: [1] }])
      const [read] = (await storage.read(['a'])) as [{ list: number[] }]
      read.list.push(3)
      await expectRead(storage, ['a'], [{ list: [1] }])
    },
  ],
  [
    'stores nothing of a write with a value that it cannot store',
    async (storage) => {
      await storage.write({ set: [['a', 'old'] as const, ['gone', 'old'] as const], delete: [] })
      const change = {
        set: [
          ['a', 'new'],
          ['b', 'new'],
          ['c', unstorable],
          ['d', 'new'],
        ] as const,
        delete: ['gone'],
      }
      await expectRefused(() => storage.write(change), 'a function')
      await expectRefused(
        () => storage.write({ set: [['e', { in: [unstorable] }]], delete: [] }),
        'a function in an object',
      )
      await expectRead(
        storage,
        ['a', 'b', 'c', 'd', 'e', 'gone'],
        ['old', undefined, undefined, undefined, undefined, 'old'],
      )
      await expectKeys(storage, '', ['a', 'gone'])
    },
  ],
  [
    'works on after a write that it refused',
    async (storage) => {
      await expectRefused(() => storage.write({ set: [['a', unstorable]], delete: [] }), 'a function')
      await storage.write({ set: [['a', 1]], delete: [] })
      await expectRead(storage, ['a'], [1])
    },
  ],
  [
    'stores writes in the order of their calls',
    async (storage) => {
      const writes = Array.from({ length: 20 }, (_, i) => {
        const large = i % 2 === 0 ? 'x'.repeat(10_000) : ''
        const set = [['last', i] as const, [`own ${i}`, large] as const, ['first', i] as const]
        return storage.write({ set: i % 3 === 0 ? set.toReversed() : set, delete: i > 0 ? [`own ${i - 1}`] : [] })
      })
      await Promise.all(writes)
      await expectRead(storage, ['last', 'first'], [19, 19])
      await expectKeys(storage, 'own', ['own 19'])
    },
  ],
  [
    'is never read half written',
    async (storage) => {
      const keys = ['a', 'b', 'c']
      const writes: Promise<void>[] = []
      const reads: Promise<unknown[]>[] = []
      for (let i = 0; i < 20; i++) {
        writes.push(storage.write({ set: keys.map((key) => [key, i] as const), delete: [] }))
        reads.push(storage.read(keys), storage.read(keys.toReversed()))
      }
      await Promise.all(writes)
      for (const values of await Promise.all([...reads, storage.read(keys)])) {
        if (new Set(values).size > 1)
          throw new Error(`Of writes of one value each, this was read: ${values.join(', ')}.`)
      }
    },
  ],
  [
    'writes if it finds what is expected',
    async (storage) => {
      const write = (key: string, record: unknown, value: string | number | undefined) =>
        storage.write({ set: [[key, record]], delete: [] }, { expect: { key, value } })
      await write('plain', 1, undefined)
      await write('plain', 'two', 1)
      await write('plain', 3, 'two')
      await write('meta', { generation: 1 }, undefined)
      await write('meta', { generation: 'second', more: [1] }, 1)
      await write('meta', { other: true }, 'second')
      await write('meta', { generation: 3 }, undefined) // an object without one
      await expectRead(storage, ['plain', 'meta'], [3, { generation: 3 }])
    },
  ],
  [
    'refuses a write that expects something else, as a conflict, and stores nothing of it',
    async (storage) => {
      await storage.write({ set: [['plain', 1] as const, ['meta', { generation: 1 }] as const], delete: [] })
      for (const value of [undefined, 2, '1']) {
        await expectConflict(storage, 'plain', value)
        await expectConflict(storage, 'meta', value)
      }
      await expectConflict(storage, 'nowhere', 1)
      await expectKeys(storage, '', ['meta', 'plain'])
      await expectRead(storage, ['plain', 'meta'], [1, { generation: 1 }])
    },
  ],
  [
    'lets one of several writes that expect the same go ahead',
    async (storage) => {
      const results = await Promise.allSettled(
        [1, 2, 3].map((value) =>
          storage.write({ set: [['a', value]], delete: [] }, { expect: { key: 'a', value: undefined } }),
        ),
      )
      const stored = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index + 1] : []))
      if (stored.length !== 1)
        throw new Error(`Of three writes that expect the same ${stored.length} were stored, not one.`)
      await expectRead(storage, ['a'], stored)
    },
  ],
  [
    'keeps what it holds when it is closed, in the middle of a write too, and goes on at the next call',
    async (storage) => {
      const write = storage.write({ set: [['a', 1]], delete: [] })
      const closed = storage.close?.()
      await write
      await closed
      await storage.close?.()
      await storage.close?.()
      await expectRead(storage, ['a'], [1])
      await storage.close?.()
      await storage.write({ set: [['b', 2]], delete: [] })
      await expectKeys(storage, '', ['a', 'b'])
    },
  ],
]
