/*
 * A run of a background task, as the page sees it.
 *
 * - Everything but its identity is observable, and changes as one: no reaction sees `succeeded` without `endedAt`.
 * - It ends once. Cancelled is cancelled: whatever its worker still says, `done` rejects with the reason, untouched.
 */

import { createAtom, runInAction } from 'mobx'
import type { ProgressPayload, SettledPayload } from '../protocol/messages.js'
import { fromWireError } from '../protocol/wire-error.js'
import { Outcome } from './outcome.js'
import type { PooledRun } from './worker-pool.js'

/** What a run says of how far it is. */
export interface TaskProgress {
  readonly value: number
  readonly total?: number
  readonly label?: string
}

export type TaskStatus = 'starting' | 'running' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled'

/** One run of a background task. All but `id`, `name` and `args` is MobX-observable. */
export interface TaskRun<R = unknown> {
  /** Tells the runs of one store apart. */
  readonly id: string
  readonly name: string
  /** As they were given. Of those that were marked by `transfer` only an empty shell is left. */
  readonly args: readonly unknown[]
  readonly status: TaskStatus
  readonly progress: TaskProgress | undefined
  /** When its worker was told to start it, in milliseconds since 1970. */
  readonly startedAt: number | undefined
  /** When it ended, however it did. */
  readonly endedAt: number | undefined
  /** What it failed with. */
  readonly error: unknown
  /** The result. Made when read; who reads it takes over the error, which is then not reported to `onError`. */
  readonly done: Promise<R>
  /**
   * Asks the task to end: its signal aborts, its waiting leases leave the line, a held one rolls back. A run that was not sent
   * to its worker yet never runs. Does nothing to a run that has ended.
   * @param reason what `done` rejects with. @default an AbortError
   */
  cancel(reason?: unknown): void
}

/** What a run asks of the runner that it belongs to. */
export interface RunEvents {
  /** Nobody awaits the error. */
  report(error: unknown): void
  /** To be told to its worker, or taken from where it waits. */
  cancelled(run: Run, reason: unknown): void
  /** Inside the change of its status. */
  ended(run: Run): void
}

/** One observable value; plain MobX boxes would ask for an action at each write, and differ between versions. */
class Cell<T> {
  readonly #atom = createAtom('TaskRun')
  /** Read without being observed: whoever starts or ends a run in a reaction does not depend on it. */
  value: T

  constructor(value: T) {
    this.value = value
  }

  get(): T {
    this.#atom.reportObserved()
    return this.value
  }

  set(value: T): void {
    this.value = value
    this.#atom.reportChanged()
  }
}

export class Run implements TaskRun, PooledRun {
  readonly number: number
  readonly id: string
  readonly name: string
  args: readonly unknown[]
  readonly attempt: number
  /** Its arguments are a copy of its own: nobody can change them while it waits. */
  ownsArgs = false
  stopWaiting: (() => void) | undefined
  /** Called when it ends. */
  onEnd: (() => void) | undefined
  readonly #events: RunEvents
  readonly #outcome: Outcome<unknown>
  readonly #status = new Cell<TaskStatus>('starting')
  readonly #progress = new Cell<TaskProgress | undefined>(undefined)
  readonly #startedAt = new Cell<number | undefined>(undefined)
  readonly #endedAt = new Cell<number | undefined>(undefined)
  readonly #error = new Cell<unknown>(undefined)
  #reason: { readonly reason: unknown } | undefined

  constructor(number: number, name: string, args: readonly unknown[], events: RunEvents, attempt = 1) {
    this.attempt = attempt
    this.number = number
    this.id = String(number)
    this.name = name
    this.args = args
    this.#events = events
    this.#outcome = new Outcome((error) => events.report(error), { kind: 'task', name })
  }

  get status(): TaskStatus {
    return this.#status.get()
  }

  get progress(): TaskProgress | undefined {
    return this.#progress.get()
  }

  get startedAt(): number | undefined {
    return this.#startedAt.get()
  }

  get endedAt(): number | undefined {
    return this.#endedAt.get()
  }

  get error(): unknown {
    return this.#error.get()
  }

  /** Not sent to a worker yet, and not ended. Not observed. */
  get waits(): boolean {
    return this.#status.value === 'starting'
  }

  /** Being cancelled, or over as cancelled. Not observed. */
  get isCancelled(): boolean {
    return this.#reason !== undefined
  }

  /** Not observed. */
  get isOver(): boolean {
    return this.#endedAt.value !== undefined
  }

  get done(): Promise<unknown> {
    return this.#outcome.promise
  }

  cancel(reason: unknown = new DOMException(`Task "${this.name}" was cancelled.`, 'AbortError')): void {
    if (this.#reason !== undefined || this.isOver) return
    this.#reason = { reason }
    const waits = this.waits
    if (!waits) this.#status.set('cancelling')
    this.#events.cancelled(this, reason)
    if (waits) this.cancelled()
  }

  /** It is over as cancelled, whether or not its worker knows. */
  cancelled(reason?: unknown): void {
    if (this.isOver) return
    this.#reason ??= { reason }
    this.#end('cancelled')
    this.#outcome.reject(this.#reason.reason, { quiet: true })
  }

  started(): void {
    runInAction(() => {
      this.#status.set('running')
      this.#startedAt.set(Date.now())
    })
  }

  progressed({ value, total, label }: ProgressPayload): void {
    if (this.isOver) return
    this.#progress.set({ value, ...(total !== undefined && { total }), ...(label !== undefined && { label }) })
  }

  settled(outcome: SettledPayload): void {
    if (!outcome.ok) this.failed(fromWireError(outcome.error))
    else if (this.#reason !== undefined) this.cancelled()
    else if (!this.isOver) {
      this.#end('succeeded')
      this.#outcome.resolve(outcome.value)
    }
  }

  failed(error: unknown): void {
    if (this.#reason !== undefined) this.cancelled()
    else if (!this.isOver) {
      this.#end('failed', error)
      this.#outcome.reject(error)
    }
  }

  #end(status: TaskStatus, error?: unknown): void {
    this.stopWaiting?.()
    this.onEnd?.()
    runInAction(() => {
      this.#status.set(status)
      this.#error.set(error)
      this.#endedAt.set(Date.now())
      this.#events.ended(this)
    })
  }
}
