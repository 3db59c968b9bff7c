import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { StateOf } from '../state/define-state.js'
import { defineState } from '../state/define-state.js'
import { show } from '../state/fixtures/random-values.js'
import { toPlain } from '../state/values.js'
import type { Clock } from '../store/clock.js'
import { pageClock } from '../store/clock.js'
import { Chance } from '../store/fixtures/chance.js'
import { PageStore } from '../store/page-store.js'
import type { StorePersist } from '../store/persistence.js'
import type { Store } from '../store/store.js'
import { FakeOrigin } from './fixtures/fake-origin.js'
import { TestStorage } from './fixtures/test-storage.js'
import { persist } from './persist.js'

/*
 * Random events, on a store whose storage fails, answers late, is emptied, and whose page is hidden, and goes at any time. What
 * the next page finds is one of the versions that were committed, whole, and none before the last that was acknowledged.
 */

/** Pages that go; more by `LEASEHOLD_CRASHES`, others by `LEASEHOLD_SEED`. */
const PAGES = Number(process.env.LEASEHOLD_CRASHES ?? 20)
const SEED = Number(process.env.LEASEHOLD_SEED ?? 1)

interface Row {
  id: number
  notes: string[]
}

const definition = () =>
  defineState(
    'crashes',
    () => ({
      count: 0,
      rows: [] as Row[],
      byId: new Map<number, Row>(),
      long: { lines: [] as number[] },
      _hidden: 0,
    }),
    { substates: [defineState('settings', () => ({ theme: 'light', tags: new Set<number>() }))] },
  )

type State = StateOf<ReturnType<typeof definition>>

/** A document in Node: it can be hidden. */
const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
const leave = (goes: boolean): void => {
  page.visibilityState = 'hidden'
  page.dispatchEvent(new Event('visibilitychange'))
  if (goes) {
    page.dispatchEvent(new Event('pagehide'))
    page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true })) // it was kept
  }
  page.visibilityState = 'visible'
}
beforeAll(() => {
  vi.stubGlobal('document', page)
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
})
afterAll(() => void vi.unstubAllGlobals())

/** One that takes its time, and fails. */
class WeakStorage extends TestStorage {
  readonly #chance: Chance
  faulty = true

  constructor(records: ReadonlyMap<string, unknown>, chance: Chance) {
    super(records)
    this.#chance = chance
    this.onWrite = async () => {
      if (!this.faulty) return
      if (chance.hit(0.1)) this.faults.push(chance.pick(['before', 'after']))
    }
  }

  override async write(...args: Parameters<TestStorage['write']>): Promise<void> {
    // As a database does, it takes one after the other.
    const turn = this.#last
    let done = (): void => {}
    this.#last = new Promise((resolve) => {
      done = resolve
    })
    await turn
    for (let i = this.#chance.below(4); i > 0; i--) await setImmediate()
    try {
      await super.write(...args)
    } finally {
      done()
    }
  }

  #last: Promise<void> = Promise.resolve()
}

/** By which all that is done takes long: a write is taken in as many turns as it has records. */
const slowly = (): Clock => {
  let now = 0
  return { ...pageClock, now: () => (now += 10) }
}

function open(storage: TestStorage, clock: Clock = pageClock) {
  const errors: unknown[] = []
  // This page has the lock, so that its last write need not look who else has written.
  vi.stubGlobal('navigator', { locks: new FakeOrigin().openTab().locks })
  const options = {
    persist: persist({ name: 'crashes', storage, debounce: 0 }),
    events: {
      change(state: State, recipe: (draft: State) => void) {
        recipe(state)
      },
    },
    onError: (error: unknown) => errors.push(error),
  }
  const store = new PageStore(definition(), options as never, clock)
  return { store: store as unknown as Store<State, typeof options.events, object, StorePersist>, errors }
}

function change(state: State, chance: Chance): void {
  const row = (): Row => ({
    id: chance.below(5_000),
    notes: Array.from({ length: chance.hit(0.1) ? 70 : 1 }, () => 'n'),
  })
  const at = chance.below(state.rows.length + 1)
  switch (chance.below(9)) {
    case 0:
      state.rows.push(...Array.from({ length: chance.hit(0.1) ? 400 : 2 }, row))
      return
    case 1:
      state.rows.splice(at, chance.below(chance.hit(0.1) ? 300 : 3), row())
      return
    case 2:
      if (at < state.rows.length) state.rows[at]?.notes.push('more')
      return
    case 3:
      for (let i = chance.hit(0.1) ? 1_500 : 2; i > 0; i--) state.byId.set(chance.below(3_000), row())
      return
    case 4:
      for (const key of [...state.byId.keys()].slice(0, chance.below(40))) state.byId.delete(key)
      return
    case 5:
      state.settings.theme = `theme ${chance.below(9)}`
      return
    case 6:
      state.settings.tags.add(chance.below(3_000))
      return
    case 7:
      state.long.lines.push(chance.below(9), ...(chance.hit(0.1) ? new Array<number>(200).fill(1) : []))
      return
    default:
      if (chance.hit(0.05)) state.rows = []
      state._hidden += 1
  }
}

test('P2: whenever the page goes, the next finds a committed version, whole, and no older one than was acknowledged', {
  timeout: 20_000 * Math.max(1, PAGES / 20),
}, async () => {
  let records: ReadonlyMap<string, unknown> = new Map()
  let known = ''
  let acknowledgements = 0
  let degraded = 0
  console.info(`crashes: ${PAGES} pages, seed ${SEED}`)
  for (let number = 0; number < PAGES; number++) {
    const chance = new Chance(SEED * 100_003 + number)
    if (chance.hit(0.05)) records = new Map()
    const storage = new WeakStorage(records, chance)
    storage.faulty = false
    const { store, errors } = open(storage, chance.hit(0.5) ? slowly() : pageClock)
    await store.ready
    if (records.size > 0) expect(show(toPlain(store.state)), `page ${number}`).toBe(known)
    storage.faulty = true
    let emptied = 0
    /** By what was committed: each commit counts. */
    const versions = new Map<number, string>([[store.state.count, show(toPlain(store.state))]])
    let acknowledged = records.size > 0 ? store.state.count : -1
    for (let i = chance.below(30); i > 0; i--) {
      await store.events.change((state) => {
        state.count += 1
        for (let n = chance.below(4); n > 0; n--) change(state, chance)
      })
      const { count } = store.state
      versions.set(count, show(toPlain(store.state)))
      if (chance.hit(0.3)) {
        const before = emptied
        store.persist.flush().then(
          () => {
            if (emptied !== before) return
            acknowledged = Math.max(acknowledged, count)
            acknowledgements += 1
          },
          () => {
            degraded += 1
          },
        )
      }
      if (chance.hit(0.1)) leave(emptied === 0 && chance.hit(0.5)) // no page that goes has time to see that
      if (chance.hit(0.02)) {
        await store.persist.flush().catch(() => {})
        emptied += 1
        storage.records.clear() // the user has deleted the data of the site
        acknowledged = -1
      }
      for (let n = chance.below(4); n > 0; n--) await setImmediate()
    }
    if (chance.hit(0.2)) {
      await store.dispose()
      await setImmediate()
    }
    // The page goes: nothing that it still does is stored.
    const found = new TestStorage(storage.records)
    const lastAcknowledged = acknowledged
    storage.isDown = true
    const next = open(found)
    await next.store.ready
    const text = show(toPlain(next.store.state))
    const { count } = next.store.state
    if (found.records.size > 0) {
      expect(text, `page ${number}: version ${count} is torn`).toBe(versions.get(count))
      known = text
    }
    expect(found.records.size > 0 ? count : -1).toBeGreaterThanOrEqual(lastAcknowledged)
    expect(next.errors).toEqual([])
    records = new Map(found.records)
    await next.store.dispose()
    await store.dispose()
    for (const error of errors) expect(error).toMatchObject({ code: 'STORAGE' })
  }
  expect(acknowledgements).toBeGreaterThan(PAGES)
  expect(degraded).toBeGreaterThan(PAGES / 20)
})
