/*
 * The worker's door: every public name of `leasehold/worker`, by hand.
 */

export {
  ImmutableStateError,
  InvalidMutationError,
  LeaseExpiredError,
  LeaseholdError,
  LeaseReleasedError,
  LeaseRevokedError,
  LeaseTimeoutError,
  NestedLeaseError,
  NotCloneableError,
  OutOfScopeError,
  StoreDisposedError,
  UnknownTaskError,
} from '../lib/errors.js'
export type { Lease } from '../lib/protocol/lease.js'
export type { Concurrency } from '../lib/protocol/messages.js'
export type { EventSpec, Spec, TaskSpec } from '../lib/protocol/specs.js'
export { transfer } from '../lib/protocol/transfer.js'
export type { DeepReadonly, EventContract, StateDefinition, StateOf, TaskContract } from '../lib/state/define-state.js'
export { getSubstate } from '../lib/state/get-substate.js'
export { read } from '../lib/state/plain.js'
export { type Plain, toPlain } from '../lib/state/values.js'
export { defineTask, type TaskOptions } from './define-task.js'
export type { EmitCalls, StartCalls } from './launches.js'
export type { AcquiredLease, LeaseOptions, ScopedLeaseOptions } from './lease.js'
export { serveTasks, type TaskEndpoint, type Tasks } from './serve-tasks.js'
export type { TaskContext, TaskFunction } from './task.js'
