import type { asyncDispose } from '../lib/protocol/async-dispose.js'
import type { CallsOf } from '../lib/protocol/specs.js'
import type { EventContract } from '../lib/state/define-state.js'

/** What a lease function learns of its lease, and can do with it. `E` are the events that it may send, `W` the tasks that it may start. */
export interface Lease<E extends EventContract = object, W extends object = object> {
  /** The fencing number: strictly increasing over all leases of a store. */
  readonly epoch: number
  /** As shown in the line, in warnings and errors. */
  readonly name: string
  /**
   * Commits what was written so far and keeps the lease, whose `ttl` counts from then on. What fails later takes back only
   * what came after. Nothing may be written before it has resolved. A lease that was flushed is not revoked any more.
   * @throws the error that has ended the lease, or refused the batch
   */
  flush(): Promise<void>
  /**
   * Sends events with the commit of the lease: they run in their turn, after it has ended, in the order of the calls. Not at
   * all if it rolls back; once if it is revoked and runs again.
   * @throws LeaseReleasedError when the lease is over
   */
  readonly emit: CallsOf<E, void>
  /** Starts tasks with the commit of the lease, in the order of the calls, as {@link emit}. */
  readonly start: CallsOf<W, void>
}

/** Options of a lease. They follow those of the Web Locks API. */
export interface LeaseOptions {
  /** Ends the wait; once the lease is held it does nothing. The lease then rejects with its reason. */
  readonly signal?: AbortSignal
  /** If the lease can't be had at once, the function is called with `null`, without a lease. @default false */
  readonly ifAvailable?: boolean
  /** Milliseconds to wait at most; after that the lease rejects with a LeaseTimeoutError. @default no limit */
  readonly timeout?: number
  /** Milliseconds for which the lease may be held: a lower bound, as the time of a blocked page does not count. @default the store's, 10_000 */
  readonly ttl?: number
  /** Shown in the line, in warnings and errors. @default the name of the task */
  readonly name?: string
  /** The lease may also be taken, and held, after the run was cancelled. @default false */
  readonly cleanup?: boolean
  /** An urgent event may take the lease back; its function then runs again on the new state, at most four times in all. @default true */
  readonly revocable?: boolean
  /** {@link ScopedLeaseOptions} have one. @default the whole state */
  readonly scope?: undefined
}

/** Options of a lease of some fields. `Names` are those of top-level fields and substates. */
export interface ScopedLeaseOptions<Names extends readonly string[] = readonly string[]>
  extends Omit<LeaseOptions, 'scope'> {
  /**
   * The top-level fields and substates that are leased. The draft has these and no others; leases and events that share no
   * field with it go on meanwhile.
   */
  readonly scope: Names
}

/** A lease that is held until it is committed, rolled back, or left. */
export interface AcquiredLease<S extends object, E extends EventContract = object, W extends object = object>
  extends Lease<E, W> {
  /** The newest state, to be written; dead once the lease is over. */
  readonly state: S
  /**
   * Commits what was written and ends the lease. Resolves when the page has applied it.
   * @throws LeaseExpiredError, the reason of a cancellation, InvalidMutationError
   */
  commit(): Promise<void>
  /** Ends the lease without applying what was written since its grant or its last flush. */
  rollback(): Promise<void>
  /** For `await using`: rolls back unless it was committed, and warns if there was something to commit. */
  [asyncDispose](): Promise<void>
}

/** The function of a lease, its types erased. */
export type LeaseFunction = (state: object | null, lease: Lease<object, object> | null) => unknown
