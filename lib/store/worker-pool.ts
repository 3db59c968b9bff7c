/*
 * The workers of one task source.
 *
 * - A worker is made when it is first needed. A run goes to the worker with the fewest, and not to one whose lease is held if
 *   another is there.
 * - A worker that cannot be loaded is tried once more; then its runs fail, and the next run tries again.
 * - A worker that dies takes its runs and its leases with it, and nothing else. Its port is closed before it is ended: what it
 *   still sends is not heard.
 */

import { LeaseholdError, TaskCrashedError, WorkerLoadError, WorkerStartTimeoutError } from '../errors.js'
import type { TaskInfo } from '../protocol/messages.js'
import type { Clock } from './clock.js'
import { afterResponsive } from './clock.js'
import type { StoreCore } from './core.js'
import { watchLifeLock } from './life-lock.js'
import { WorkerConnection } from './worker-connection.js'
import type { ConnectedRun } from './worker-leases.js'
import type { TaskSource, WorkerHandle } from './worker-tasks.js'

/** A run, as the pool knows it. */
export interface PooledRun extends ConnectedRun {
  /** It was not sent to its worker yet. */
  readonly waits: boolean
  /** It was sent to its worker. */
  started(): void
  failed(error: unknown): void
  /** It is over as cancelled, whatever its worker still does. */
  cancelled(): void
  /** Set while the pool waits for a cancelled run to end; called when it has. */
  stopWaiting: (() => void) | undefined
}

export interface PoolOptions {
  readonly core: StoreCore
  readonly clock: Clock
  readonly source: TaskSource
  /** The names of its tasks have become known: `tasks`. */
  known(): void
  /** A worker could not be loaded. `runs` were its own, and are the runner's now. */
  failed(error: Error, runs: readonly PooledRun[]): void
}

interface Slot {
  readonly runs: Map<number, PooledRun>
  tries: number
  ready: boolean
  handle: WorkerHandle | undefined
  connection: WorkerConnection | undefined
  /** Ends what the slot waits for: to be loaded, and then to die. */
  stop: () => void
}

const MAX_TRIES = 2
/** Long enough for a connection that flickers, too short to be felt. */
const RETRY_MS = 200
const READY_TIMEOUT_MS = 30_000
const TERMINATE_AFTER_MS = 2000
/** How long a worker may leave unanswered whether it is there, once a cancelled run has outstayed. */
const ANSWER_MS = 1000
/**
 * The same for a worker that has nothing to do but to begin a run. Longer: a task that has ended may have left some work
 * behind, and the run that waits for it is innocent.
 */
const BEGIN_MS = 5000

export class WorkerPool {
  /** The tasks that its workers serve, by name, once one has told them. */
  tasks: ReadonlyMap<string, TaskInfo> | undefined
  readonly #options: PoolOptions
  readonly #name: string
  readonly #slots = new Set<Slot>()

  constructor(options: PoolOptions) {
    this.#options = options
    this.#name = options.core.definition.fullName
  }

  /** Whether it is not known yet what it serves, but will be. */
  get loading(): boolean {
    return this.tasks === undefined && this.#slots.size > 0
  }

  /** Whether none of its workers is up, or on its way. */
  get isEmpty(): boolean {
    return this.#slots.size === 0
  }

  /** Makes the first worker, if there is none. */
  load(): void {
    if (this.#slots.size === 0) this.#add()
  }

  /** Gives a run to a worker. */
  place(run: PooledRun): void {
    let best: Slot | undefined
    for (const slot of this.#slots) if (best === undefined || isBetter(slot, best)) best = slot
    if (best === undefined || (best.runs.size > 0 && this.#slots.size < (this.#options.source.size ?? 1))) {
      best = this.#add()
    }
    best.runs.set(run.number, run)
    if (best.ready) this.#start(best, run)
  }

  /** Ends a run: one that was not sent is taken out, one that runs is told. */
  cancel(run: PooledRun, reason: unknown): void {
    const slot = [...this.#slots].find(({ runs }) => runs.has(run.number))
    if (slot === undefined) return
    const { connection, ready } = slot
    if (!ready || connection === undefined || run.waits) {
      slot.runs.delete(run.number)
      return
    }
    connection.cancel(run, reason)
    const { clock, source } = this.#options
    const waitMs = source.terminateAfter ?? TERMINATE_AFTER_MS
    run.stopWaiting = afterResponsive(clock, waitMs, () => {
      void connection.answers(ANSWER_MS).then((answered) => {
        if (!slot.runs.has(run.number)) return
        if (answered) {
          connection.abandon(run)
          run.cancelled()
          return
        }
        this.#crash(
          slot,
          `task "${run.name}" was cancelled, did not end within ${waitMs} ms, and its worker did not answer. Let tasks that compute for long pause: await task.sleep(0)`,
        )
      })
    })
  }

  /** Ends all workers as a crash would; their runs fail, and the next run makes a new worker. */
  crash(): void {
    for (const slot of [...this.#slots]) {
      if (slot.ready) this.#crash(slot, 'its worker was ended')
      else this.#loadFailed(slot, new TaskCrashedError('Its worker was ended before it was ready.'))
    }
  }

  /** Ends all workers. Their runs are the caller's. */
  close(): void {
    for (const slot of [...this.#slots]) this.#remove(slot)
  }

  #add(): Slot {
    const slot: Slot = {
      runs: new Map(),
      tries: 0,
      ready: false,
      handle: undefined,
      connection: undefined,
      stop: () => {},
    }
    this.#slots.add(slot)
    this.#open(slot)
    return slot
  }

  #open(slot: Slot): void {
    const { clock, source } = this.#options
    slot.tries++
    let handle: WorkerHandle
    try {
      handle = source.open(this.#name)
    } catch (error) {
      // In a turn of its own: whoever asked for the worker has not put its run here yet.
      slot.stop = clock.setTimer(() => this.#loadFailed(slot, error), 0)
      return
    }
    slot.handle = handle
    const timeoutMs = source.readyTimeout ?? READY_TIMEOUT_MS
    slot.stop = afterResponsive(clock, timeoutMs, () => {
      const message = `The worker of "${this.#name}" did not say within ${timeoutMs} ms that it is ready. Does its module call serveTasks, without a long computation or an await at the top level before it? Or raise readyTimeout.`
      this.#loadFailed(slot, new WorkerStartTimeoutError(message))
    })
    handle.connect({
      port: (port) => {
        if (slot.handle === handle) slot.connection = this.#connect(slot, port)
      },
      error: (error) => {
        if (slot.handle !== handle) return
        if (slot.ready) this.#report(error)
        else this.#loadFailed(slot, error)
      },
    })
  }

  #connect(slot: Slot, port: MessagePort): WorkerConnection {
    const { core, clock } = this.#options
    return new WorkerConnection({
      core,
      clock,
      port,
      runs: slot.runs,
      ready: (tasks, lock) => {
        slot.ready = true
        slot.stop()
        slot.stop = lock === undefined ? () => {} : watchLifeLock(lock, () => this.#crash(slot, 'it has died'))
        this.tasks = new Map(tasks.map((task) => [task.name, task]))
        for (const run of [...slot.runs.values()]) this.#start(slot, run)
        this.#options.known()
      },
      failed: (error) => {
        if (slot.ready) this.#crash(slot, error.message)
        else this.#loadFailed(slot, error)
      },
      unresponsive: (lease) => {
        this.#crash(slot, `its worker did not answer while it held the lease "${lease}"`)
      },
    })
  }

  #start(slot: Slot, run: PooledRun): void {
    const { connection } = slot
    if (slot.runs.get(run.number) !== run) return // a reaction to the start of another has cancelled it
    try {
      if (connection !== undefined && !isBusy(slot)) this.#expectAnswer(slot, connection, run)
      connection?.start(run)
    } catch (error) {
      slot.runs.delete(run.number)
      run.failed(error)
      return
    }
    run.started()
  }

  /**
   * Asks a worker that has nothing to do whether it is there: without Web Locks nothing else tells that it died, and one may
   * loop in what a run has left behind. Asked before the run is sent, so that it may compute for as long as it likes.
   */
  #expectAnswer(slot: Slot, connection: WorkerConnection, { name }: PooledRun): void {
    void connection.answers(BEGIN_MS).then((answered) => {
      if (answered || slot.connection !== connection) return
      this.#crash(slot, `its worker did not answer within ${BEGIN_MS} ms when it was to begin task "${name}"`)
    })
  }

  #loadFailed(slot: Slot, cause: unknown): void {
    this.#shut(slot)
    const error = cause instanceof LeaseholdError ? cause : this.#loadError(cause)
    if (error instanceof WorkerLoadError && slot.tries < MAX_TRIES) {
      slot.stop = this.#options.clock.setTimer(() => this.#open(slot), RETRY_MS)
      return
    }
    this.#slots.delete(slot)
    this.#options.failed(error, [...slot.runs.values()])
  }

  #loadError(cause: unknown): WorkerLoadError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new WorkerLoadError(
      `The worker of "${this.#name}" could not be loaded (${reason}). Its script may have thrown, be gone (404 after a deploy: reload the page), be served with a wrong MIME type, be no module (new Worker needs { type: 'module' }), or be refused by the Content-Security-Policy (worker-src).`,
      { cause },
    )
  }

  #crash(slot: Slot, why: string): void {
    if (!this.#slots.has(slot)) return
    const runs = [...slot.runs.values()]
    this.#remove(slot)
    for (const run of runs) run.failed(new TaskCrashedError(`Task "${run.name}" was lost with its worker: ${why}.`))
  }

  #remove(slot: Slot): void {
    this.#slots.delete(slot)
    slot.runs.clear()
    this.#shut(slot)
  }

  #shut(slot: Slot): void {
    const { connection, handle } = slot
    slot.ready = false
    slot.connection = slot.handle = undefined
    slot.stop()
    connection?.close()
    handle?.terminate()
  }

  #report(error: unknown): void {
    this.#options.core.report(error, { kind: 'worker', name: this.#name })
  }
}

/** Whether a run goes on in that worker: it may compute, and need not answer. */
function isBusy({ runs }: Slot): boolean {
  for (const run of runs.values()) if (!run.waits) return true
  return false
}

function isBetter(slot: Slot, than: Slot): boolean {
  const held = Number(slot.connection?.holdsLease ?? false) - Number(than.connection?.holdsLease ?? false)
  return held < 0 || (held === 0 && slot.runs.size < than.runs.size)
}
