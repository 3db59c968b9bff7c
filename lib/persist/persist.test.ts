import { autorun } from 'mobx'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { StorageError } from '../errors.js'
import type { StateOf } from '../state/define-state.js'
import { defineState } from '../state/define-state.js'
import { toPlain } from '../state/values.js'
import { createStore } from '../store/store.js'
import { FakeOrigin } from './fixtures/fake-origin.js'
import { TestStorage } from './fixtures/test-storage.js'
import type { PersistOptions } from './persist.js'
import { persist } from './persist.js'

interface Row {
  id: number
  text: string
}

const settingsState = () => defineState('settings', () => ({ theme: 'light', _secret: 1 }))
const define = () =>
  defineState(
    'todos',
    () => ({
      rows: [] as Row[],
      byId: new Map<string, Row>(),
      filter: 'all',
      _drafts: 0,
      get count() {
        return this.rows.length
      },
    }),
    { substates: [settingsState()] },
  )

const open: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of open.splice(0)) await store.dispose()
  vi.unstubAllGlobals()
})

type State = StateOf<ReturnType<typeof define>>

function start(
  storage: TestStorage,
  options: Partial<PersistOptions<State>> & { readonly initialState?: object } = {},
) {
  const errors: unknown[] = []
  const { initialState, ...given } = options
  const store = createStore(define(), {
    persist: persist({ name: 'todos', storage, debounce: 0, ...given }),
    events: {
      add(state, ...rows: Row[]) {
        state.rows.push(...rows)
      },
      change(state, recipe: (state: State) => void) {
        recipe(state)
      },
    },
    ...(initialState && { initialState }),
    onError: (error) => errors.push(error),
  })
  open.push(store)
  return { store, errors }
}

/** A page with what another has stored. */
const reload = (storage: TestStorage) => new TestStorage(storage.records)

const row = (id: number) => ({ id, text: `row ${id}` })
const rows = (count: number, from = 0) => Array.from({ length: count }, (_, i) => row(from + i))

describe('a reload', () => {
  test('P1: brings back what was committed; backend fields are fresh, and computeds are not stored', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.ready
    await store.events.change((state) => {
      state.rows = rows(3)
      state.byId.set('a', row(7))
      state.filter = 'done'
      state._drafts = 5
      state.settings.theme = 'dark'
      state.settings._secret = 2
    })
    await store.persist.flush()
    expect([...storage.records.keys()].sort()).toEqual([
      'todos/0/field/byId',
      'todos/0/field/filter',
      'todos/0/field/rows',
      'todos/0/field/settings:theme',
      'todos/meta',
    ])

    const after = start(reload(storage))
    expect(after.store.persist.hasHydrated()).toBe(false)
    await after.store.ready
    expect(after.store.persist.hasHydrated()).toBe(true)
    expect(after.store.snapshot()).toEqual(store.snapshot())
    expect(after.store.state.count).toBe(3)
    await after.store.events.change((state) => {
      expect([state._drafts, state.settings._secret]).toEqual([0, 1])
    })
    expect(after.errors).toEqual([])
  })

  test('P1: is one commit, which onCommit shows', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.events.add(...rows(2))
    await store.persist.flush()
    const after = start(reload(storage))
    const origins: string[] = []
    const seen: number[] = []
    after.store.onCommit(({ origin }) => origins.push(origin.kind))
    const stop = autorun(() => seen.push(after.store.state.rows.length))
    await after.store.ready
    stop()
    expect([origins, seen, after.store.version]).toEqual([['hydrate'], [0, 2], 1])
  })

  test('P1: nothing is stored before the first commit, and everything with it', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.ready
    await store.persist.flush()
    expect(storage.writes).toEqual([])
    await store.events.change((state) => {
      state.filter = 'x'
    })
    await store.persist.flush()
    expect(storage.writes).toHaveLength(1)
    expect(storage.writes[0]).toHaveLength(5)
  })
})

describe('P3: what is committed before hydration ends', () => {
  async function stored() {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.events.add(...rows(3))
    await store.persist.flush()
    return reload(storage)
  }

  test('P3: an early push is the last of the stored rows, and is stored', async () => {
    const storage = await stored()
    const { store, errors } = start(storage)
    expect(store.events.add(row(9)).ran).toBe(true)
    expect(store.state.rows.map(({ id }) => id)).toEqual([9])
    await store.ready
    expect(store.state.rows.map(({ id }) => id)).toEqual([0, 1, 2, 9])
    await store.persist.flush()
    const after = start(reload(storage))
    await after.store.ready
    expect(after.store.state.rows.map(({ id }) => id)).toEqual([0, 1, 2, 9])
    expect(errors).toEqual([])
  })

  test('P3: a row that was added early is the one that is changed, moved and removed', async () => {
    const { store, errors } = start(await stored())
    store.events.add(row(8), row(9))
    store.events.change((state) => {
      ;(state.rows[1] as Row).text = 'changed'
    })
    store.events.change((state) => {
      state.rows.splice(0, 1)
    })
    await store.ready
    expect(store.state.rows.map(({ text }) => text)).toEqual(['row 0', 'row 1', 'row 2', 'changed'])
    expect(errors).toEqual([])
  })

  test('P3: leases and events work before, and what does not fit is left out whole and reported', async () => {
    const { store, errors } = start(await stored(), { initialState: { rows: rows(9, 100) } })
    await store.lease((state) => {
      state.filter = 'leased'
    })
    store.events.change((state) => {
      state.filter = 'lost'
      ;(state.rows[8] as Row).text = 'there is no such row'
    })
    store.events.change((state) => {
      ;(state.rows[2] as Row).text = 'third'
    })
    await store.ready
    expect(store.state.filter).toBe('leased')
    expect(store.state.rows.map(({ text }) => text)).toEqual(['row 0', 'row 1', 'third'])
    expect(errors).toHaveLength(1)
    expect(String(errors[0])).toMatch(/left out.*rows\[8\]/s)
  })

  test('P3: a lease that is held when everything has been read is waited for', async () => {
    const { store } = start(await stored())
    let release = (): void => {}
    const held = store.lease(async (state) => {
      state.rows.push(row(50))
      await new Promise<void>((resolve) => {
        release = resolve
      })
    })
    await expect.poll(() => store.line.waiting.map(({ name }) => name)).toEqual(['hydrate'])
    expect(store.persist.hasHydrated()).toBe(false)
    release()
    await held
    await store.ready
    expect(store.state.rows.map(({ id }) => id)).toEqual([0, 1, 2, 50])
  })
})

describe('a write', () => {
  test('P8: writes the fields that were changed, and no others', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.events.add(row(1))
    await store.persist.flush()
    await store.events.change((state) => {
      state.settings.theme = 'dark'
      state._drafts = 3
    })
    await store.persist.flush()
    expect(storage.writes[1]).toEqual(['todos/meta', 'todos/0/field/settings:theme'])
    await store.events.change((state) => {
      state._drafts = 4
    })
    await store.persist.flush()
    expect(storage.writes).toHaveLength(2)
  })

  test('P8: one changed row of 10,000 is one segment; a row put in the middle leaves the other segments', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.events.add(...rows(10_000))
    await store.persist.flush()
    expect(storage.writes[0]?.filter((key) => key.includes('rows/'))).toHaveLength(40)
    await store.events.change((state) => {
      ;(state.rows[5_000] as Row).text = 'changed'
    })
    await store.persist.flush()
    expect(storage.writes[1]).toEqual(['todos/meta', 'todos/0/field/rows/20'])
    await store.events.change((state) => {
      state.rows.splice(5_000, 1, row(-1), row(-2))
    })
    await store.persist.flush()
    expect(storage.writes[2]?.sort()).toEqual(['todos/0/field/rows', 'todos/0/field/rows/20', 'todos/meta'])
    const after = start(reload(storage))
    await after.store.ready
    expect(after.store.snapshot()).toEqual(store.snapshot())
  })

  test('P8: a map of 10,000 keeps the order of its keys', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.events.change((state) => {
      for (const each of rows(10_000)) state.byId.set(`k${each.id}`, each)
    })
    await store.persist.flush()
    await store.events.change((state) => {
      state.byId.delete('k5000')
      state.byId.set('k77', row(-1))
      state.byId.set('new', row(-2))
      state.byId.set('k5000', row(-3))
    })
    await store.persist.flush()
    expect(storage.writes[1]).toHaveLength(5) // meta, the directory, two segments, and the last
    const after = start(reload(storage))
    await after.store.ready
    expect([...after.store.snapshot().byId]).toEqual([...store.snapshot().byId])
  })

  test('holds one version, whatever is committed before it is stored', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.ready
    await store.events.change((state) => {
      state.rows = rows(5_000)
      state.byId = new Map(rows(500).map((each) => [`k${each.id}`, each]))
    })
    const before = toPlain(store.state) // a snapshot would protect what is being written
    let later = (): void => {}
    storage.onWrite = () => {
      storage.onWrite = () => {}
      return new Promise<void>((resolve) => {
        later = resolve
      })
    }
    const flushed = store.persist.flush()
    await expect.poll(() => store.persist.status).toBe('writing')
    await store.events.change((state) => {
      for (const each of state.rows) each.text = 'later'
      state.byId.set('k1', row(-1))
      state.rows.push(row(-1))
    })
    const records = new TestStorage(storage.records)
    storage.onWrite = () => {
      records.records.clear()
      for (const [key, value] of storage.records) records.records.set(key, value)
    }
    later()
    await flushed
    await store.persist.flush()
    expect(storage.writes).toHaveLength(2)
    const first = start(records)
    await first.store.ready
    expect(toPlain(first.store.state)).toEqual(before)
    const second = start(reload(storage))
    await second.store.ready
    expect(second.store.snapshot()).toEqual(store.snapshot())
  })
})

describe('what is stored', () => {
  async function storedWith(version: number) {
    const storage = new TestStorage()
    const { store } = start(storage, { version })
    await store.events.add(...rows(2))
    await store.persist.flush()
    return reload(storage)
  }

  test('P4: an older record is migrated in memory, written with the next commit, and kept', async () => {
    const storage = await storedWith(1)
    const before = new Map(storage.records)
    const { store, errors } = start(storage, {
      version: 2,
      migrate: (stored, version) => {
        const { rows } = stored as { rows: Row[] }
        return { rows: rows.map(({ id }) => ({ id, text: `from ${version}` })), unknown: 1 }
      },
    })
    await store.ready
    expect(store.state.rows.map(({ text }) => text)).toEqual(['from 1', 'from 1'])
    expect(storage.records).toEqual(before)
    await store.events.add(row(5))
    await store.persist.flush()
    expect([...storage.records.keys()].filter((key) => key.startsWith('todos/0/'))).toHaveLength(4)
    for (const [key, value] of before) if (key !== 'todos/meta') expect(storage.records.get(key)).toEqual(value)
    const after = start(reload(storage), { version: 2 })
    await after.store.ready
    expect(after.store.snapshot()).toEqual(store.snapshot())
    expect(errors).toEqual([])
    await after.store.dispose()

    // The next migration lets go of the records from before this one.
    const next = reload(storage)
    const third = start(next, { version: 3, migrate: (stored) => stored })
    await third.store.events.add(row(6))
    await third.store.persist.flush()
    expect(new Set([...next.records.keys()].map((key) => key.split('/')[1]))).toEqual(new Set(['meta', '1', '2']))
  })

  test.each([
    ['a newer one', 3, 2, undefined],
    ['an older one without migrate', 1, 2, undefined],
    [
      'one whose migration fails',
      1,
      2,
      () => {
        throw new Error('no')
      },
    ],
  ])('P4: %s is left untouched, and the store runs in memory', async (_, stored, version, migrate) => {
    const storage = await storedWith(stored)
    const before = new Map(storage.records)
    const { store, errors } = start(storage, { version, ...(migrate && { migrate }) })
    await store.ready
    expect(store.persist.status).toBe('degraded')
    await store.events.add(row(1))
    await expect(store.persist.flush()).rejects.toThrow(StorageError)
    await store.dispose()
    expect(errors).toHaveLength(1)
    expect(errors[0]).toBeInstanceOf(StorageError)
    expect(storage.records).toEqual(before)
    expect(storage.writes).toEqual([])
  })

  test('P4: corrupt records are left untouched, each with one error', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.events.change((state) => {
      state.rows = rows(3_000)
      state.byId.set('a', row(1))
    })
    await store.persist.flush()
    const changes: [string, (value: any) => unknown][] = [
      ['todos/meta', () => 5],
      ['todos/meta', (meta) => ({ ...meta, format: 2 })],
      ['todos/meta', (meta) => ({ ...meta, generation: undefined })],
      ['todos/0/field/filter', () => 'x'],
      ['todos/0/field/filter', () => undefined],
      ['todos/meta', ({ fields, ...meta }) => meta],
      ['todos/0/field/rows', (directory) => ({ ...directory, kind: 'map' })],
      ['todos/0/field/rows', (directory) => ({ ...directory, ids: [0] })],
      ['todos/0/field/rows', (directory) => ({ ...directory, lengths: directory.lengths.map(() => 1) })],
      ['todos/0/field/rows/1', () => undefined],
      ['todos/0/field/rows/1', (part) => part.slice(1)],
      ['todos/0/field/byId', () => ({ value: new Map([[{}, 1]]) })],
    ]
    for (const [key, change] of changes) {
      const spoiled = reload(storage)
      spoiled.records.set(key, change(structuredClone(spoiled.records.get(key))))
      const before = new Map(spoiled.records)
      const after = start(spoiled)
      await after.store.ready
      expect(after.store.persist.status, key).toBe('degraded')
      await after.store.events.add(row(1))
      await after.store.dispose()
      expect(after.errors, `${key} ${change}`).toHaveLength(1)
      expect(spoiled.records).toEqual(before)
    }
  })

  test('merge puts what is stored into the state', async () => {
    const storage = await storedWith(0)
    const { store } = start(storage, {
      merge: (stored, current) => ({ ...stored, filter: `${stored.filter} and ${current.settings.theme}` }),
    })
    await store.ready
    expect([store.state.filter, store.state.rows.length]).toEqual(['all and light', 2])
    await store.events.add(row(7))
    await store.persist.flush()
    const after = start(reload(storage))
    await after.store.ready
    expect(after.store.state.filter).toBe('all and light')
  })

  test('partialize picks fields, as they are', async () => {
    const storage = new TestStorage()
    const { store } = start(storage, { partialize: ({ rows, settings }) => ({ rows, settings }) })
    await store.events.change((state) => {
      state.filter = 'not stored'
      state.rows.push(row(1))
    })
    await store.persist.flush()
    expect(storage.writes).toEqual([['todos/meta', 'todos/0/field/rows', 'todos/0/field/settings:theme']])
    expect(() => start(storage, { partialize: ({ rows }) => ({ rows: rows.map(({ id }) => id) }) })).toThrow(/"rows"/)
  })

  test('onRehydrate is told when it is over, with the state or the error', async () => {
    const storage = await storedWith(0)
    const told: unknown[] = []
    const { store } = start(storage, { onRehydrate: (state, error) => told.push([state.rows.length, error]) })
    await store.ready
    expect(told).toEqual([[2, undefined]])
    const newer = start(storage, { version: -1, onRehydrate: (_, error) => told.push(error) })
    await newer.store.ready
    expect(told[1]).toBeInstanceOf(StorageError)
  })
})

describe('store.persist', () => {
  test('P5: a write that fails is told once, tried again, and loses nothing', async () => {
    const storage = new TestStorage()
    const { store, errors } = start(storage)
    await store.ready
    storage.faults.push('before', 'before')
    await store.events.add(row(1))
    await expect(store.persist.flush()).rejects.toMatchObject({ code: 'STORAGE', reason: 'quota' })
    expect(store.persist.status).toBe('degraded')
    await store.events.add(row(2))
    await expect(store.persist.flush()).rejects.toThrow(StorageError)
    expect(errors).toHaveLength(1)
    await expect.poll(() => store.persist.status, { timeout: 5_000 }).toBe('ready')
    const after = start(reload(storage))
    await after.store.ready
    expect(after.store.state.rows.map(({ id }) => id)).toEqual([1, 2])
  })

  test('P5: a write that was given up, and is stored all the same, is none of somebody else', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.ready
    storage.faults.push('after')
    await store.events.add(row(1))
    await expect(store.persist.flush()).rejects.toMatchObject({ reason: 'timeout' })
    await store.events.add(row(2))
    await store.persist.flush()
    expect(store.persist.status).toBe('ready')
  })

  test('P5: storage that was thrown away by the browser: it is told, and the store begins anew', async () => {
    const storage = new TestStorage()
    storage.onRead = () => {
      storage.onRead = () => {}
      throw new StorageError('The files were damaged.', { reason: 'lost' })
    }
    const { store, errors } = start(storage)
    await store.ready
    expect([store.persist.status, errors]).toMatchObject(['ready', [{ reason: 'lost' }]])
    await store.events.add(row(1))
    await store.persist.flush()
  })

  test('P5: storage that cannot be read: the store goes on in memory, and what was committed is put on top later', async () => {
    const storage = new TestStorage()
    const first = start(storage)
    await first.store.events.add(...rows(2))
    await first.store.persist.flush()
    const down = reload(storage)
    down.isDown = true
    const { store, errors } = start(down)
    await store.ready
    expect([store.persist.status, store.persist.hasHydrated(), errors.length]).toEqual(['degraded', false, 1])
    await store.events.add(row(5))
    await expect(store.persist.flush()).rejects.toThrow(StorageError)
    down.isDown = false
    await store.persist.rehydrate()
    expect(store.state.rows.map(({ id }) => id)).toEqual([0, 1, 5])
    expect(store.persist.status).toBe('ready')
    expect(errors).toHaveLength(1)
  })

  test('storage that was emptied is written anew, all of it', async () => {
    const storage = new TestStorage()
    const { store, errors } = start(storage)
    await store.events.add(...rows(2_000))
    await store.persist.flush()
    storage.records.clear()
    await store.events.add(row(1))
    await store.persist.flush()
    const after = start(reload(storage))
    await after.store.ready
    expect(after.store.snapshot()).toEqual(store.snapshot())
    expect(errors).toEqual([])
  })

  test('P8: storage that is emptied while the page is left, and comes back, is written anew, too', async () => {
    const page = new EventTarget()
    vi.stubGlobal('document', page)
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
    vi.stubGlobal('navigator', { locks: new FakeOrigin().openTab().locks })
    const storage = new TestStorage()
    const { store } = start(storage, { debounce: 60_000 })
    await store.events.add(...rows(2_000))
    await store.persist.flush()
    storage.onWrite = () => storage.records.clear()
    await store.events.add(row(1))
    page.dispatchEvent(new Event('pagehide'))
    storage.onWrite = () => {}
    await expect.poll(() => storage.writes.length).toBe(2)
    page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    await expect.poll(() => store.persist.flush().then(() => storage.records.size)).toBe(14)
    vi.unstubAllGlobals()
    const after = start(reload(storage))
    await after.store.ready
    expect(after.store.snapshot()).toEqual(store.snapshot())
  })

  test('what somebody else has written is not written over', async () => {
    const storage = new TestStorage()
    const one = start(storage)
    const two = start(storage)
    await one.store.ready
    await two.store.ready
    await one.store.events.add(row(1))
    await one.store.persist.flush()
    await two.store.events.add(row(2))
    await expect(two.store.persist.flush()).rejects.toMatchObject({ reason: 'conflict' })
    await expect.poll(() => two.store.persist.status).toBe('follower')
    expect(two.errors).toEqual([expect.objectContaining({ reason: 'conflict' })])
    expect(two.store.state.rows.map(({ id }) => id)).toEqual([1])
    await expect(two.store.events.add(row(2))).rejects.toMatchObject({ reason: 'follower' })
    await two.store.persist.rehydrate()
    expect(two.store.state.rows.map(({ id }) => id)).toEqual([1])
    expect(two.store.persist.status).toBe('ready')
    await two.store.events.add(row(3))
    await two.store.persist.flush()
  })

  test('rehydrate reads again what is stored, and puts what is committed meanwhile on top', async () => {
    const storage = new TestStorage()
    const { store } = start(storage)
    await store.events.add(...rows(2))
    await store.persist.flush()
    storage.records.set('todos/0/field/filter', { value: 'from elsewhere' })
    const done = store.persist.rehydrate()
    store.events.add(row(2))
    const seen: string[] = []
    storage.onRead = (keys) => {
      if (keys.includes('todos/0/field/rows')) store.events.add(row(3))
      seen.push(store.persist.status)
    }
    await done
    expect(new Set(seen)).toEqual(new Set(['hydrating']))
    expect(store.state.filter).toBe('from elsewhere')
    expect(store.state.rows.map(({ id }) => id)).toEqual([0, 1, 2, 3])
    await store.persist.flush()
    const after = start(reload(storage))
    await after.store.ready
    expect(after.store.snapshot()).toEqual(store.snapshot())
  })

  test('clear deletes what is stored; the next commit stores everything', async () => {
    const storage = new TestStorage()
    storage.records.set('todos2/meta', 'of another')
    const { store } = start(storage)
    await store.events.add(...rows(2_000))
    await store.persist.flush()
    await store.persist.clear()
    expect([...storage.records.keys()]).toEqual(['todos2/meta'])
    expect([store.persist.status, store.persist.hasHydrated()]).toEqual(['ready', true])
    await store.persist.flush()
    expect([...storage.records.keys()]).toEqual(['todos2/meta'])
    const cleared = store.persist.clear()
    await store.events.add(row(1))
    await cleared
    await store.persist.flush()
    const after = start(reload(storage))
    await after.store.ready
    expect(after.store.snapshot()).toEqual(store.snapshot())
  })

  test('clear makes a store usable whose records are not', async () => {
    const storage = new TestStorage(new Map([['todos/meta', 'spoiled']]))
    const { store } = start(storage)
    await store.ready
    await store.events.add(row(1))
    await store.persist.clear()
    expect([store.persist.status, store.persist.hasHydrated()]).toEqual(['ready', true])
    await store.events.add(row(2))
    await store.persist.flush()
    const after = start(reload(storage))
    await after.store.ready
    expect(after.store.state.rows.map(({ id }) => id)).toEqual([1, 2])
  })

  test('dispose stores what is not stored yet, also what was committed before it was read', async () => {
    const storage = new TestStorage()
    const first = start(storage, { debounce: 60_000 })
    await first.store.ready
    await first.store.events.add(row(1))
    await first.store.dispose()
    const second = start(storage, { debounce: 60_000 })
    second.store.events.add(row(2))
    await second.store.dispose()
    const third = start(storage)
    await third.store.ready
    expect(third.store.state.rows.map(({ id }) => id)).toEqual([1, 2])
  })

  test('a stream of commits does not put the write off', async () => {
    const storage = new TestStorage()
    const { store } = start(storage, { debounce: 20 })
    await store.ready
    let n = 0
    await expect
      .poll(
        async () => {
          await store.events.add(row(n++))
          return storage.writes.length
        },
        { interval: 5 },
      )
      .toBeGreaterThan(2)
  })

  test('refuses what is no name, version or time', () => {
    expect(() => persist({ name: '' })).toThrow(TypeError)
    expect(() => persist({ name: 'a', version: 1.5 })).toThrow(TypeError)
    expect(() => persist({ name: 'a', debounce: -1 })).toThrow(TypeError)
  })
})
