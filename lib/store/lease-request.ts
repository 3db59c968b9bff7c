import type { Scope } from '../state/scope.js'

/** Somebody who wants to change state. */
export interface LeaseRequest {
  readonly name: string
  readonly kind: 'event' | 'page' | 'task'
  readonly ttlMs: number
  /** What it wants to change. @default the whole state */
  readonly scope?: Scope
  /**
   * The request is over when `granted` returns: no timer is started for it. Looked at again when `granted` has returned: a
   * request that turned out to last says so by then, and is timed from there on.
   */
  readonly sync?: boolean
  /** Goes ahead of leases, and takes those back that let it. Of events alone. */
  readonly urgent?: boolean
  /** Its grant may be taken back for an urgent event. Looked at when one comes. */
  readonly revocable?: boolean
  /** Its function was revoked and is to run again: goes ahead of the line. */
  readonly again?: boolean
  /** Of the store itself: granted even where everybody else is refused. */
  readonly own?: boolean
  /** What the request belongs to: an expiry says so if its own owner was waiting in the line. Shown by its name. */
  readonly owner?: { readonly name: string } | undefined
  /** Called inside `request()` if the line is free, else in its turn. */
  granted(grant: Grant): void
  /** The request left the line without a grant: timeout or close. Never after `withdraw()`. */
  refused(error: Error): void
  /** The grant is over before its holder ended it: expired, revoked (a LeaseRevokedError) or closed. */
  lost(error: Error): void
  /** Asks the holder; resolves when the answer came, behind everything that the holder sent before it. */
  probe?(): Promise<void>
  /** The holder gave no answer within the grace. Its grant has already ended by `lost()`. */
  unresponsive?(): void
}

/** The exclusive right to change state, from its grant to its end. */
export interface Grant {
  readonly epoch: number
  readonly request: LeaseRequest
}

/** A grant that is held. */
export interface Held extends Grant {
  /** Time of the office's clock. */
  readonly grantedAt: number
}
