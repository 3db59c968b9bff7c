/*
 * The worker's side of leases: requests, grants, commits.
 *
 * - A lease function runs on the newest state, as soon as its grant has arrived; its draft is dead once it has settled.
 * - A batch goes out whole, in one message, or not at all. While the last one is on its way nothing can take it back: a
 *   cancellation that comes then waits for the page's answer.
 * - A lease that the page ends, or whose run is cancelled, rejects at once; what its function does after that is ignored.
 * - A lease that is revoked for an urgent event is asked for again once its function has settled, and the function runs
 *   again; nobody but the function notices.
 * - In the synchronous part of a lease function a further lease is refused, and the outer one stays good.
 */

import { LeaseExpiredError, LeaseReleasedError, LeaseRevokedError, NestedLeaseError } from '../lib/errors.js'
import { isThenable } from '../lib/protocol/is-thenable.js'
import type { LeaseRequestPayload } from '../lib/protocol/messages.js'
import { fromWireError } from '../lib/protocol/wire-error.js'
import type { Scope } from '../lib/state/scope.js'
import { toScope } from '../lib/state/scope.js'
import type { LeaseFunction, LeaseOptions, ScopedLeaseOptions } from './lease.js'
import { Attempt } from './lease-attempt.js'
import { toLeaseRequest } from './lease-request.js'
import type { Replica, Send } from './replica.js'
import type { Staging } from './staging.js'

/** A run, as its leases know it. */
export interface LeaseRun {
  readonly number: number
  readonly name: string
  readonly signal: AbortSignal
}

/** A lease that a task has asked for, until it has its result: the listener of the signals that may end it before. */
interface Entry extends EventListenerObject {
  readonly run: LeaseRun
  readonly request: LeaseRequestPayload
  readonly scope: Scope
  readonly fn: LeaseFunction
  /** What ends the wait. */
  readonly signals: readonly AbortSignal[]
  requestId: number
  attempt: Attempt | undefined
  over: boolean
  resolve(value: unknown): void
  reject(error: unknown): void
}

export class LeaseClient {
  readonly #send: Send
  readonly #replica: Replica
  readonly #staging: Staging
  readonly #waiting = new Map<number, Entry>()
  readonly #held = new Map<number, Entry>()
  /** Rolled back with a flush on its way, which the page may have applied before it heard of that. */
  readonly #rolledBack = new Map<number, Attempt>()
  #requestId = 0
  #closed: Error | undefined
  /** Name of the lease whose function is in its synchronous part. */
  #inside: string | undefined

  constructor(replica: Replica, staging: Staging, send: Send) {
    this.#replica = replica
    this.#staging = staging
    this.#send = send
  }

  /** See `TaskContext.lease`. */
  lease(run: LeaseRun, fn: LeaseFunction, options: LeaseOptions | ScopedLeaseOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#inside !== undefined) {
        throw new NestedLeaseError(
          `Task "${run.name}" asked for a lease inside its lease "${this.#inside}": it would wait for its own end. Use the state that the outer function was given, or ask once it has returned.`,
        )
      }
      if (typeof fn !== 'function')
        throw new TypeError(`Task "${run.name}": task.lease takes a function of (state, lease).`)
      const request = toLeaseRequest(run.name, options)
      const scope = toScope(this.#replica.tree.shape, request.scope)
      const { signal, cleanup = false } = options
      const signals = [...(cleanup ? [] : [run.signal]), ...(signal ? [signal] : [])]
      for (const one of signals) if (one.aborted) throw one.reason
      const end = () => {
        entry.over = true
        stopListening(entry)
      }
      const entry: Entry = {
        run,
        request,
        scope,
        fn,
        signals,
        requestId: 0,
        attempt: undefined,
        over: false,
        // No AbortController, and no function for each signal: what they cost is seen beside a lease.
        handleEvent: ({ target }) => this.#abort(entry, target as AbortSignal), // it listens to nothing else
        resolve(value) {
          end()
          resolve(value)
        },
        reject(error) {
          end()
          reject(error)
        },
      }
      for (const one of signals) one.addEventListener('abort', entry)
      this.#ask(entry, request)
    })
  }

  /** How many mutations the lease of that epoch would commit now. */
  pending(epoch: number): number {
    return this.#held.get(epoch)?.attempt?.pending ?? 0
  }

  granted(payload: unknown, requestId: number, epoch: number, version: number, since: number): void {
    if (this.#held.has(epoch)) throw new TypeError(`granted: the epoch ${epoch} is held already`)
    const isCurrent = this.#replica.receive(payload, version, since)
    const entry = this.#waiting.get(requestId)
    if (entry === undefined) return // withdrawn in the meantime: the page ends the lease when it hears of that
    this.#waiting.delete(requestId)
    this.#held.set(epoch, entry)
    const attempt = new Attempt(epoch, entry.request.name, this.#replica, this.#send, this.#staging.open())
    entry.attempt = attempt
    if (isCurrent) void this.#run(entry, attempt)
    else {
      const fail = (error: unknown) =>
        this.#rollBack(entry, attempt, error, 'this worker could not be brought up to date')
      this.#replica.refresh().then(() => this.#run(entry, attempt), fail)
    }
  }

  refused(payload: unknown, requestId: number): void {
    const entry = this.#waiting.get(requestId)
    if (entry === undefined) return
    this.#waiting.delete(requestId)
    if (payload !== undefined || !entry.request.ifAvailable) entry.reject(fromWireError(payload))
    else new Promise((resolve) => resolve(entry.fn(null, null))).then(entry.resolve, entry.reject)
  }

  committed(payload: unknown, epoch: number, sequence: number, version: number, since: number): void {
    const entry = this.#held.get(epoch)
    const attempt = entry?.attempt ?? this.#rolledBack.get(epoch)
    const batch = attempt?.take(sequence)
    if (attempt?.isAnswerDue === false) this.#rolledBack.delete(epoch)
    const fail = (error: unknown) => {
      if (entry === undefined || attempt === undefined) return
      if (batch?.last === true) entry.reject(error)
      else this.#rollBack(entry, attempt, error, 'this worker could not be brought up to date')
    }
    let moved: Promise<void> | undefined
    try {
      moved = this.#replica.committed(batch?.mutations, payload, version, since)
    } catch (error) {
      fail(error)
      throw error
    } finally {
      if (batch?.last === true) this.#held.delete(epoch)
    }
    moved?.catch(() => {}) // who waits for it is told below
    if (batch !== undefined) this.#staging.used(batch.staged)
    if (attempt?.hasStaged === true) {
      this.#replica.tree.hold() // the values stand in it now, and who has their views goes on seeing what they were
    }
    if (entry === undefined || batch === undefined) return
    // It is applied: a cancellation that comes before the replica has it changes nothing of that.
    if (batch.last) stopListening(entry)
    const tell = () => (batch.last ? entry.resolve(batch.value) : attempt?.flushed())
    if (moved !== undefined) {
      moved.then(tell).catch(fail)
      return
    }
    try {
      tell()
    } catch (error) {
      fail(error)
    }
  }

  /** The page has refused the batch, or ended the lease: either way it is over. */
  ended(payload: unknown, epoch: number): void {
    this.#rolledBack.get(epoch)?.refused()
    this.#rolledBack.delete(epoch) // a flush that was on its way was refused
    const entry = this.#take(epoch)
    const attempt = entry?.attempt
    if (entry === undefined || attempt === undefined) return
    attempt.refused()
    const error = fromWireError(payload)
    attempt.close(error instanceof Error ? error : new LeaseExpiredError(`${attempt.title} is over.`, { cause: error }))
    if (error instanceof LeaseRevokedError && entry.request.revocable !== false) {
      attempt.onceSettled(() => this.#again(entry, epoch))
    } else entry.reject(error)
  }

  /** The port is closed and the runs are cancelled: what only the page could have answered ends as well, now and later. */
  close(error: Error): void {
    this.#closed = error
    for (const { run, reject, attempt } of this.#held.values()) {
      reject(run.signal.reason)
      attempt?.close(error)
    }
    for (const { reject } of this.#waiting.values()) reject(error) // those for the clean-up: the others were cancelled
    this.#held.clear()
    this.#waiting.clear()
    this.#rolledBack.clear()
  }

  #ask(entry: Entry, request: LeaseRequestPayload): void {
    if (this.#closed !== undefined) {
      entry.reject(this.#closed)
      return
    }
    entry.requestId = ++this.#requestId
    this.#waiting.set(entry.requestId, entry)
    this.#send('request', [entry.requestId, entry.run.number, this.#replica.tree.version], request)
  }

  /** The lease was revoked, and its function has settled: it is run again. */
  #again(entry: Entry, epoch: number): void {
    const aborted = entry.signals.find((signal) => signal.aborted)
    if (aborted !== undefined) entry.reject(aborted.reason)
    if (entry.over) return
    const { ifAvailable: _, timeout: __, ...request } = entry.request
    this.#ask(entry, { ...request, again: epoch })
  }

  /** Runs the function of a lease that is held, and sends what it wrote. */
  async #run(entry: Entry, attempt: Attempt): Promise<void> {
    try {
      if (!this.#held.has(attempt.epoch)) return // lost while the replica was brought up
      const returned = this.#callInside(entry, attempt)
      // A function that is not async commits in the very turn in which it was granted.
      const result = isThenable(returned) ? await returned : returned
      // What is on its way is no part of the last batch.
      while (attempt.flushing !== undefined) await attempt.flushing
      if (this.#held.has(attempt.epoch)) attempt.commit(result)
    } catch (error) {
      this.#rollBack(entry, attempt, error, 'its function has failed')
    } finally {
      attempt.settle()
    }
  }

  #callInside(entry: Entry, attempt: Attempt): unknown {
    this.#inside = entry.request.name
    try {
      const { state, lease } = attempt.open(entry.scope)
      return entry.fn(state, lease)
    } finally {
      this.#inside = undefined
    }
  }

  #abort(entry: Entry, signal: AbortSignal): void {
    const { requestId, attempt, run } = entry
    const reason: unknown = signal.reason
    if (this.#waiting.delete(requestId)) {
      this.#send('withdraw', [requestId])
      entry.reject(reason)
    } else if (attempt === undefined || !this.#held.has(attempt.epoch))
      entry.reject(reason) // revoked, and not asked again
    else if (signal === run.signal && !attempt.isLastSent)
      this.#rollBack(entry, attempt, reason, 'its run was cancelled')
  }

  #rollBack(entry: Entry, attempt: Attempt, cause: unknown, why: string): void {
    if (this.#take(attempt.epoch) === undefined) return
    if (attempt.isAnswerDue) this.#rolledBack.set(attempt.epoch, attempt)
    attempt.close(
      new LeaseReleasedError(`${attempt.title} is over: ${why}. What was not flushed was dropped.`, { cause }),
    )
    this.#send('rollback', [attempt.epoch])
    entry.reject(cause)
  }

  #take(epoch: number): Entry | undefined {
    const entry = this.#held.get(epoch)
    this.#held.delete(epoch)
    return entry
  }
}

/** No signal can end it any more. */
function stopListening(entry: Entry): void {
  for (const signal of entry.signals) signal.removeEventListener('abort', entry)
}
