import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { show } from '../state/fixtures/random-values.js'
import { toPlain } from '../state/values.js'
import { Chance } from '../store/fixtures/chance.js'
import type { FakeOrigin, FakeTab } from './fixtures/fake-origin.js'
import type { Page, Row, State } from './fixtures/open-tab.js'
import { Site } from './fixtures/open-tab.js'
import type { TestStorage } from './fixtures/test-storage.js'
import type { PersistOptions } from './persist.js'

let origin: FakeOrigin
let storage: TestStorage
let site: Site
beforeEach(() => {
  site = new Site()
  ;({ origin, storage } = site)
})
afterEach(async () => {
  await site.close()
  expect(origin.channels.size).toBe(0)
})

const open = (options: Partial<PersistOptions<State>> = {}, tab?: FakeTab): Page => site.open(options, tab)

async function openReady(options: Partial<PersistOptions<State>> = {}): Promise<Page> {
  const page = open(options)
  await page.store.ready
  return page
}

const row = (id: number): Row => ({ id, text: `row ${id}` })
const rows = (count: number, from = 0): Row[] => Array.from({ length: count }, (_, i) => row(from + i))
const ids = ({ store }: Page): number[] => store.state.rows.map(({ id }) => id)
const plain = ({ store }: Page): string => show(toPlain(store.state))
const isRefused = expect.objectContaining({ code: 'STORAGE', reason: 'follower' })

describe('a tab that follows', () => {
  test('P6: shows what is stored, says that it follows, and refuses whoever would change the state', async () => {
    const writer = await openReady()
    await writer.store.events.add(row(1))
    await writer.store.persist.flush()
    const page = await openReady()
    const { store, errors } = page
    expect([writer.store.persist.status, store.persist.status]).toEqual(['ready', 'follower'])
    expect(store.persist.hasHydrated()).toBe(true)
    expect(ids(page)).toEqual([1])
    const before = store.version
    await expect(store.events.add(row(2))).rejects.toEqual(isRefused)
    await expect(store.set.filter('x')).rejects.toEqual(isRefused)
    await expect(store.lease(() => {})).rejects.toEqual(isRefused)
    await expect(store.lease(() => {}, { ifAvailable: true })).rejects.toEqual(isRefused)
    await expect(store.apply([{ op: 'set', path: ['filter'], value: 'x' }])).rejects.toEqual(isRefused)
    await expect(store.reset()).rejects.toEqual(isRefused)
    await expect(store.tasks.add(3).done).rejects.toEqual(isRefused) // it has been to the worker and back
    await expect(store.persist.clear()).rejects.toEqual(isRefused)
    await store.persist.flush()
    expect([store.version, errors]).toEqual([before, []])
    store.events.add(row(2)) // nobody awaits it
    await expect.poll(() => errors).toEqual([isRefused])
  })

  test('P6: follows what the writer stores, one commit for each write, of the records that changed', async () => {
    const writer = await openReady()
    await writer.store.events.add(...rows(3_000))
    await writer.store.persist.flush()
    const page = await openReady()
    const untouched = page.store.state.rows[2_900]
    const origins: string[] = []
    page.store.onCommit((commit) => origins.push(`${commit.origin.kind} ${commit.mutations.length}`))
    storage.reads = 0
    await writer.store.events.change((state) => {
      ;(state.rows[1_500] as Row).text = 'changed'
      state.filter = 'some'
    })
    await expect.poll(() => page.store.state.filter).toBe('some')
    expect(plain(page)).toBe(plain(writer))
    expect(origins).toEqual(['hydrate 2'])
    expect(storage.reads).toBe(3) // what is stored, a segment, a field
    expect(page.store.state.rows[2_900]).toBe(untouched)
  })

  test('P6: rows keep their identity when others come and go', async () => {
    const writer = await openReady()
    await writer.store.events.change((state) => {
      state.rows = rows(2_000)
      for (const one of rows(2_000)) state.byId.set(one.id, one)
    })
    await writer.store.persist.flush()
    const page = await openReady()
    const { state } = page.store
    const [one, other] = [state.rows[1_200], state.byId.get(1_200)]
    await writer.store.events.change((draft) => {
      draft.rows.splice(1_190, 2)
      draft.rows.unshift(...rows(700, 5_000))
      draft.byId.delete(1_199)
      draft.byId.set(9_000, row(9_000))
    })
    await expect.poll(() => plain(page)).toBe(plain(writer))
    expect([state.rows[1_898], state.byId.get(1_200)]).toEqual([one, other])
    expect(state.rows[1_898] === one && state.byId.get(1_200) === other).toBe(true)
  })

  test('P6: whatever is committed, it shows one of the versions, and the last one in the end', async () => {
    const chance = new Chance(Number(process.env.LEASEHOLD_SEED ?? 7))
    const writer = await openReady()
    await writer.store.events.change((state) => {
      state.rows = rows(1_200)
      for (const one of rows(1_200)) {
        state.byId.set(one.id, one)
        state.record[`key${one.id}`] = one.id
        state.marks.add(one.id)
      }
    })
    await writer.store.persist.flush()
    const page = await openReady()
    const versions = new Set([plain(writer)])
    const seen: string[] = []
    page.store.onCommit(() => seen.push(plain(page)))
    for (let n = 0; n < 120; n++) {
      await writer.store.events.change((state) => {
        state.count += 1
        for (let i = chance.below(4); i > 0; i--) changeAtRandom(state, chance)
      })
      versions.add(plain(writer))
      // It writes without a rest, and now and then it has one.
      for (let i = chance.below(n % 4 === 0 ? 60 : 6); i > 0; i--) await setImmediate()
    }
    await expect.poll(() => plain(page)).toBe(plain(writer))
    expect(seen.length).toBeGreaterThan(5)
    expect(seen.filter((version) => !versions.has(version))).toEqual([])
    expect([page.errors, writer.errors]).toEqual([[], []])
  })

  test('P6: news that are missed, or nonsense, lead to what is stored', async () => {
    const writer = await openReady()
    const page = await openReady()
    const liar = origin.openTab().openChannel('leasehold/shared/')
    for (const news of [
      null,
      'x',
      { generation: 1 },
      { generation: 'no such', keys: ['field/rows', 'nothing', 'field/rows/7'] },
    ]) {
      liar.postMessage(news)
    }
    await writer.store.events.add(row(1))
    await expect.poll(() => ids(page)).toEqual([1])
    const { onmessage } = [...origin.channels].find((channel) => channel.tab === page.tab) ?? {}
    expect(onmessage).toBeTypeOf('function')
    const missed = [...origin.channels].find((channel) => channel.tab === writer.tab)
    const tell = missed?.postMessage.bind(missed)
    if (missed !== undefined) missed.postMessage = () => {}
    await writer.store.events.add(row(2))
    await writer.store.persist.flush()
    if (missed !== undefined && tell !== undefined) missed.postMessage = tell
    await writer.store.events.add(row(3))
    await expect.poll(() => ids(page)).toEqual([1, 2, 3])
    liar.close()
    expect(page.errors).toEqual([])
  })

  test('P6: when the writer clears what is stored it shows what it did, and follows from the next write', async () => {
    const writer = await openReady()
    await writer.store.events.add(...rows(2_000))
    await writer.store.persist.flush()
    const page = await openReady()
    await writer.store.persist.clear()
    expect([writer.store.persist.status, storage.records.size]).toEqual(['ready', 0])
    await writer.store.events.add(row(-1))
    await writer.store.persist.flush()
    await expect.poll(() => ids(page).at(-1)).toBe(-1)
    expect([plain(page), page.store.persist.status, page.errors]).toEqual([plain(writer), 'follower', []])
  })

  test('P6: storage that cannot be read: it says so once, and follows again when it can', async () => {
    const writer = await openReady()
    const page = await openReady()
    await writer.store.events.add(row(1))
    await expect.poll(() => ids(page)).toEqual([1])
    storage.onRead = () => {
      throw new Error('no disk')
    }
    await writer.store.events.add(row(2))
    await expect.poll(() => page.store.persist.status).toBe('degraded')
    await expect(page.store.persist.rehydrate()).rejects.toThrow(/no disk/)
    storage.onRead = () => {}
    await page.store.persist.rehydrate()
    expect([ids(page), page.store.persist.status, page.errors.length]).toEqual([[1, 2], 'follower', 1])
  })

  test('P6: of a writer with an older version it shows what it migrates to', async () => {
    const writer = await openReady()
    const migrate = (stored: unknown) => ({ ...(stored as object), filter: 'migrated' })
    const page = await openReady({ version: 2, migrate })
    await writer.store.events.add(row(1))
    await expect.poll(() => ids(page)).toEqual([1])
    await writer.store.events.add(row(2))
    await expect.poll(() => ids(page)).toEqual([1, 2])
    expect([page.store.state.filter, page.errors]).toEqual(['migrated', []])
    await writer.store.dispose()
    await expect.poll(() => page.store.persist.status).toBe('ready')
    await page.store.events.add(row(3))
    await page.store.persist.flush()
    expect(ids(await openReady({ version: 2 }))).toEqual([1, 2, 3])
  })
})

describe('a tab that takes over', () => {
  test('P6: when the writer is closed, after reading again; what it commits at once is on top', async () => {
    const writer = await openReady({ debounce: 60_000 })
    const page = await openReady()
    await writer.store.events.add(row(1))
    await writer.store.dispose() // stores it
    await expect
      .poll(() =>
        page.store.events.add(row(2)).then(
          () => 'done',
          () => 'refused',
        ),
      )
      .toBe('done')
    await page.store.persist.flush()
    expect([ids(page), page.store.persist.status]).toEqual([[1, 2], 'ready'])
    expect(ids(await openReady())).toEqual([1, 2])
  })

  test('P6: when the writer crashes: what was stored goes on', async () => {
    const writer = await openReady()
    await writer.store.events.add(row(1))
    await writer.store.persist.flush()
    const page = await openReady()
    const last = await openReady()
    const { version } = page.store
    writer.tab.crash()
    await expect.poll(() => page.store.persist.status).toBe('ready')
    expect(page.store.version).toBe(version) // it showed what is stored already
    await page.store.events.add(row(2))
    await expect.poll(() => ids(last)).toEqual([1, 2])
    expect(last.store.persist.status).toBe('follower')
    page.tab.crash()
    await expect.poll(() => last.store.persist.status).toBe('ready')
    await last.store.events.add(row(3))
    expect(ids(last)).toEqual([1, 2, 3])
    expect([page.errors, last.errors]).toEqual([[], []])
  })

  test('P9: the runs that it had not ended go on, once', async () => {
    const writer = await openReady()
    writer.store.tasks.long()
    await expect.poll(() => ids(writer)).toEqual([1])
    await writer.store.persist.flush()
    const page = await openReady()
    const last = await openReady()
    writer.tab.crash()
    await expect.poll(() => ids(page)).toEqual([1, 2])
    await expect.poll(() => page.store.backgroundTasks.size).toBe(0)
    await page.store.persist.flush()
    page.tab.crash()
    await expect.poll(() => last.store.persist.status).toBe('ready')
    expect([ids(last), last.store.backgroundTasks.size, last.errors]).toEqual([[1, 2], 0, []])
  })

  test('P6: of many tabs that come and go, one writes at a time, and no acknowledged commit is lost', async () => {
    const chance = new Chance(Number(process.env.LEASEHOLD_SEED ?? 11))
    let acknowledged = 0
    let live = [open(), open(), open()]
    for (let n = 0; n < 60; n++) {
      const page = chance.pick(live)
      await page.store.ready
      const run = page.store.events.change((state) => {
        state.count += 1
      })
      await run.then(
        () => page.store.persist.flush().then(() => acknowledged++),
        () => {}, // refused
      )
      if (chance.hit(0.15)) {
        live = live.filter((other) => other !== page)
        if (chance.hit(0.5)) page.tab.crash()
        else await page.store.dispose()
        live.push(open())
      }
      expect(live.filter(({ store }) => store.persist.status === 'ready').length).toBeLessThan(2)
      for (let i = chance.below(30); i > 0; i--) await setImmediate()
    }
    for (const page of live) await page.store.persist.flush()
    await expect.poll(() => new Set(live.map(plain)).size).toBe(1)
    expect(live[0]?.store.state.count).toBeGreaterThanOrEqual(acknowledged)
    expect(acknowledged).toBeGreaterThan(5)
  })
})

describe('before a tab knows that it follows', () => {
  test('P6: what it commits is seen at once, then taken back, and each is told to who awaits it', async () => {
    const writer = await openReady()
    await writer.store.events.add(row(1))
    await writer.store.persist.flush()
    const { store, errors } = open()
    const run = store.events.add(row(2))
    expect([run.ran, store.state.rows.length]).toEqual([true, 1])
    const lease = store.lease((state) => {
      state._drafts = 1
    })
    await expect(store.events.inSteps()).rejects.toThrow(RangeError)
    await expect(run).rejects.toEqual(isRefused)
    await expect(lease).rejects.toEqual(isRefused)
    await store.ready
    expect(store.state.rows.map(({ id }) => id)).toEqual([1])
    expect(store.state.count).toBe(0)
    // The first step of the one that failed: nobody else was told of it.
    expect(errors.map(String)).toEqual([expect.stringMatching(/the event "inSteps" was taken back/)])
  })

  test('P6: of a tab that turns out to write they stand', async () => {
    const { store, errors } = open()
    const run = store.events.add(row(2))
    const steps = store.events.inSteps()
    expect(store.state.rows).toHaveLength(1)
    await run
    await expect(steps).rejects.toThrow(RangeError)
    await store.persist.flush()
    expect([store.state.count, store.persist.status, errors]).toEqual([1, 'ready', []])
  })

  test('P6: a page that is reloaded meets the lock of the page before, and writes nevertheless', async () => {
    const first = await openReady()
    await first.store.events.add(row(1))
    const again = open({}, first.tab.reload())
    const run = again.store.events.add(row(2))
    await run
    await again.store.ready
    expect([ids(again), again.store.persist.status, again.errors]).toEqual([[1, 2], 'ready', []])
  })

  test('P6: one that waits in the line is refused with the others', async () => {
    await openReady()
    const { store, errors } = open()
    let letGo = (): void => {}
    const gate = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const lease = store.lease(() => gate)
    const waiting = store.events.add(row(2))
    await expect(lease).rejects.toEqual(isRefused)
    await expect(waiting).rejects.toEqual(isRefused)
    letGo()
    await store.ready
    expect(errors).toEqual([])
  })

  test('P6: dispose waits until it is known, and loses nothing without a word', async () => {
    const alone = open({ debounce: 60_000 })
    alone.store.events.add(row(1))
    await alone.store.dispose()
    const writer = await openReady()
    expect(ids(writer)).toEqual([1])
    const other = open()
    other.store.events.add(row(2))
    await other.store.dispose()
    await expect.poll(() => other.errors).toEqual([isRefused])
    expect(origin.inLine('leasehold/shared/')).toBe(1)
  })
})

describe('a page that is kept when it is left', () => {
  test('P6: holds nobody up, and follows when it is back', async () => {
    const first = await openReady({ debounce: 60_000 })
    await first.store.events.add(row(1))
    const second = await openReady()
    first.tab.leave()
    await expect.poll(() => second.store.persist.status).toBe('ready')
    expect(ids(second)).toEqual([1])
    await second.store.events.add(row(2))
    await second.store.persist.flush()
    first.tab.comeBack()
    const early = first.store.events.add(row(3))
    expect(early.ran).toBe(true)
    await expect(early).rejects.toEqual(isRefused)
    await expect.poll(() => ids(first)).toEqual([1, 2])
    expect([first.store.persist.status, first.errors]).toEqual(['follower', []])
    second.tab.leave()
    await expect.poll(() => first.store.persist.status).toBe('ready')
    await first.store.events.add(row(4))
    await first.store.persist.flush()
    second.tab.comeBack()
    await expect.poll(() => ids(second)).toEqual([1, 2, 4])
    expect(second.store.persist.status).toBe('follower')
  })

  test('P6: goes on where it was if nobody has written; what is committed when it is back is on top', async () => {
    const { store, tab, errors } = await openReady({ debounce: 60_000 })
    await store.events.add(row(1))
    tab.leave()
    const frozen = store.events.add(row(2)) // its turn comes when the page is back
    tab.comeBack()
    const run = store.events.add(row(3))
    await Promise.all([frozen, run])
    await store.persist.flush()
    expect([store.persist.status, errors]).toEqual(['ready', []])
    await store.dispose()
    expect(ids(await openReady())).toEqual([1, 2, 3])
  })

  test('P6: takes back what is committed on a state that others have changed meanwhile, and says so', async () => {
    const first = await openReady()
    await first.store.events.add(row(1))
    await first.store.persist.flush()
    first.tab.leave()
    const second = await openReady()
    await second.store.events.add(row(2))
    await second.store.dispose()
    first.tab.comeBack()
    const run = first.store.events.add(row(3))
    expect(ids(first)).toEqual([1, 3])
    await expect(run).rejects.toMatchObject({ reason: 'conflict' })
    await expect.poll(() => first.store.persist.status).toBe('ready')
    await first.store.events.add(row(3))
    await first.store.persist.flush()
    expect([ids(first), first.errors]).toEqual([[1, 2, 3], []])
  })

  test('P9: the runs that it had go on where another has taken over, and end here', async () => {
    const first = await openReady()
    const run = first.store.tasks.long()
    await expect.poll(() => ids(first)).toEqual([1])
    await first.store.persist.flush()
    first.tab.leave()
    const second = await openReady()
    await expect.poll(() => ids(second)).toEqual([1, 2])
    await second.store.persist.flush()
    first.tab.comeBack()
    await expect(run.done).rejects.toMatchObject({ code: 'STORAGE', reason: 'conflict' })
    await expect.poll(() => first.store.persist.status).toBe('follower')
    second.tab.leave()
    await expect.poll(() => first.store.persist.status).toBe('ready')
    await first.store.events.add(row(3))
    await first.store.persist.flush()
    expect(storage.records.get('shared/0/runs')).toEqual([])
    expect([ids(first), first.errors]).toEqual([[1, 2, 3], []])
  })

  test('P9: those that another has begun meanwhile, and left, go on when it is back', async () => {
    const first = await openReady()
    await first.store.events.add(row(0))
    await first.store.persist.flush()
    first.tab.leave()
    const second = await openReady()
    second.store.tasks.long()
    await expect.poll(() => ids(second)).toEqual([0, 1])
    await second.store.dispose()
    first.tab.comeBack()
    await expect.poll(() => ids(first)).toEqual([0, 1, 2])
    await expect.poll(() => first.store.backgroundTasks.size).toBe(0)
    await first.store.persist.flush()
    expect([storage.records.get('shared/0/runs'), first.errors]).toEqual([[], []])
  })

  test('P6: what could not be stored before it was left, and cannot be any more, is told', async () => {
    const first = await openReady({ debounce: 60_000 })
    await first.store.events.add(row(1))
    storage.faults.push('before')
    first.tab.leave()
    await expect.poll(() => storage.faults.length).toBe(0)
    const second = await openReady()
    await second.store.events.add(row(2))
    await second.store.persist.flush()
    first.tab.comeBack()
    await expect.poll(() => ids(first)).toEqual([2])
    expect(first.errors.map(String)).toEqual([
      expect.stringContaining('disk is full'),
      expect.stringContaining('could not be stored, and another tab has written since'),
    ])
  })
})

describe('without Web Locks', () => {
  beforeEach(() => {
    origin.hasLocks = false
  })

  test('P6: every tab writes; one that finds another has written follows it, and says what was not stored', async () => {
    const one = await openReady()
    const two = await openReady()
    await one.store.events.add(row(1))
    await one.store.persist.flush()
    await two.store.events.add(row(2))
    await expect(two.store.persist.flush()).rejects.toMatchObject({ reason: 'conflict' })
    await expect.poll(() => two.store.persist.status).toBe('follower')
    await one.store.events.add(row(3))
    await expect.poll(() => ids(two)).toEqual([1, 3])
    await expect(two.store.events.add(row(2))).rejects.toEqual(isRefused)
    expect(two.errors).toEqual([expect.objectContaining({ reason: 'conflict' })])
    await two.store.persist.rehydrate()
    await two.store.events.add(row(4))
    await two.store.persist.flush()
    await one.store.events.add(row(5))
    await expect.poll(() => one.store.persist.status).toBe('follower')
    expect([ids(one), ids(two)]).toEqual([
      [1, 3, 4],
      [1, 3, 4],
    ])
  })
})

test('P13: a page to which locks are denied writes as if there were none', async () => {
  origin.denial = new DOMException('opaque origin', 'SecurityError')
  const page = open()
  await page.store.events.add(row(1))
  await page.store.persist.flush()
  expect([ids(page), page.store.persist.status, page.errors]).toEqual([[1], 'ready', []])
  const other = await openReady()
  await other.store.events.add(row(2))
  await other.store.persist.flush()
  await page.store.events.add(row(3))
  await expect(page.store.persist.flush()).rejects.toMatchObject({ reason: 'conflict' })
  await expect.poll(() => ids(page)).toEqual([1, 2])
})

function changeAtRandom(state: State, chance: Chance): void {
  const at = chance.below(state.rows.length + 1)
  const key = chance.below(1_500)
  switch (chance.below(chance.hit(0.1) ? 13 : 10)) {
    case 0:
      state.rows.push(...rows(chance.hit(0.2) ? 400 : 2, chance.below(9_000)))
      return
    case 1:
      state.rows.splice(at, chance.below(chance.hit(0.2) ? 500 : 4), row(key))
      return
    case 2:
      if (at < state.rows.length) (state.rows[at] as Row).tags = [`tag ${key}`]
      return
    case 3:
      for (let i = 0; i < (chance.hit(0.2) ? 600 : 2); i++) state.byId.set(key + i, row(i))
      return
    case 4:
      for (let i = 0; i < (chance.hit(0.2) ? 600 : 2); i++) state.byId.delete(key + i)
      return
    case 5:
      state.record[`key${key}`] = chance.below(9)
      return
    case 6:
      delete state.record[`key${key}`]
      return
    case 7:
      state.marks.add(key + 700)
      return
    case 8:
      state.marks.delete(key)
      return
    case 9:
      state.settings.theme = `theme ${key}`
      return
    case 10:
      state.byId.delete(key)
      state.byId.set(key, row(1))
      return
    case 11:
      state.rows.reverse()
      return
    default:
      state.rows = rows(900)
  }
}
