/*
 * Every error that Leasehold raises.
 *
 * - One class for each thing a caller can act on; guards test `code`, which survives minification and the thread boundary.
 * - A message says what happened, with names and numbers, then what to do.
 * - `instanceof LeaseholdError` holds for all of them, also for `ImmutableStateError`, which is a `TypeError` besides:
 *   code that already catches what a frozen object throws goes on working.
 */

const brand: unique symbol = Symbol.for('leasehold.error')

/** Base of every error of this library; its `code` names the kind. */
export class LeaseholdError extends Error {
  /** Names the kind of error in a form that never changes: `'LEASE_EXPIRED'`, `'NOT_CLONEABLE'`, … */
  readonly code: string = 'LEASEHOLD'

  /**
   * @param message what happened, then what to do
   * @param options `cause`: what led to it, if anything did
   */
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'LeaseholdError')
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // Subclasses inherit this function; only the base asks for the brand, since ImmutableStateError descends from TypeError.
    if (this === LeaseholdError) return typeof value === 'object' && value !== null && brand in value
    return Function.prototype[Symbol.hasInstance].call(this, value)
  }
}

function brandError(error: Error, name: string): void {
  // Not enumerable, as on built-in errors: a logged or compared error shows its message and code, not this.
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  Object.defineProperty(error, brand, { value: true })
}

/** State was written where it can only be read: outside a lease, an event or a draft. Nothing has changed. */
export class ImmutableStateError extends TypeError {
  readonly code = 'IMMUTABLE_STATE'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'ImmutableStateError')
  }
}

/** A lease outlived its `ttl`; its batch was dropped whole. */
export class LeaseExpiredError extends LeaseholdError {
  override readonly code = 'LEASE_EXPIRED'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'LeaseExpiredError')
  }
}

/** A lease was taken back for an urgent event; its batch was dropped whole. */
export class LeaseRevokedError extends LeaseholdError {
  override readonly code = 'LEASE_REVOKED'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'LeaseRevokedError')
  }
}

/** A draft was used after its lease function or handler had settled. */
export class LeaseReleasedError extends LeaseholdError {
  override readonly code = 'LEASE_RELEASED'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'LeaseReleasedError')
  }
}

/** A lease was not to be had within the time that the caller allowed. */
export class LeaseTimeoutError extends LeaseholdError {
  override readonly code = 'LEASE_TIMEOUT'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'LeaseTimeoutError')
  }
}

/** A lease was asked for, or an event called, by code that holds a lease itself: it would wait for its own end. */
export class NestedLeaseError extends LeaseholdError {
  override readonly code = 'NESTED_LEASE'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'NestedLeaseError')
  }
}

/** A field outside the scope of the lease was read or written. */
export class OutOfScopeError extends LeaseholdError {
  override readonly code = 'OUT_OF_SCOPE'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'OutOfScopeError')
  }
}

/** A handler started a task by itself instead of returning or yielding its spec. */
export class DirectTaskCallError extends LeaseholdError {
  override readonly code = 'DIRECT_TASK_CALL'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'DirectTaskCallError')
  }
}

/** A spec was made in a handler and neither returned nor yielded, so nothing was started. */
export class UnusedSpecError extends LeaseholdError {
  override readonly code = 'UNUSED_SPEC'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'UnusedSpecError')
  }
}

/** No worker of this store serves a task of that name. */
export class UnknownTaskError extends LeaseholdError {
  override readonly code = 'UNKNOWN_TASK'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'UnknownTaskError')
  }
}

/** No store in this page has that token. */
export class UnknownTokenError extends LeaseholdError {
  override readonly code = 'UNKNOWN_TOKEN'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'UnknownTokenError')
  }
}

/** The worker of a run died, or was ended because it did not answer. */
export class TaskCrashedError extends LeaseholdError {
  override readonly code = 'TASK_CRASHED'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'TaskCrashedError')
  }
}

/** A worker script could not be loaded, or threw while it started. */
export class WorkerLoadError extends LeaseholdError {
  override readonly code = 'WORKER_LOAD'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'WorkerLoadError')
  }
}

/** A worker did not say that it is ready within `readyTimeout`. */
export class WorkerStartTimeoutError extends LeaseholdError {
  override readonly code = 'WORKER_START_TIMEOUT'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'WorkerStartTimeoutError')
  }
}

/** Page and worker are of different builds: their protocol, their state or its version differ. */
export class VersionMismatchError extends LeaseholdError {
  override readonly code = 'VERSION_MISMATCH'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'VersionMismatchError')
  }
}

/** A value cannot be in state, or cannot cross to another thread; `path` says where in the value. */
export class NotCloneableError extends LeaseholdError {
  override readonly code = 'NOT_CLONEABLE'
  /** Where the offending value stands, as keys from the outside in. */
  readonly path: readonly unknown[]
  constructor(message: string, options?: { readonly cause?: unknown; readonly path?: readonly unknown[] }) {
    super(message, options)
    this.path = options?.path ?? []
    brandError(this, 'NotCloneableError')
  }
}

/** A mutation does not fit the state: a path that leads nowhere, an index past the end, a field that is not declared. */
export class InvalidMutationError extends LeaseholdError {
  override readonly code = 'INVALID_MUTATION'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'InvalidMutationError')
  }
}

/** Stored state could not be read or written. */
export class StorageError extends LeaseholdError {
  override readonly code = 'STORAGE'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'StorageError')
  }
}

/** The store was disposed. */
export class StoreDisposedError extends LeaseholdError {
  override readonly code = 'STORE_DISPOSED'
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    brandError(this, 'StoreDisposedError')
  }
}

/** Every class that can cross the thread boundary, by its `name`. */
export const errorClasses: Readonly<
  Record<string, new (message: string, options?: { readonly cause?: unknown }) => Error>
> = {
  LeaseholdError,
  ImmutableStateError,
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
  NotCloneableError,
  InvalidMutationError,
  StorageError,
  StoreDisposedError,
}
