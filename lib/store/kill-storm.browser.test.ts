import { afterEach, expect, test, vi } from 'vitest'
import { LeaseExpiredError, TaskCrashedError, WorkerStartTimeoutError } from '../errors.js'
import { disposeRunners, expectAtRest, lifeLocks, startRunner } from './fixtures/start-runner.js'
import type { TaskRun } from './task-run.js'

/*
 * A pool whose workers are killed all the time, while tasks and events append to a list.
 *
 * - A kill counts if it has ended a worker that served and was not ended yet: one that hits a dead worker, or a lease alone,
 *   is weather.
 * - What was acknowledged is in the list, once; what was not is there once or not at all; and never in part.
 * - After each kill the line is served again.
 */

// `LEASEHOLD_KILLS` makes it longer, `LEASEHOLD_SEED` runs the same choices again.
const { LEASEHOLD_KILLS = '200', LEASEHOLD_SEED } = import.meta.env as Record<string, string | undefined>
const KILLS = Number(LEASEHOLD_KILLS)
const SEED = Number(LEASEHOLD_SEED ?? Date.now() % 2 ** 31)

afterEach(disposeRunners)

/** A number below `limit`, from the seed alone (mulberry32). */
function createRandom(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}

const worker = () => new Worker(new URL('./fixtures/storm.worker.ts', import.meta.url), { type: 'module' })

/** What is done, and how often of forty times. A worker that loops takes the machine's time for 2 s more. */
const DECK = {
  'by others': 25,
  idle: 3,
  holding: 3,
  posting: 3,
  'in a loop': 1,
  'by the page': 3,
  'perhaps its lease alone': 2,
}

class Storm {
  /** How many have ended a living worker, by how they did. */
  readonly kills: Partial<Record<keyof typeof DECK, number>> = {}
  #deck: string[] = []
  readonly pool: ReturnType<typeof startRunner>
  /** Those that have begun to serve and that nobody has ended: neither the storm, nor the pool, which ends the dead too. */
  readonly #alive = new Set<Worker>()
  /** Workers that were ended while they were alive. */
  #ended = 0
  readonly #random: (limit: number) => number
  readonly #acknowledged: string[] = []
  readonly #refused: string[] = []
  readonly #errors = new Map<string, number>()
  readonly #runs = new Set<Promise<unknown>>()
  readonly #failures: unknown[] = []
  #id = 0

  constructor(seed: number) {
    this.#random = createRandom(seed)
    const make = (): Worker => {
      const made = worker()
      made.addEventListener('message', () => this.#alive.add(made), { once: true })
      const terminate = made.terminate.bind(made)
      made.terminate = () => {
        if (this.#alive.delete(made)) this.#ended++
        terminate()
      }
      return made
    }
    // The lock of a worker is known when it is ready: one that others end before has to be waited for.
    // A lease that a dead worker left behind would be there for ten minutes.
    this.pool = startRunner(make, { size: 2, ttlMs: 600_000, readyTimeout: 2000 })
  }

  /** Keeps some appending runs under way. */
  load(): void {
    while (this.#runs.size < 4) {
      if (this.#random(3) > 0) void this.#start('append')
      else void this.#start('appendSlowly', this.#random(6))
    }
    if (this.#random(2) > 0) this.event()
  }

  /** An event of the page, which appends in its turn. */
  event(): void {
    const id = `event ${this.#id++}`
    this.pool.office.request({
      name: id,
      kind: 'event',
      ttlMs: 1000,
      sync: true,
      granted: () => {
        const { counter, rows } = this.pool.tree.root as { counter: number; rows: string[] }
        const mutations = [
          { op: 'splice', path: ['rows'], index: rows.length, remove: 0, values: [id] },
          { op: 'set', path: ['counter'], value: counter + 1 },
        ] as const
        this.pool.core.commitBatch(mutations, { kind: 'event', name: 'event' })
        this.#acknowledged.push(id)
      },
      refused() {},
      lost() {},
    })
  }

  /** Kills that counted. */
  get killed(): number {
    return Object.values(this.kills).reduce((sum, count) => sum + count, 0)
  }

  /** Kills a worker at some moment of its life, or perhaps its lease alone. */
  async strike(): Promise<void> {
    if (this.#deck.length === 0) this.#deck = Object.entries(DECK).flatMap(([how, count]) => Array(count).fill(how))
    const how = this.#deck.splice(this.#random(this.#deck.length), 1)[0] as keyof typeof DECK
    const before = this.#ended
    if (how === 'by others') await this.#terminate()
    else if (how === 'by the page') this.pool.runner.crash()
    else if (how === 'perhaps its lease alone') await this.#race()
    else await this.#victim(how === 'in a loop' ? 'loop' : 'die', how)
    // One that has hit both workers of the pool is one kill. A race that another death has decided is none.
    if (this.#ended > before && how !== 'perhaps its lease alone') this.kills[how] = (this.kills[how] ?? 0) + 1
  }

  /** Every run settles, and what is in the list is what it must be. */
  async check(): Promise<void> {
    await expect.poll(() => this.#runs.size, { timeout: 10_000 }).toBe(0)
    await expect.poll(() => this.pool.office.isFree()).toBe(true)
    expect(this.#failures).toEqual([])
    expectAtRest(this.pool)
    const { counter, rows } = this.pool.tree.root as { counter: number; rows: string[] }
    expect(new Set(rows).size).toBe(rows.length)
    expect(counter).toBe(rows.length)
    const landed = new Set(rows)
    expect(this.#acknowledged.filter((id) => !landed.has(id))).toEqual([])
    expect(this.#refused.filter((id) => landed.has(id))).toEqual([])
    console.info(`${rows.length} appended, ${this.#acknowledged.length} acknowledged`, this.kills, this.#errors)
  }

  /** Waits until a task has appended again, however many of its workers die on the way. */
  async recovered(): Promise<void> {
    const before = this.#acknowledged.length
    await vi.waitFor(
      async () => {
        await this.#start('append')
        const tasks = this.#acknowledged.slice(before).filter((id) => !id.startsWith('event'))
        expect(tasks.length).toBeGreaterThan(0)
      },
      { timeout: 10_000, interval: 0 },
    )
  }

  /** From outside, as the browser would: the pool is not told. */
  async #terminate(): Promise<void> {
    const turns = this.#random(10)
    for (let i = 0; i < turns; i++) {
      this.load()
      await new Promise((resolve) => setTimeout(resolve))
    }
    while (this.#alive.size === 0) await this.recovered()
    ;[...this.#alive][this.#random(this.#alive.size)]?.terminate()
  }

  /** A run that takes its worker with it: what it wrote is not acknowledged. */
  async #victim(name: string, how: string): Promise<void> {
    this.load()
    const id = `${name} ${how} ${this.#id++}`
    const { done } = this.pool.runner.start(name, [id, how])
    if (how !== 'posting') this.#refused.push(id)
    await this.#track(expect(done).rejects.toThrow(TaskCrashedError))
  }

  /** A run that commits when its lease is about to expire: it is told which of the two it was. */
  async #race(): Promise<void> {
    this.load()
    const id = `race ${this.#id++}`
    const { done } = this.pool.runner.start('commitLate', [id, this.#random(100)])
    const told = (list: string[]) => () => void list.push(id)
    const lost = told(this.#refused)
    await this.#track(
      done.then(told(this.#acknowledged), (error) => {
        if (error instanceof LeaseExpiredError) lost()
        else expect(error).toBeInstanceOf(TaskCrashedError) // by another kill
      }),
    )
  }

  #start(name: string, more?: unknown): Promise<void> {
    const id = `${name} ${this.#id++}`
    return this.#track(this.#settled(this.pool.runner.start(name, [id, more]), id))
  }

  async #settled(run: TaskRun, id: string): Promise<void> {
    try {
      expect(await run.done).toBe(id)
      this.#acknowledged.push(id)
    } catch (error) {
      const allowed = [TaskCrashedError, WorkerStartTimeoutError, LeaseExpiredError]
      if (!allowed.some((each) => error instanceof each)) throw error
      const { name } = error as Error
      this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1)
    }
  }

  async #track(run: Promise<unknown>): Promise<void> {
    this.#runs.add(run)
    try {
      await run
    } catch (error) {
      this.#failures.push(error) // of many nobody waits
    }
    this.#runs.delete(run)
  }
}

test(
  `L5 L8 L9: ${KILLS} kills lose, double and split nothing, and the line goes on after each`,
  async () => {
    console.info(`${KILLS} kills, seed ${SEED}`)
    const storm = new Storm(SEED)
    const { core } = storm.pool
    const { commitBatch } = core
    let commits = 0
    Object.assign(core, {
      commitBatch: (...args: Parameters<typeof commitBatch>) => {
        const version = commitBatch(...args)
        const { counter, rows } = storm.pool.tree.root as { counter: number; rows: string[] }
        if (counter !== rows.length) throw new Error(`commit ${commits} was applied in part`)
        commits++
        return version
      },
    })
    await storm.recovered()
    while (storm.killed < KILLS) {
      storm.load()
      await storm.strike()
      await storm.recovered()
    }
    await storm.check()
    expect(storm.killed).toBe(KILLS)
    // Each has cost a worker of its own, and somebody has served after the last.
    expect(storm.pool.made.length).toBeGreaterThan(KILLS)
    expect(storm.pool.reports).toEqual([])
    disposeRunners()
    await expect.poll(lifeLocks, { timeout: 8000 }).toEqual({ held: 0, watched: 0 })
  },
  60_000 + KILLS * 500,
)
