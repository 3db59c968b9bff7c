import { when } from 'mobx'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { expectConsole } from '../../scripts/test-setup.js'
import { idle } from '../testing/index.js'
import type { Expected } from './fixtures/append-ledger.js'
import type { AppendStore, Ending, Step } from './fixtures/append-store.js'
import { CANCELLED, createAppendStore, KINDS, turns } from './fixtures/append-store.js'

/*
 * Tasks, events and leases that append to one list, all at once and at random, many of which fail, wait in vain or are
 * cancelled. What each does is given by the seed, which `LEASEHOLD_SEED` sets; how they meet is up to the event loop.
 */

const TASK_DRIVERS = 5
const RUNS = 30
const PAGE_DRIVERS = 4
const PAGE_STEPS = 90
/** Ten times what it takes. */
const DEADLINE_MS = 20_000
/** Every so many commits a listener appends too. */
const LISTENER_EVERY = 20

/** Mulberry32. */
class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  step(): Step {
    const kind = this.oneIn(2) ? 'plain' : this.pick(KINDS)
    return { kind, count: 1 + this.below(3), pause: this.below(4) }
  }
}

let stores: AppendStore['store'][] = []
beforeEach(() => {
  stores = []
})
afterEach(async () => {
  for (const store of stores) await store.dispose()
})

/** Starts runs, one or two at a time, cancels some, and sees each end as it must. */
async function driveTasks({ store, ledger }: AppendStore, random: Random, name: string, unheard: string[]) {
  const oneRun = async (writer: string): Promise<void> => {
    const task = random.pick(['inTurn', 'inParts', 'sideBySide'] as const)
    const steps = Array.from({ length: random.below(7) }, () => random.step())
    const ending = random.pick<Ending>(['returns', 'returns', 'throws', 'returns a function', 'leaves'])
    const stop = new AbortController()
    const tied = random.oneIn(4)
    const starters = tied ? store.tasks.with({ signal: stop.signal }) : store.tasks
    const run = starters[task](writer, steps, ending)
    const isHeard = ending !== 'throws' || random.oneIn(2)
    const heard = isHeard ? run.done.then(String, String) : undefined
    let status = ending === 'throws' || ending === 'returns a function' ? 'failed' : 'succeeded'
    const over = when(() => run.endedAt !== undefined)
    if (random.oneIn(3)) {
      await turns(random.below(12))
      if (run.endedAt === undefined) status = 'cancelled'
      if (tied) stop.abort(CANCELLED)
      else run.cancel(CANCELLED)
    }
    await over
    if (run.status !== status) ledger.faults.push(`${task} ${writer} ${run.status}, not ${status}: ${run.error}`)
    if (status === 'cancelled' && isHeard && (await heard) !== CANCELLED)
      ledger.faults.push(`${task} ${writer} was cancelled with ${await heard}`)
    if (status === 'failed' && !isHeard) unheard.push(writer)
  }
  for (let i = 0; i < RUNS; i++) {
    const pair = [oneRun(`${name}-${i}a`)]
    if (random.oneIn(3)) pair.push(oneRun(`${name}-${i}b`))
    await Promise.all(pair)
  }
}

/** Appends by events and leases of the page, some of which nobody awaits. */
async function drivePage(
  { store, ledger, appendOnPage }: AppendStore,
  random: Random,
  writer: string,
  unheard: string[],
) {
  const { events } = store
  const told: Promise<void>[] = []
  const begin = (by = writer) => ledger.begin(by, 1 + random.below(3))
  const deeds: readonly (() => unknown)[] = [
    () => {
      const burst = Array.from({ length: 1 + random.below(4) }, () => begin())
      for (const asked of burst) told.push(ledger.follow(asked, events.append(asked.entries), () => 'applied'))
      return Promise.all(told)
    },
    () => {
      const asked = begin()
      return ledger.follow(asked, events.putFunction(asked.entries), () => 'dropped')
    },
    () => {
      const asked = begin()
      if (random.oneIn(2)) return ledger.follow(asked, events.fail(asked.entries), () => 'dropped')
      unheard.push(asked.entries[0] as string)
      asked.fate = 'dropped'
      return void events.fail(asked.entries)
    },
    () => {
      const [asked, fails] = [begin(), random.oneIn(3)]
      const run = events.later(asked.entries, random.below(4), fails)
      return ledger.follow(asked, run, () => (fails ? 'dropped' : 'applied'))
    },
    () => {
      const [first, second, fails] = [begin(), begin(), random.oneIn(3)]
      const published = (): void => {
        first.fate = 'applied'
      }
      const isLate = random.oneIn(2)
      const run = isLate
        ? events.lateParts(first.entries, second.entries, random.below(4), published)
        : events.parts(first.entries, second.entries, fails, published)
      const due: Expected = !isLate && fails ? 'dropped' : 'applied'
      return ledger.follow(second, run, () => due)
    },
    () => {
      const [asked, then, fails] = [begin(), begin(`${writer}'s specs`), random.oneIn(3)]
      then.fate = fails ? 'dropped' : 'applied' // nobody is told
      const run = events.chain(asked.entries, then.entries, fails)
      return ledger.follow(asked, run, () => (fails ? 'dropped' : 'applied'))
    },
    () => appendOnPage(writer, random.step()),
    () => appendOnPage(writer, random.step()),
  ]
  for (let i = 0; i < PAGE_STEPS; i++) {
    const done = random.pick(deeds)()
    if (!random.oneIn(3)) await done
    else told.push(Promise.resolve(done).then(() => {}))
    await turns(random.below(4))
  }
  await Promise.all(told)
}

test(
  'L1 L3 L4 T9 T11 T16 all at once and at random: what was acknowledged is there once, in order, and nothing else',
  async () => {
    const seed = Number(process.env.LEASEHOLD_SEED ?? Date.now() % 2 ** 31)
    console.info(`stress: seed ${seed}`)
    expectConsole('warn', /is async: it keeps every other event and task waiting/)
    const stage = createAppendStore()
    const { store, ledger, reported } = stage
    stores.push(store)
    const shown: unknown[] = []
    const versions: number[] = []
    store.onCommit(({ version, mutations }) => {
      versions.push(version)
      for (const mutation of mutations) {
        if (mutation.op === 'splice' && mutation.remove === 0) shown.push(...mutation.values)
        else ledger.faults.push(`version ${version} holds ${JSON.stringify(mutation)}`)
      }
      if (version % LISTENER_EVERY !== 0) return
      const asked = ledger.begin('the listener', 1)
      void ledger.follow(asked, store.events.append(asked.entries), () => 'applied')
    })

    const unheard: string[] = []
    const atWork = new Set<string>()
    const run = async (name: string, driver: Promise<unknown>): Promise<void> => {
      atWork.add(name)
      await driver.catch((error: Error) => ledger.faults.push(`${name}: ${error.stack}`))
      atWork.delete(name)
    }
    for (let i = 0; i < TASK_DRIVERS; i++) {
      void run(`tasks ${i}`, driveTasks(stage, new Random(seed + i), `tasks ${i}`, unheard))
    }
    for (let i = 0; i < PAGE_DRIVERS; i++) {
      void run(`page ${i}`, drivePage(stage, new Random(seed + 100 + i), `page ${i}`, unheard))
    }
    const patience = { timeout: DEADLINE_MS, interval: 10 }
    await vi.waitFor(() => expect([...atWork], `seed ${seed}`).toEqual([]), patience)
    await vi.waitFor(() => expect(ledger.pending, `seed ${seed}`).toEqual([]), patience)
    await idle(store)

    const log = [...store.state.log]
    expect([...ledger.faults, ...ledger.check(log)], `seed ${seed}`).toEqual([])
    expect(shown, `seed ${seed}`).toEqual(log)
    expect(versions, `seed ${seed}`).toEqual(Array.from({ length: store.version }, (_, i) => i + 1))
    const messages = () => reported.map((error) => (error as Error).message).sort()
    await vi.waitFor(() => expect(messages(), `seed ${seed}`).toEqual(unheard.sort()))
    expect([store.line.holder, store.line.waiting, store.backgroundTasks.size]).toEqual([undefined, [], 0])
    const seen = await Promise.all([store.tasks.look().done, store.tasks.look().done])
    expect(seen, `seed ${seed}`).toEqual([log, log])
    expect(store.events.append(['the last']).ran).toBe(true)
    // It was no idle play.
    const count = (fate: string) => ledger.appends.filter((append) => append.fate === fate).length
    expect(count('applied'), `seed ${seed}`).toBeGreaterThan(400)
    expect(count('dropped'), `seed ${seed}`).toBeGreaterThan(200)
  },
  2 * DEADLINE_MS,
)
