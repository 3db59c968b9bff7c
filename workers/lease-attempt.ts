/*
 * One grant of a lease, from the run of its function to its last batch.
 *
 * - Each batch holds what was written since the one before. While a flush is on its way nothing can be written, so that
 *   nothing falls between two batches.
 * - What the function wants sent or started leaves with the batch that it belongs to, or not at all.
 */

import { LeaseReleasedError } from '../lib/errors.js'
import type { Deferred } from '../lib/protocol/deferred.js'
import { deferred } from '../lib/protocol/deferred.js'
import type { Lease } from '../lib/protocol/lease.js'
import { createLease } from '../lib/protocol/lease.js'
import type { Spec } from '../lib/protocol/specs.js'
import { transferablesOf } from '../lib/protocol/transfer.js'
import type { Change } from '../lib/state/change.js'
import { detach } from '../lib/state/detach.js'
import type { Draft } from '../lib/state/draft.js'
import { createDraft } from '../lib/state/draft.js'
import { settle } from '../lib/state/draft-settle.js'
import { keepShape } from '../lib/state/keep-shape.js'
import type { Scope } from '../lib/state/scope.js'
import { scopedShape } from '../lib/state/scope.js'
import type { Replica, Send } from './replica.js'
import type { StagedValue } from './staging.js'
import { StagedInDraft } from './staging.js'

/** A batch on its way. */
interface Batch {
  readonly mutations: readonly Change[]
  readonly last: boolean
  /** What the lease gives in the end. */
  readonly value: unknown
  /** What it puts in place of what was sent before it. */
  readonly staged: readonly StagedValue[]
}

export class Attempt {
  readonly epoch: number
  /** Names the lease in messages. */
  readonly title: string
  readonly #name: string
  readonly #replica: Replica
  readonly #send: Send
  readonly #staged: StagedInDraft
  /** Those that are not answered. */
  readonly #batches = new Map<number, Batch>()
  #draft: Draft | undefined
  #specs: Spec[] = []
  #sequence = 0
  #flush: Deferred | undefined
  #closed: (() => Error) | undefined
  /** The replica need not keep what the draft stands on any more. */
  #release: () => void = () => {}
  #isSettled = false
  /** What waits for the function to settle. */
  #onSettled: (() => void) | undefined

  constructor(epoch: number, name: string, replica: Replica, send: Send, staged: StagedInDraft) {
    this.epoch = epoch
    this.title = `Lease "${name}" (epoch ${epoch})`
    this.#name = name
    this.#replica = replica
    this.#send = send
    this.#staged = staged
  }

  /** The flush that is on its way. */
  get flushing(): Promise<void> | undefined {
    return this.#flush?.promise
  }

  /** A batch is on its way, or its answer. */
  get isAnswerDue(): boolean {
    return this.#batches.size > 0
  }

  /** What it wrote may be, or may have been, the very container behind a view. */
  get hasStaged(): boolean {
    return !this.#staged.isEmpty
  }

  get isLastSent(): boolean {
    return [...this.#batches.values()].some(({ last }) => last)
  }

  /** What the lease function is called with. */
  open(scope: Scope): { readonly state: object; readonly lease: Lease<object, object> } {
    const { shape, root } = this.#replica.tree
    const draft = createDraft(scopedShape(shape, scope, this.#name), root, this.#staged.adopt)
    this.#draft = draft
    const keep = (spec: Spec): void => {
      if (this.#closed !== undefined) throw this.#closed()
      this.#specs.push(spec)
    }
    return { state: draft.state, lease: createLease(this.epoch, this.#name, () => this.flush(), keep) }
  }

  /**
   * How many mutations the next batch would have: none while a flush is on its way.
   * @throws InvalidMutationError for a container that was put inside itself
   */
  get pending(): number {
    return this.#flush !== undefined ? 0 : (this.#draft?.changes().length ?? 0)
  }

  /** Sends what was written so far; resolves when the page has applied it. */
  flush(): Promise<void> {
    const flushed = this.#flushNow()
    flushed.catch(() => {}) // one that nobody awaits fails with its lease
    return flushed
  }

  async #flushNow(): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed()
    if (this.#flush !== undefined) {
      await this.#flush.promise // nothing was written since
      if (this.#specs.length > 0) await this.flush()
      return
    }
    this.#post(false, undefined)
    this.#draft?.hold(
      `${this.title} was written on while its flush was on its way. Await lease.flush() before writing on.`,
    )
    this.#flush = deferred()
    this.#flush.promise.catch(() => {}) // whoever flushed has a promise of its own
    this.#release = this.#replica.keep()
    await this.#flush.promise
  }

  /** The page has applied the batch of the flush, and so has the replica. */
  flushed(): void {
    const flush = this.#flush
    this.#flush = undefined
    this.#release()
    if (this.#draft !== undefined && this.#closed === undefined) {
      settle(this.#draft.state, this.#replica.tree.root)
      this.#draft.proceed()
    }
    flush?.resolve()
  }

  /** Sends the last batch. */
  commit(result: unknown): void {
    this.#post(true, detach(result))
    this.#end(() => new LeaseReleasedError(`${this.title} is over: its function has settled. Ask for a new one.`))
  }

  /** The page has answered the batch of that number: it is not under way any more. */
  take(sequence: number): Batch | undefined {
    const batch = this.#batches.get(sequence)
    this.#batches.delete(sequence)
    return batch
  }

  /** The page has applied none of the batches that are on their way: what they have used is still there. */
  refused(): void {
    for (const { staged } of this.#batches.values()) for (const value of staged) value.isHere = value.isGone !== true
  }

  /** The lease is over before its end: nothing more of it is sent. */
  close(error: Error): void {
    this.#end(() => error)
    this.#flush?.reject(error)
    this.#flush = undefined
    this.#release()
  }

  /** The function has settled, however it did. */
  settle(): void {
    this.#isSettled = true
    this.#onSettled?.()
  }

  /** Calls back when the function has settled. */
  onceSettled(run: () => void): void {
    if (this.#isSettled) run()
    else this.#onSettled = run
  }

  #end(why: () => Error): void {
    this.#closed ??= why
    this.#draft?.close(why)
  }

  #post(last: boolean, value: unknown): void {
    const mutations = this.#draft?.batch() ?? []
    const specs = this.#specs.map(({ kind, name, args }) => ({ kind, name, args }))
    const { payload, used } = this.#staged.name(mutations, specs.length > 0 ? specs : undefined)
    this.#send(
      'commit',
      [this.epoch, this.#sequence, last],
      payload,
      specs.length > 0 ? transferablesOf(specs.flatMap(({ args }) => args)) : undefined,
    )
    this.#specs = []
    for (const staged of used) staged.isHere = false // until it is known that the page has not used it
    this.#batches.set(this.#sequence++, { mutations, last, value, staged: used })
  }
}

const nothing = new StagedInDraft(new WeakMap())
keepShape(new Attempt(0, '', {} as Replica, () => {}, nothing), nothing)
