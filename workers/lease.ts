import type { asyncDispose } from '../lib/protocol/async-dispose.js'
import type {
  LeaseOptions as AnyLeaseOptions,
  ScopedLeaseOptions as AnyScopedLeaseOptions,
  Lease,
} from '../lib/protocol/lease.js'
import type { EventContract } from '../lib/state/define-state.js'

/** What a lease of a task has besides. */
interface TaskLeaseOptions {
  /** The lease may also be taken, and held, after the run was cancelled. @default false */
  readonly cleanup?: boolean
  /** An urgent event may take the lease back; its function then runs again on the new state, at most four times in all. @default true */
  readonly revocable?: boolean
}

/** Options of a lease. They follow those of the Web Locks API. */
export interface LeaseOptions extends AnyLeaseOptions, TaskLeaseOptions {}

/** Options of a lease of some fields. `Names` are those of top-level fields and substates. */
export interface ScopedLeaseOptions<Names extends readonly string[] = readonly string[]>
  extends AnyScopedLeaseOptions<Names>,
    TaskLeaseOptions {}

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
