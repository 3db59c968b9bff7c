/*
 * An event in the line, and at work.
 *
 * - What its caller holds is told once: by the end of the handler, or by the loss of its place.
 * - A batch that is being committed stands, whatever happens to the lease meanwhile.
 */

import { StoreDisposedError } from '../errors.js'
import type { Spec } from '../protocol/specs.js'
import type { StateShape } from '../state/define-state.js'
import type { Draft } from '../state/draft.js'
import { tagOf } from '../state/leaves.js'
import type { Scope } from '../state/scope.js'
import { scopedShape } from '../state/scope.js'
import type { CommitOrigin } from './core.js'
import type { Grant, LeaseRequest } from './lease-request.js'
import { Outcome } from './outcome.js'

/** The run of one event: await it for what the handler returned. */
export interface EventRun<R = unknown> extends PromiseLike<R> {
  /** True if it ran to its end inside the call. */
  readonly ran: boolean
  catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<R | B>
  finally(onFinally?: (() => void) | null): Promise<R>
}

/** One handler at work. */
export interface Turn {
  readonly name: string
  readonly epoch: number
  readonly run: Run
  readonly draft: Draft
  readonly origin: CommitOrigin
  readonly round: number
  readonly made: Set<Spec> | undefined
  readonly used: Set<Spec> | undefined
  /** Its last batch is being committed: whatever happens meanwhile, the commit stands. */
  ends: boolean
}

export class Run extends Outcome<unknown> implements EventRun {
  ran = false
}

/** An event of a store, as it is called again and again. */
export interface StoreEvent {
  readonly name: string
  readonly handler: AnyHandler
  readonly origin: CommitOrigin
  readonly scope: Scope
  /** Of its drafts: that of the state, limited to `scope`. */
  readonly shape: StateShape
  readonly urgent: boolean
  /** Milliseconds; the store's where undefined. */
  readonly ttl: number | undefined
  /** Its handler is not declared async. It may still give a promise: that is seen when it has run. */
  readonly sync: boolean
}

/** Makes an event of a store. */
export function createEvent(
  shape: StateShape,
  handler: AnyHandler,
  origin: CommitOrigin,
  options: { readonly name?: string; readonly scope?: Scope; readonly urgent?: boolean; readonly ttl?: number } = {},
): StoreEvent {
  const { name = origin.name, scope, urgent, ttl } = options
  const sync = !tagOf(handler).startsWith('Async')
  return { name, handler, origin, scope, shape: scopedShape(shape, scope, name), urgent: urgent === true, ttl, sync }
}

/** An event handler of any kind. */
export type AnyHandler = (draft: never, ...args: never[]) => unknown

export class EventRequest implements LeaseRequest {
  readonly kind = 'event'
  readonly name: string
  readonly ttlMs: number
  readonly scope: Scope
  readonly urgent: boolean
  readonly run: Run
  sync: boolean
  waits = false
  turn: Turn | undefined
  readonly #begin: (grant: Grant, request: EventRequest) => void

  constructor(
    { name, ttl, scope, sync }: StoreEvent,
    urgent: boolean,
    ttlMs: number,
    run: Run,
    begin: (grant: Grant, request: EventRequest) => void,
  ) {
    this.name = name
    this.ttlMs = ttl ?? ttlMs
    this.scope = scope
    this.urgent = urgent
    this.sync = sync
    this.run = run
    this.#begin = begin
  }

  granted(grant: Grant): void {
    this.#begin(grant, this)
  }

  refused(error: Error): void {
    this.#tell(error)
  }

  lost(error: Error): void {
    this.turn?.draft.close(() => error)
    if (this.turn?.ends !== true) this.#tell(error)
  }

  /** `dispose` is a cancellation for whoever was in the line; for whoever comes later it is a mistake. */
  #tell(error: Error): void {
    this.run.reject(error, { quiet: this.waits && error instanceof StoreDisposedError })
  }
}
