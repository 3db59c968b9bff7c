/*
 * The door of the page: every public name of `leasehold`.
 *
 *   state/     what state is: definitions, values, drafts, mutations, the tree
 *   protocol/  what crosses the thread boundary
 *   store/     the page: events, leases, tasks, the observable view
 */

export {
  DirectTaskCallError,
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
  StorageError,
  type StorageErrorReason,
  StoreDisposedError,
  TaskCrashedError,
  UnknownTaskError,
  UnknownTokenError,
  UnusedSpecError,
  VersionMismatchError,
  WorkerLoadError,
  WorkerStartTimeoutError,
} from './errors.js'
export type { Lease, LeaseOptions, ScopedLeaseOptions } from './protocol/lease.js'
export type { EventSpec, Spec, TaskSpec } from './protocol/specs.js'
export { transfer } from './protocol/transfer.js'
export {
  type DeepReadonly,
  defineState,
  type EventContract,
  type ReadonlyState,
  type StateDefinition,
  type StateOf,
  type StateOptions,
  type TaskContract,
} from './state/define-state.js'
export { getSubstate } from './state/get-substate.js'
export type {
  ArrangeMutation,
  ClearMutation,
  DeleteMutation,
  Key,
  MemberMutation,
  MoveMutation,
  Mutation,
  Path,
  Ref,
  SetMutation,
  SpliceMutation,
} from './state/mutation.js'
export { read } from './state/plain.js'
export type { Plain } from './state/values.js'
export { toPlain } from './state/values.js'
export type { Commit, CommitListener } from './store/committer.js'
export type { CommitOrigin, ErrorContext } from './store/core.js'
export { defineEvent, type EventOptions } from './store/define-event.js'
export type { EventRun } from './store/event-request.js'
export type { EventCalls, Handler } from './store/handlers.js'
export type { Line, LineEntry } from './store/line-view.js'
export type { LeaseRun } from './store/page-lease.js'
export type { Persistence, PersistStatus, StorePersist } from './store/persistence.js'
export {
  createStore,
  type PartialState,
  type Store,
  type StoreOptions,
  type TaskSources,
  type TasksOf,
  type TasksOfSources,
} from './store/store.js'
export type { TaskProgress, TaskRun, TaskStatus } from './store/task-run.js'
export type { BackgroundTasks, StartOptions } from './store/task-runner.js'
export type { TaskArguments, TaskResult, TaskStarters } from './store/task-starters.js'
export { getStore, modifyState } from './store/tokens.js'
export { type TaskSource, type WorkerTasksOptions, workerTasks } from './store/worker-tasks.js'
