/*
 * An event in the line, and at work.
 *
 * - What its caller holds is told once: by the end of the handler, or by the loss of its place.
 * - A batch that is being committed stands, whatever happens to the lease meanwhile.
 */

import { StoreDisposedError } from '../errors.js'
import type { Spec } from '../protocol/specs.js'
import type { Draft } from '../state/draft.js'
import type { Scope } from '../state/scope.js'
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
  readonly made: Set<Spec>
  readonly used: Set<Spec>
  /** Its last batch is being committed: whatever happens meanwhile, the commit stands. */
  ends: boolean
}

export class Run extends Outcome<unknown> implements EventRun {
  ran = false
}

/** An event as it is asked for. */
export interface EventCall {
  readonly name: string
  readonly handler: AnyHandler
  readonly args: readonly unknown[]
  readonly origin: CommitOrigin
  /** @default the whole state */
  readonly scope?: Scope
  /** @default false */
  readonly urgent?: boolean
  /** Milliseconds. @default the store's */
  readonly ttl?: number | undefined
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

  constructor(call: EventCall, ttlMs: number, run: Run, begin: (grant: Grant, request: EventRequest) => void) {
    this.name = call.name
    this.ttlMs = call.ttl ?? ttlMs
    this.scope = call.scope
    this.urgent = call.urgent === true
    this.sync = !isAsync(call.handler)
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
    this.turn?.draft.close(error)
    if (this.turn?.ends !== true) this.#tell(error)
  }

  /** `dispose` is a cancellation for whoever was in the line; for whoever comes later it is a mistake. */
  #tell(error: Error): void {
    this.run.reject(error, { quiet: this.waits && error instanceof StoreDisposedError })
  }
}

/** Whether the handler is declared async. One that is not may still give a promise: that is seen when it has run. */
function isAsync(handler: AnyHandler): boolean {
  return /^\[object Async/.test(Object.prototype.toString.call(handler))
}
