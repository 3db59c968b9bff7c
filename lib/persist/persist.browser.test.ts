import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { StorageError } from '../errors.js'
import { createStore } from '../index.js'
import { defineState } from '../state/define-state.js'
import { makeRows } from '../store/fixtures/landing-state.js'
import { fewestLongTasks } from '../store/fixtures/long-tasks.js'
import { idbStorage } from './idb-storage.js'
import { persist } from './persist.js'

/* Real IndexedDB. */

const open: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of open.splice(0)) await store.dispose()
})

let names = 0

/** A storage that counts what is written. */
function counting() {
  const storage = idbStorage()
  const writes: (readonly string[])[] = []
  return {
    ...storage,
    writes,
    write: (change: Parameters<typeof storage.write>[0], options?: Parameters<typeof storage.write>[1]) => {
      writes.push(change.set.map(([key]) => key))
      return storage.write(change, options)
    },
  }
}

function start(name: string) {
  const definition = defineState('large', () => ({
    rows: [] as ReturnType<typeof makeRows>,
    byId: new Map<string, { id: number }>(),
    counter: 0,
  }))
  const storage = counting()
  const store = createStore(definition, {
    persist: persist({ name, storage, debounce: 60_000 }),
    events: {
      change(state, recipe: (draft: typeof state) => void) {
        recipe(state)
      },
    },
    lease: { warnAfter: 1e9 },
  })
  open.push(store)
  return { store, storage }
}

test('P8: 100,000 rows are written, and hydrated, without a long task; one changed row of them is one segment', {
  timeout: 120_000,
}, async () => {
  let name = ''
  let last = start('none')
  const rows = makeRows()
  const wrote = await fewestLongTasks(async () => {
    name = `large ${names++}`
    last = start(name)
    await last.store.ready
    // Landed by hand, and not what is measured: a task would do it in slices.
    await last.store.events.change((state) => {
      state.rows = rows
      for (const { id } of rows) state.byId.set(`id ${id}`, { id })
    })
    return () => last.store.persist.flush()
  })
  expect(wrote).toEqual([])
  const { store, storage } = last
  await store.events.change((state) => {
    Object.assign(state.rows[50_000] as object, { done: true })
    state.byId.set('id 77', { id: -1 })
  })
  await store.persist.flush()
  expect(storage.writes.at(-1)?.map((key) => key.replace(/^.*?\//, ''))).toEqual([
    'meta',
    '0/field/rows/195',
    '0/field/byId/0',
  ])
  await store.dispose()
  const read = await fewestLongTasks(async () => {
    await last.store.dispose()
    return async () => {
      last = start(name)
      await last.store.ready
    }
  })
  expect(read).toEqual([])
  expect(last.store.snapshot()).toEqual(store.snapshot())
})

test('P1: what IndexedDB keeps of every kind of value comes back', async () => {
  const make = () => ({
    text: 'a',
    nothing: undefined as unknown,
    number: Number.NaN,
    zero: -0,
    big: 2n ** 70n,
    date: new Date(5),
    bytes: new Uint8Array([1, 2, 3]),
    pattern: /a+/g,
    blob: new Blob(['text'], { type: 'text/plain' }),
    map: new Map<unknown, unknown>([
      [1, { a: [1] }],
      [null, new Set([1, 'x'])],
      [Number.NaN, 3],
    ]),
  })
  const definition = () => defineState('kinds', () => ({ value: null as ReturnType<typeof make> | null }))
  const open1 = createStore(definition(), { persist: persist({ name: 'kinds' }) })
  open.push(open1)
  await open1.ready
  await open1.set.value(make())
  await open1.dispose()
  const open2 = createStore(definition(), { persist: persist({ name: 'kinds' }) })
  open.push(open2)
  await open2.ready
  const { blob, ...others } = open2.snapshot().value ?? {}
  const { blob: _, ...expected } = make()
  expect(others).toEqual(expected)
  expect(await blob?.text()).toBe('text')
})

test('P8: it listens to what ends a page, but for unload, which would keep the page from being kept', async () => {
  const listens = [window, document].map((target) => vi.spyOn(target, 'addEventListener'))
  try {
    const { store } = start('listeners')
    await store.ready
    const types = listens.flatMap((listen) => listen.mock.calls.map(([type]) => type))
    expect(types).toEqual(expect.arrayContaining(['visibilitychange', 'pagehide']))
    expect(types.filter((type) => type.endsWith('unload'))).toEqual([])
  } finally {
    for (const listen of listens) listen.mockRestore()
  }
})

describe('P4: records that are not of this version', () => {
  const definition = defineState('versions', () => ({ rows: ['first'] }))
  const storage = idbStorage()
  afterAll(() => storage.close?.())

  /** Opens a store on what is stored under the name; what goes wrong goes into `errors`. */
  function openVersion(name: string, version: number, migrate?: (stored: unknown) => unknown) {
    const errors: unknown[] = []
    const store = createStore(definition, {
      persist: persist({ name, version, ...(migrate && { migrate }) }),
      onError: (error) => errors.push(error),
    })
    open.push(store)
    return { store, errors }
  }

  /** Stores one version, and gives its records as they are then. */
  async function stored(name: string, version: number) {
    const { store } = openVersion(name, version)
    await store.ready
    await store.set.rows(['stored'])
    await store.dispose()
    return recordsOf(name)
  }

  async function recordsOf(name: string) {
    const keys = (await storage.keys(`${name}/`)).sort()
    const values = await storage.read(keys)
    return keys.map((key, i) => [key, values[i]] as const)
  }

  test('an older one is migrated in memory, and written with the next commit', async () => {
    const before = await stored('older', 1)
    const { store, errors } = openVersion('older', 2, (old) => ({
      rows: [...(old as { rows: string[] }).rows, 'migrated'],
    }))
    await store.ready
    expect(store.snapshot().rows).toEqual(['stored', 'migrated'])
    expect(await recordsOf('older')).toEqual(before)
    await store.set.rows(['new'])
    await store.dispose()
    const { store: next } = openVersion('older', 2)
    await next.ready
    expect([next.snapshot().rows, next.persist.status, errors]).toEqual([['new'], 'ready', []])
  })

  test.each([
    ['newer', 3, undefined],
    ['corrupt', 2, 'no record'],
    ['short', 2, undefined],
  ])('a %s one is left as it is, and the store runs in memory', async (name, version, instead) => {
    await stored(name, version)
    const key = `${name}/0/field/rows`
    if (name === 'corrupt') await storage.write({ set: [[key, instead]], delete: [] })
    if (name === 'short') await storage.write({ set: [], delete: [key] })
    const before = await recordsOf(name)
    const { store, errors } = openVersion(name, 2)
    await store.ready
    await store.set.rows(['in memory'])
    expect([store.snapshot().rows, store.persist.status]).toEqual([['in memory'], 'degraded'])
    await expect(store.persist.flush()).rejects.toBeInstanceOf(StorageError)
    await store.dispose()
    expect(errors).toEqual([expect.objectContaining({ reason: name === 'newer' ? 'newer' : 'corrupt' })])
    expect(await recordsOf(name)).toEqual(before)
  })
})
