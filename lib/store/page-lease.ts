/*
 * Leases for code on the page: any async code may wait for one and write.
 *
 * - The same line, the same fence and the same guarantees as for tasks and events. Urgent events wait for it.
 * - The function's error, expiry and `dispose` roll back: nothing of its batch is applied or seen.
 */

import { LeaseReleasedError, StoreDisposedError } from '../errors.js'
import type { Lease, LeaseOptions, ScopedLeaseOptions } from '../protocol/lease.js'
import { createLease } from '../protocol/lease.js'
import type { Spec } from '../protocol/specs.js'
import { assertLeaseRequest } from '../protocol/validate.js'
import { detach } from '../state/detach.js'
import type { Draft } from '../state/draft.js'
import { createDraft } from '../state/draft.js'
import { settle } from '../state/draft-settle.js'
import type { Scope } from '../state/scope.js'
import { scopedShape, toScope } from '../state/scope.js'
import type { Committer } from './committer.js'
import type { CommitOrigin, StoreCore } from './core.js'
import { launchAll } from './core.js'
import type { Handling } from './handling.js'
import type { Ticket } from './lease-office.js'
import type { Grant, LeaseRequest } from './lease-request.js'
import { Outcome } from './outcome.js'

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
export function leaseOnPage(
  context: PageLeaseContext,
  fn: LeaseFunction,
  options: LeaseOptions | ScopedLeaseOptions,
): LeaseRun<unknown> {
  if (typeof fn !== 'function') throw new TypeError('store.lease takes a function of (state, lease).')
  const { core, handling } = context
  const { ttl, timeout, ifAvailable = false, name = fn.name || 'lease', signal, scope: names } = options
  const timeoutMs = timeout === Number.POSITIVE_INFINITY ? undefined : timeout
  const rest = { scope: Array.isArray(names) ? [...names] : names, revocable: false, again: undefined }
  assertLeaseRequest({ name, ttl, timeout: timeoutMs, ifAvailable, ...rest })
  const scope = toScope(core.tree.shape, rest.scope)
  handling.assertMayLease(name)
  const outcome = new Outcome<unknown>(core.report, { kind: 'lease', name })
  if (signal?.aborted === true) {
    outcome.reject(signal.reason, { quiet: true })
  } else if (ifAvailable && !core.office.isFree(scope)) {
    new Promise((resolve) => resolve((fn as (draft: null, lease: null) => unknown)(null, null))).then(
      (value) => outcome.resolve(value),
      (error: unknown) => outcome.reject(error),
    )
  } else {
    new PageLease(context, fn, { name, ttlMs: ttl ?? core.lease.ttlMs, scope }, outcome).enter(signal, timeoutMs)
  }
  return outcome
}

class PageLease implements LeaseRequest {
  readonly kind = 'page'
  readonly name: string
  readonly ttlMs: number
  readonly scope: Scope
  readonly #context: PageLeaseContext
  readonly #fn: LeaseFunction
  readonly #outcome: Outcome<unknown>
  #draft: Draft | undefined
  #specs: Spec[] = []
  #over: (() => Error) | undefined
  #ends = false
  #ticket: Ticket | undefined
  #stopListening: (() => void) | undefined

  constructor(
    context: PageLeaseContext,
    fn: LeaseFunction,
    { name, ttlMs, scope }: { readonly name: string; readonly ttlMs: number; readonly scope: Scope },
    outcome: Outcome<unknown>,
  ) {
    this.#context = context
    this.#fn = fn
    this.name = name
    this.ttlMs = ttlMs
    this.scope = scope
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

  granted({ epoch }: Grant): void {
    const { core, committer, handling } = this.#context
    this.#stopListening?.()
    const draft = createDraft(scopedShape(core.tree.shape, this.scope, this.name), core.tree.root)
    this.#draft = draft
    const lease = this.#lease(epoch, draft)
    const run = async (): Promise<unknown> =>
      handling.run('lease', this.name, () => this.#fn(draft.state as never, lease as never))
    run().then(
      (result) => {
        if (!core.office.holds(epoch)) return // the caller has been told why
        try {
          const value = detach(result)
          this.#ends = true // whatever a reaction to the commit does, the commit stands
          this.#commit(draft)
          this.#finish(epoch, () => committer.doubt.resolve(this.#outcome, value, this.#origin))
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
    this.#end(() => error)
    if (this.#ends) return
    // `dispose` is a cancellation for whoever was in the line; for whoever comes later it is a mistake.
    this.#outcome.reject(error, { quiet: this.#ticket !== undefined && error instanceof StoreDisposedError })
  }

  #lease(epoch: number, draft: Draft): Lease {
    const { core } = this.#context
    const keep = (spec: Spec): void => {
      this.#assertHeld()
      this.#specs.push(spec)
    }
    const flush = async (): Promise<void> => {
      this.#assertHeld()
      this.#commit(draft)
      this.#assertHeld() // a reaction to the commit has disposed of the store
      settle(draft.state, core.tree.root)
      core.office.renew(epoch)
    }
    return createLease(epoch, this.name, flush, keep)
  }

  #assertHeld(): void {
    if (this.#over !== undefined) throw this.#over()
  }

  get #origin(): CommitOrigin {
    return { kind: 'lease', name: this.name }
  }

  /** Applies what was written since the last time, and then sends off what belongs to it. */
  #commit(draft: Draft): void {
    const { committer, core, handling } = this.#context
    const mutations = draft.batch()
    handling.outside(() => committer.commit(mutations, this.#origin))
    const specs = this.#specs
    this.#specs = []
    if (core.office.isClosed) return // a reaction has disposed of the store: there is nobody to launch them
    launchAll(core, specs)
  }

  #finish(epoch: number, tell: () => void): void {
    this.#end(
      () =>
        new LeaseReleasedError(
          `The draft of the lease "${this.name}" was used after its function had ended. Take another lease to write again.`,
        ),
    )
    tell()
    this.#context.core.office.end(epoch)
  }

  /** Nothing of the lease can be used any more. */
  #end(why: () => Error): void {
    this.#over ??= why
    this.#stopListening?.()
    this.#draft?.close(why)
  }
}
