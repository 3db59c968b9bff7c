/*
 * Every error that Leasehold raises.
 *
 * - One class for each thing a caller can act on; guards test `code`, which survives minification and the thread boundary.
 * - A message says what happened, with names and numbers, then what to do.
 * - `instanceof LeaseholdError` holds for all of them, also for `ImmutableStateError`, which is a `TypeError` besides:
 *   code that already catches what a frozen object throws goes on working.
 */

const brand: unique symbol = Symbol.for('leasehold.error')

/** Options of every error here. */
export interface LeaseholdErrorOptions {
  /** What led to it, if anything did. */
  readonly cause?: unknown
}

/** Base of every error of this library; its `code` names the kind. */
export class LeaseholdError extends Error {
  static readonly code: string = 'LEASEHOLD'
  /** Names the kind of error in a form that never changes: `'LEASE_EXPIRED'`, `'NOT_CLONEABLE'`, … */
  readonly code: string

  /** @param message what happened, then what to do */
  constructor(message: string, options?: LeaseholdErrorOptions) {
    super(message, options)
    this.code = new.target.code
    identify(this, this.code)
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // Subclasses inherit this function; only the base asks for the brand, since ImmutableStateError descends from TypeError.
    if (this === LeaseholdError) return typeof value === 'object' && value !== null && brand in value
    return Function.prototype[Symbol.hasInstance].call(this, value)
  }
}

/** The `name` of an error is its code in another dress: minifiers rename classes. */
export function nameOfCode(code: string): string {
  return `${code.toLowerCase().replace(/(^|_)./g, (start) => start.slice(-1).toUpperCase())}Error`
}

function identify(error: Error, code: string): void {
  const name = nameOfCode(code)
  // Not enumerable, as on built-in errors: a logged or compared error shows its message and code, not these.
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  Object.defineProperty(error, brand, { value: true })
}

/** State was written where it can only be read: outside a lease, an event or a draft. Nothing has changed. */
export class ImmutableStateError extends TypeError {
  static readonly code: string = 'IMMUTABLE_STATE'
  readonly code = 'IMMUTABLE_STATE'
  constructor(message: string, options?: LeaseholdErrorOptions) {
    super(message, options)
    identify(this, this.code)
  }
}

/** A value cannot be in state, or cannot cross to another thread; `path` says where in the value. */
export class NotCloneableError extends LeaseholdError {
  static override readonly code: string = 'NOT_CLONEABLE'
  declare readonly code: 'NOT_CLONEABLE'
  /** Where the offending value stands, as keys from the outside in. */
  readonly path: readonly unknown[]
  constructor(message: string, options?: LeaseholdErrorOptions & { readonly path?: readonly unknown[] }) {
    super(message, options)
    this.path = options?.path ?? []
  }
}

/** A lease outlived its `ttl`; its batch was dropped whole. */
export class LeaseExpiredError extends LeaseholdError {
  static override readonly code: string = 'LEASE_EXPIRED'
  declare readonly code: 'LEASE_EXPIRED'
}

/** A lease was taken back for an urgent event; its batch was dropped whole. */
export class LeaseRevokedError extends LeaseholdError {
  static override readonly code: string = 'LEASE_REVOKED'
  declare readonly code: 'LEASE_REVOKED'
}

/** A draft was used after its lease function or handler had settled. */
export class LeaseReleasedError extends LeaseholdError {
  static override readonly code: string = 'LEASE_RELEASED'
  declare readonly code: 'LEASE_RELEASED'
}

/** A lease was not to be had within the time that the caller allowed. */
export class LeaseTimeoutError extends LeaseholdError {
  static override readonly code: string = 'LEASE_TIMEOUT'
  declare readonly code: 'LEASE_TIMEOUT'
}

/** A lease was asked for, or an event called, by code that holds a lease itself: it would wait for its own end. */
export class NestedLeaseError extends LeaseholdError {
  static override readonly code: string = 'NESTED_LEASE'
  declare readonly code: 'NESTED_LEASE'
}

/** A field outside the scope of the lease was read or written. */
export class OutOfScopeError extends LeaseholdError {
  static override readonly code: string = 'OUT_OF_SCOPE'
  declare readonly code: 'OUT_OF_SCOPE'
}

/** A handler started a task by itself instead of returning or yielding its spec. */
export class DirectTaskCallError extends LeaseholdError {
  static override readonly code: string = 'DIRECT_TASK_CALL'
  declare readonly code: 'DIRECT_TASK_CALL'
}

/** A spec was made in a handler and neither returned nor yielded, so nothing was started. */
export class UnusedSpecError extends LeaseholdError {
  static override readonly code: string = 'UNUSED_SPEC'
  declare readonly code: 'UNUSED_SPEC'
}

/** No worker of this store serves a task of that name. */
export class UnknownTaskError extends LeaseholdError {
  static override readonly code: string = 'UNKNOWN_TASK'
  declare readonly code: 'UNKNOWN_TASK'
}

/** No store in this page has that token. */
export class UnknownTokenError extends LeaseholdError {
  static override readonly code: string = 'UNKNOWN_TOKEN'
  declare readonly code: 'UNKNOWN_TOKEN'
}

/** The worker of a run died, or was ended because it did not answer. */
export class TaskCrashedError extends LeaseholdError {
  static override readonly code: string = 'TASK_CRASHED'
  declare readonly code: 'TASK_CRASHED'
}

/** A worker script could not be loaded, or threw while it started. */
export class WorkerLoadError extends LeaseholdError {
  static override readonly code: string = 'WORKER_LOAD'
  declare readonly code: 'WORKER_LOAD'
}

/** A worker did not say that it is ready within `readyTimeout`. */
export class WorkerStartTimeoutError extends LeaseholdError {
  static override readonly code: string = 'WORKER_START_TIMEOUT'
  declare readonly code: 'WORKER_START_TIMEOUT'
}

/** Page and worker are of different builds: their protocol, their state or its version differ. */
export class VersionMismatchError extends LeaseholdError {
  static override readonly code: string = 'VERSION_MISMATCH'
  declare readonly code: 'VERSION_MISMATCH'
}

/** A mutation does not fit the state: a path that leads nowhere, an index past the end, a field that is not declared. */
export class InvalidMutationError extends LeaseholdError {
  static override readonly code: string = 'INVALID_MUTATION'
  declare readonly code: 'INVALID_MUTATION'
}

/**
 * Why stored state could not be read or written.
 *
 * - `unavailable`: there is no storage here, or the browser denies it
 * - `quota`: there is no space left
 * - `value`: a value that cannot be stored
 * - `conflict`: somebody else has written meanwhile
 * - `follower`: another tab writes. Nothing was changed here
 * - `timeout`: no answer came. A write may be stored later, whole, or not at all
 * - `lost`: the browser has deleted what was stored, since its own files were damaged
 * - `newer`: what is stored was written by a newer version of the app, or of this library. It is left as it is
 * - `corrupt`: what is stored is not what it should be, or cannot be migrated. It is left as it is
 * - `failed`: anything else; `cause` says what
 */
export type StorageErrorReason = (typeof STORAGE_ERROR_REASONS)[number]

/** Each {@link StorageErrorReason}: one that arrives from another thread is looked up here. */
export const STORAGE_ERROR_REASONS = [
  'unavailable',
  'quota',
  'value',
  'conflict',
  'follower',
  'timeout',
  'lost',
  'newer',
  'corrupt',
  'failed',
] as const

/** Stored state could not be read or written. */
export class StorageError extends LeaseholdError {
  static override readonly code: string = 'STORAGE'
  declare readonly code: 'STORAGE'
  /** The kind of failure, for code that decides what to do about it. */
  readonly reason: StorageErrorReason
  constructor(message: string, options?: LeaseholdErrorOptions & { readonly reason?: StorageErrorReason }) {
    super(message, options)
    this.reason = options?.reason ?? 'failed'
  }
}

/** The store was disposed. */
export class StoreDisposedError extends LeaseholdError {
  static override readonly code: string = 'STORE_DISPOSED'
  declare readonly code: 'STORE_DISPOSED'
}

/** A class that can cross the thread boundary. */
export interface ErrorClass {
  readonly code: string
  new (message: string, options?: LeaseholdErrorOptions): Error
}

/** Every class that can cross the thread boundary. */
export const errorClasses: readonly ErrorClass[] = [
  LeaseholdError,
  ImmutableStateError,
  NotCloneableError,
  LeaseExpiredError,
  LeaseRevokedError,
  LeaseReleasedError,
  LeaseTimeoutError,
  NestedLeaseError,
  OutOfScopeError,
  DirectTaskCallError,
  UnusedSpecError,
  UnknownTaskError,
  UnknownTokenError,
  TaskCrashedError,
  WorkerLoadError,
  WorkerStartTimeoutError,
  VersionMismatchError,
  InvalidMutationError,
  StorageError,
  StoreDisposedError,
]
