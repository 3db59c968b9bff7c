/*
 * An event in the line, and at work.
 *
 * - What its caller holds is told once: by the end of the handler, or by the loss of its place.
 * - A batch that is being committed stands, whatever happens to the lease meanwhile.
 */

import { LeaseReleasedError, StoreDisposedError } from '../errors.js'
import type { Spec } from '../protocol/specs.js'
import type { StateShape } from '../state/define-state.js'
import { development } from '../state/development.js'
import type { Draft } from '../state/draft.js'
import { keepShape } from '../state/keep-shape.js'
import { tagOf } from '../state/leaves.js'
import type { Scope } from '../state/scope.js'
import { scopedShape } from '../state/scope.js'
import type { CommitOrigin, ErrorContext, StoreCore } from './core.js'
import type { Grant, LeaseRequest } from './lease-request.js'
import { Outcome } from './outcome.js'

/** The run of one event: await it for what the handler returned. */
export interface EventRun<R = unknown> extends PromiseLike<R> {
  /** True if it ran to its end inside the call. */
  readonly ran: boolean
  catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<R | B>
  finally(onFinally?: (() => void) | null): Promise<R>
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
  /** What an error is reported with that nobody awaits. */
  readonly context: ErrorContext
  /** The error of a draft that is used when its event has ended. */
  readonly ended: () => Error
}

/** Makes an event of a store. */
export function createEvent(
  shape: StateShape,
  handler: AnyHandler,
  origin: CommitOrigin,
  options: { readonly name?: string; readonly scope?: Scope; readonly urgent?: boolean; readonly ttl?: number } = {},
): StoreEvent {
  const { name = origin.name, scope, urgent, ttl } = options
  return {
    name,
    handler,
    origin,
    scope,
    shape: scopedShape(shape, scope, name),
    urgent: urgent === true,
    ttl,
    sync: !tagOf(handler).startsWith('Async'),
    context: { kind: 'event', name },
    ended: () =>
      new LeaseReleasedError(
        `A draft of the event "${name}" was used after the event had ended. Read what is needed before, or call another event.`,
      ),
  }
}

/** An event handler of any kind. */
export type AnyHandler = (draft: never, ...args: never[]) => unknown

/** What a turn needs of its store. */
export interface EventHost {
  readonly core: Pick<StoreCore, 'report' | 'lease'>
  /** The turn has its grant. */
  begin(turn: EventTurn): void
}

/** One call of an event, from the line to its end. */
export class EventTurn implements LeaseRequest {
  readonly kind = 'event'
  readonly event: StoreEvent
  readonly name: string
  readonly scope: Scope
  readonly ttlMs: number
  readonly args: readonly unknown[]
  readonly urgent: boolean
  /** How many commits led to it, each fired by a reaction to the one before. */
  readonly round: number
  readonly run: Run
  sync: boolean
  /** It is in the line, or was: what it is refused with from now on is a cancellation. */
  waits = false
  /** Of its grant; 0 before. */
  epoch = 0
  draft: Draft | undefined
  readonly made: Set<Spec> | undefined
  readonly used: Set<Spec> | undefined
  /** Its last batch is being committed: whatever happens meanwhile, the commit stands. */
  ends = false
  readonly #host: EventHost

  constructor(host: EventHost, event: StoreEvent, args: readonly unknown[], urgent: boolean, round: number) {
    const { name, scope, ttl = host.core.lease.ttlMs, sync, context } = event
    this.#host = host
    this.event = event
    this.name = name
    this.scope = scope
    this.ttlMs = ttl
    this.args = args
    this.urgent = urgent
    this.round = round
    this.run = new Run(host.core.report, context)
    this.sync = sync
    this.made = development ? new Set() : undefined
    this.used = development ? new Set() : undefined
  }

  granted({ epoch }: Grant): void {
    this.epoch = epoch
    this.#host.begin(this)
  }

  refused(error: Error): void {
    this.#tell(error)
  }

  lost(error: Error): void {
    this.draft?.close(() => error)
    if (!this.ends) this.#tell(error)
  }

  /** `dispose` is a cancellation for whoever was in the line; for whoever comes later it is a mistake. */
  #tell(error: Error): void {
    this.run.reject(error, { quiet: this.waits && error instanceof StoreDisposedError })
  }
}

const nothing = (): void => {}
const nobody: EventHost = { core: { report: nothing, lease: { ttlMs: 0 } }, begin: nothing }
keepShape(new EventTurn(nobody, {} as StoreEvent, [], false, 0))
