/*
 * Leases for code on the page: any async code may wait for one and write.
 *
 * - The same line, the same fence and the same guarantees as for tasks and events.
 * - The function's error, expiry and `dispose` roll back: nothing of its batch is applied or seen.
 */

import { LeaseReleasedError, StoreDisposedError } from '../errors.js'
import { assertLeaseRequest } from '../protocol/validate.js'
import { detach } from '../state/detach.js'
import type { Draft } from '../state/draft.js'
import { createDraft } from '../state/draft.js'
import type { Committer } from './committer.js'
import type { StoreCore } from './core.js'
import type { Handling } from './handling.js'
import type { Grant, LeaseRequest, Ticket } from './lease-office.js'
import { Outcome } from './outcome.js'

/** Options of a lease, as far as possible those of Web Locks. */
export interface LeaseOptions {
  /** Ends the wait, as with Web Locks; once the lease is held it does nothing. The lease rejects with its reason. */
  readonly signal?: AbortSignal
  /** Call the function with `null` at once unless the lease can be had at once. @default false */
  readonly ifAvailable?: boolean
  /** Milliseconds in the line after which it rejects with a LeaseTimeoutError. @default no limit */
  readonly timeout?: number
  /** Milliseconds that it may be held; a lower bound. @default the store's `lease.ttl` */
  readonly ttl?: number
  /** Shown in the line, in warnings and in errors. @default the name of the function */
  readonly name?: string
}

/** A lease that is held. */
export interface Lease {
  /** The fencing number: strictly increasing over all leases of a store. */
  readonly epoch: number
  readonly name: string
}

/** The run of a page lease: await it for what the function returned. */
export interface LeaseRun<R> extends PromiseLike<R> {
  catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<R | B>
  finally(onFinally?: (() => void) | null): Promise<R>
}

/** What a lease function is given: the draft, or null where `ifAvailable` found the line busy. */
export type LeaseFunction = (draft: never, lease: never) => unknown

/** What a page lease needs of its store. */
export interface PageLeaseContext {
  readonly core: StoreCore
  readonly committer: Committer
  readonly handling: Handling
}

/**
 * Takes a lease for code on the page.
 * @throws NestedLeaseError, at once, in the synchronous part of a handler or lease function
 */
export function leaseOnPage(context: PageLeaseContext, fn: LeaseFunction, options: LeaseOptions): LeaseRun<unknown> {
  if (typeof fn !== 'function') throw new TypeError('store.lease takes a function of (state, lease).')
  const { ttl, timeout, ifAvailable = false, name = fn.name || 'lease' } = options
  assertLeaseRequest({ name, ttl, timeout: timeout === Number.POSITIVE_INFINITY ? undefined : timeout, ifAvailable })
  const { core, handling } = context
  handling.assertMayLease(name)
  const outcome = new Outcome<unknown>((error) => core.report(error, { kind: 'lease', name }))
  const { signal } = options
  if (signal?.aborted === true) {
    outcome.reject(signal.reason, { quiet: true })
    return outcome
  }
  if (options.ifAvailable === true && !core.office.isFree) {
    settle(outcome, () => (fn as (draft: null, lease: null) => unknown)(null, null))
    return outcome
  }
  const lease = new PageLease(context, fn, name, options.ttl ?? core.lease.ttlMs, outcome)
  lease.enter(signal, options.timeout)
  return outcome
}

function settle(outcome: Outcome<unknown>, run: () => unknown): void {
  new Promise((resolve) => resolve(run())).then(
    (value) => outcome.resolve(value),
    (error: unknown) => outcome.reject(error),
  )
}

class PageLease implements LeaseRequest {
  readonly kind = 'page'
  readonly name: string
  readonly ttlMs: number
  readonly #context: PageLeaseContext
  readonly #fn: LeaseFunction
  readonly #outcome: Outcome<unknown>
  #draft: Draft | undefined
  #ends = false
  #ticket: Ticket | undefined
  #stopListening: (() => void) | undefined

  constructor(context: PageLeaseContext, fn: LeaseFunction, name: string, ttlMs: number, outcome: Outcome<unknown>) {
    this.#context = context
    this.#fn = fn
    this.name = name
    this.ttlMs = ttlMs
    this.#outcome = outcome
  }

  enter(signal: AbortSignal | undefined, timeoutMs: number | undefined): void {
    const onAbort = (): void => {
      this.#ticket?.withdraw()
      this.#outcome.reject(signal?.reason, { quiet: true })
    }
    signal?.addEventListener('abort', onAbort)
    this.#stopListening = () => signal?.removeEventListener('abort', onAbort)
    this.#ticket = this.#context.core.office.request(this, { timeoutMs })
  }

  granted(grant: Grant): void {
    const { core, handling, committer } = this.#context
    const { epoch } = grant
    this.#stopListening?.()
    const draft = createDraft(core.tree.shape, core.tree.root)
    this.#draft = draft
    const lease: Lease = Object.freeze({ epoch, name: this.name })
    const run = async (): Promise<unknown> =>
      handling.run('lease', this.name, () => this.#fn(draft.state as never, lease as never))
    run().then(
      (result) => {
        if (!core.office.holds(epoch)) return // the caller has been told why
        try {
          const value = detach(result)
          this.#ends = true // whatever a reaction to the commit does, the commit stands
          committer.commit(draft.changes(), { kind: 'lease', name: this.name })
          this.#finish(epoch, () => this.#outcome.resolve(value))
        } catch (error) {
          this.#finish(epoch, () => this.#outcome.reject(error))
        }
      },
      (error: unknown) => {
        if (core.office.holds(epoch)) this.#finish(epoch, () => this.#outcome.reject(error))
      },
    )
  }

  refused(error: Error): void {
    this.lost(error)
  }

  lost(error: Error): void {
    this.#end(error)
    if (this.#ends) return
    // `dispose` is a cancellation for whoever was in the line; for whoever comes later it is a mistake.
    this.#outcome.reject(error, { quiet: this.#ticket !== undefined && error instanceof StoreDisposedError })
  }

  #finish(epoch: number, tell: () => void): void {
    this.#end(
      new LeaseReleasedError(
        `The draft of the lease "${this.name}" was used after its function had ended. Take another lease to write again.`,
      ),
    )
    tell()
    this.#context.core.office.end(epoch)
  }

  /** Nothing of the lease can be used any more. */
  #end(error: Error): void {
    this.#stopListening?.()
    this.#draft?.close(error)
  }
}
