/*
 * Starts background tasks and keeps their runs.
 *
 * - Runs are kept in the order of their start, and reach each worker in that order. Those of a task with `concurrency` may
 *   have to wait for others of it, or are cancelled for them: `task-gate`.
 * - The page learns from the workers which tasks there are: a run waits until somebody serves its name, or nobody can.
 * - What cannot cross to a worker fails at once, and leaves nothing pending.
 * - An error goes to whoever awaits the run, else to `onError`, once.
 */

import { createAtom } from 'mobx'
import { StoreDisposedError, TaskCrashedError, UnknownTaskError } from '../errors.js'
import { copyMarked } from '../protocol/transfer.js'
import type { Clock } from './clock.js'
import { pageClock } from './clock.js'
import type { StoreCore } from './core.js'
import { ResumableRuns } from './resumable-runs.js'
import { withPlain } from './task-arguments.js'
import { TaskGate } from './task-gate.js'
import type { RunEvents, TaskRun } from './task-run.js'
import { Run } from './task-run.js'
import type { PooledRun } from './worker-pool.js'
import { WorkerPool } from './worker-pool.js'
import type { TaskSource } from './worker-tasks.js'

/** The runs that have not ended, in the order of their start: an observable, iterable set. */
export interface BackgroundTasks extends Iterable<TaskRun> {
  readonly size: number
  has(run: TaskRun): boolean
}

/** Options of a start: `store.tasks.with(options)`. */
export interface StartOptions {
  /** Cancels the run with its reason. @default none */
  readonly signal?: AbortSignal
}

/** How a run is started. */
interface RunOptions extends StartOptions {
  /** The run was cut short before: it is started for so many times now. @default 1 */
  readonly attempt?: number
}

class RunSet implements BackgroundTasks {
  readonly #runs = new Set<TaskRun>()
  readonly #atom = createAtom('backgroundTasks')

  get size(): number {
    this.#atom.reportObserved()
    return this.#runs.size
  }

  has(run: TaskRun): boolean {
    this.#atom.reportObserved()
    return this.#runs.has(run)
  }

  [Symbol.iterator](): Iterator<TaskRun> {
    this.#atom.reportObserved()
    return [...this.#runs].values() // a run that ends meanwhile does not disturb who iterates
  }

  add(run: TaskRun): void {
    this.#runs.add(run)
    this.#atom.reportChanged()
  }

  delete(run: TaskRun): void {
    if (this.#runs.delete(run)) this.#atom.reportChanged()
  }
}

export class TaskRunner {
  readonly #core: StoreCore
  readonly #pools: readonly WorkerPool[]
  readonly #runs = new RunSet()
  /** Runs of which it is not known yet who serves them. */
  readonly #waiting = new Set<Run>()
  /** For the tasks whose runs do not all go on at once, by name. */
  readonly #gates = new Map<string, TaskGate<Run>>()
  readonly #events: Omit<RunEvents, 'report'>
  /** Those that are to be started again when the page has gone before they end. */
  readonly resumable: ResumableRuns = new ResumableRuns()
  #number = 0
  #disposed: Error | undefined
  #wakers: (() => void)[] = []

  /**
   * @param sources where the tasks run, in the order in which they are asked for a name
   * @param clock the page's, but for tests
   */
  constructor(core: StoreCore, sources: readonly TaskSource[], clock: Clock = pageClock) {
    this.#core = core
    this.#pools = sources.map((source) => {
      const pool: WorkerPool = new WorkerPool({
        core,
        clock,
        source,
        known: () => this.#route([...this.#waiting]),
        failed: (error, runs) => this.#loadFailed(pool, error, runs),
      })
      return pool
    })
    this.#events = {
      cancelled: (run, reason) => this.#withdraw(run, reason),
      ended: (run) => {
        this.#runs.delete(run)
        if (this.#disposed === undefined) this.resumable.ended(run) // else it was cut short
        this.#gates.get(run.name)?.ended(run)
      },
    }
  }

  get backgroundTasks(): BackgroundTasks {
    return this.#runs
  }

  /** Starts a task; what stands in its way fails the run. */
  start(name: string, args: readonly unknown[], options: RunOptions = {}): TaskRun {
    const report = (error: unknown) => this.#core.report(error, { kind: 'task', name })
    const { signal, attempt = 1 } = options
    const run = new Run(++this.#number, name, args, { ...this.#events, report }, attempt)
    if (this.#disposed !== undefined) run.failed(this.#disposed)
    else if (signal?.aborted) run.cancelled(signal.reason)
    else {
      if (attempt > 1) this.resumable.keep(run)
      this.#waiting.add(run)
      this.#runs.add(run) // reactions run: the run may be cancelled, or the store disposed of, when this returns
      this.#route([run])
      if (run.waits) this.#own(run)
      if (signal !== undefined && !run.isOver) tie(run, signal)
    }
    return run
  }

  /** Resolves when no worker is being loaded of which the tasks are not known yet. */
  whenUp(): Promise<void> {
    if (!this.#loading) return Promise.resolve()
    return new Promise((resolve) => this.#wakers.push(resolve))
  }

  /** Ends all workers as a crash would. */
  crash(): void {
    for (const pool of this.#pools) pool.crash()
  }

  /** Cancels all runs with `error` and ends the workers. */
  dispose(error: Error = new StoreDisposedError('The store was disposed.')): void {
    if (this.#disposed !== undefined) return
    this.#disposed = error
    this.#waiting.clear()
    this.#gates.clear() // none that waits is let through by the end of another
    for (const pool of this.#pools) pool.close()
    for (const run of this.#runs) (run as Run).cancelled(error) // the set has no others
    this.#wake()
  }

  get #loading(): boolean {
    return this.#pools.some((pool) => pool.loading)
  }

  /** Sends waiting runs to whoever serves them, in the order of their start. */
  #route(runs: readonly Run[]): void {
    const routed: { readonly run: Run; readonly pool: WorkerPool }[] = []
    for (const run of runs) {
      if (!this.#waiting.has(run)) continue // a reaction has cancelled it
      const pool = this.#poolOf(run.name)
      if (pool !== undefined) {
        this.#waiting.delete(run)
        if (!this.#keep(run, pool)) continue
        this.#gate(run, pool)
        routed.push({ run, pool })
        continue
      }
      const unknown = this.#pools.filter(({ tasks }) => tasks === undefined)
      for (const each of unknown) each.load()
      if (unknown.length > 0) continue
      this.#waiting.delete(run)
      run.failed(this.#unknownTask(run.name))
    }
    // Once all have been decided on, so that a run which loses to a later one never begins.
    for (const { run, pool } of routed) {
      if (run.isOver) continue // cancelled for a later one, or by a reaction
      const gate = this.#gates.get(run.name)
      if (gate === undefined) pool.place(run)
      else gate.pass(run)
    }
    this.#wake()
  }

  /** Keeps a run that is to be resumed. False if its arguments can't be kept, and it has failed. */
  #keep(run: Run, pool: WorkerPool): boolean {
    if (pool.tasks?.get(run.name)?.resume !== true) return true
    try {
      this.resumable.keep(run)
      return true
    } catch (error) {
      run.failed(error)
      return false
    }
  }

  /** Hands a run to the gate of its task, if that has one. */
  #gate(run: Run, pool: WorkerPool): void {
    const info = pool.tasks?.get(run.name)
    let gate = this.#gates.get(run.name)
    if (gate === undefined && (info?.concurrency ?? 'parallel') === 'parallel') return
    if (info === undefined) return
    if (gate === undefined) {
      gate = new TaskGate(info, (next) => pool.place(next))
      this.#gates.set(run.name, gate)
    }
    gate.info = info // the worker may be of a newer build than the one before
    // Before it takes the place of another: arguments that cannot be copied are no reason to cancel that.
    if (!gate.isFull || this.#own(run)) gate.add(run)
  }

  #poolOf(name: string): WorkerPool | undefined {
    return this.#pools.find(({ tasks }) => tasks?.has(name))
  }

  /** The run has to wait: it keeps what its arguments are now. False if they can't be copied, and it has failed. */
  #own(run: Run): boolean {
    if (run.ownsArgs) return true
    try {
      run.args = withPlain(run.name, run.args, copyMarked)
      run.ownsArgs = true
      return true
    } catch (error) {
      this.#withdraw(run)
      run.failed(error)
      return false
    }
  }

  #withdraw(run: Run, reason?: unknown): void {
    this.#waiting.delete(run)
    for (const pool of this.#pools) pool.cancel(run, reason)
  }

  #loadFailed(pool: WorkerPool, error: Error, runs: readonly PooledRun[]): void {
    const lost = [...runs]
    if (pool.tasks === undefined && !this.#loading) {
      // No other source may still turn out to serve them.
      lost.push(...this.#waiting)
      this.#waiting.clear()
    }
    // What waits for its turn would be let through to the same failure, one after the other. A crash is none of them.
    if (pool.isEmpty && !(error instanceof TaskCrashedError)) {
      for (const [name, gate] of this.#gates) if (this.#poolOf(name) === pool) lost.push(...gate.drain())
    }
    for (const run of lost) run.failed(error)
    if (lost.length === 0) this.#core.report(error, { kind: 'worker', name: this.#core.definition.fullName })
    this.#wake()
  }

  #unknownTask(name: string): UnknownTaskError {
    const known = this.#pools.flatMap(({ tasks }) => [...(tasks?.keys() ?? [])])
    const has = known.length > 0 ? `Its workers serve: ${known.join(', ')}.` : 'It was created without tasks.'
    return new UnknownTaskError(`The store "${this.#core.definition.fullName}" has no task "${name}". ${has}`)
  }

  #wake(): void {
    if (this.#loading) return
    const wakers = this.#wakers
    this.#wakers = []
    for (const wake of wakers) wake()
  }
}

/** Cancels the run when the signal aborts, and lets go of the signal when the run ends. */
function tie(run: Run, signal: AbortSignal): void {
  const cancel = () => run.cancel(signal.reason)
  signal.addEventListener('abort', cancel, { once: true })
  run.onEnd = () => signal.removeEventListener('abort', cancel)
}
