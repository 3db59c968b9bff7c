/*
 * The worker's side of leases: requests, grants, commits.
 *
 * - A lease function runs on the newest state, as soon as its grant has arrived; its draft is dead once it has settled.
 * - A batch goes out whole, in one message, or not at all. While a commit is on its way nothing can take it back: a
 *   cancellation that comes then waits for the page's answer.
 * - A lease that the page ends, or whose run is cancelled, rejects at once; what its function does after that is ignored.
 * - In the synchronous part of a lease function a further lease is refused, and the outer one stays good.
 */

import { LeaseExpiredError, LeaseReleasedError, NestedLeaseError } from '../lib/errors.js'
import type { LeaseRequestPayload } from '../lib/protocol/messages.js'
import { assertLeaseRequest, MAX_NAME } from '../lib/protocol/validate.js'
import { fromWireError } from '../lib/protocol/wire-error.js'
import { detach } from '../lib/state/detach.js'
import type { Draft } from '../lib/state/draft.js'
import { createDraft } from '../lib/state/draft.js'
import type { Mutation } from '../lib/state/mutation.js'
import type { Replica, Send } from './replica.js'

/** What a lease function learns of its lease. */
export interface Lease {
  /** The fencing number: strictly increasing over all leases of a store. */
  readonly epoch: number
  /** As shown in the line, in warnings and errors. */
  readonly name: string
}

/** Options of a lease. They follow those of the Web Locks API. */
export interface LeaseOptions {
  /** Ends the wait; once the lease is held it does nothing. The lease then rejects with its reason. */
  readonly signal?: AbortSignal
  /** If the lease can't be had at once, the function is called with `null`, without a lease. @default false */
  readonly ifAvailable?: boolean
  /** Milliseconds to wait at most; after that the lease rejects with a LeaseTimeoutError. @default no limit */
  readonly timeout?: number
  /** Milliseconds for which the lease may be held: a lower bound, as the time of a blocked page does not count. @default the store's, 10_000 */
  readonly ttl?: number
  /** Shown in the line, in warnings and errors. @default the name of the task */
  readonly name?: string
  /** The lease may also be taken, and held, after the run was cancelled. @default false */
  readonly cleanup?: boolean
}

/** A run, as its leases know it. */
export interface LeaseRun {
  readonly number: number
  readonly name: string
  readonly signal: AbortSignal
}

/** The function of a lease, its types erased. */
export type LeaseFunction = (state: object | null, lease: Lease | null) => unknown

interface Entry {
  readonly requestId: number
  readonly name: string
  readonly ifAvailable: boolean
  readonly fn: LeaseFunction
  epoch: number
  draft: Draft | undefined
  /** The batch under way, once the function has settled. */
  commit: { readonly mutations: readonly Mutation[]; readonly value: unknown } | undefined
  /** Both stop listening to the signals. */
  resolve(value: unknown): void
  reject(error: unknown): void
}

export class LeaseClient {
  readonly #send: Send
  readonly #replica: Replica
  readonly #waiting = new Map<number, Entry>()
  readonly #held = new Map<number, Entry>()
  #requestId = 0
  /** Name of the lease whose function is in its synchronous part. */
  #inside: string | undefined

  constructor(replica: Replica, send: Send) {
    this.#replica = replica
    this.#send = send
  }

  /** See `TaskContext.lease`. */
  async lease(run: LeaseRun, fn: LeaseFunction, options: LeaseOptions = {}): Promise<unknown> {
    const { signal, cleanup = false, name = run.name, ifAvailable = false, timeout, ttl } = options
    if (this.#inside !== undefined) {
      throw new NestedLeaseError(
        `Task "${run.name}" asked for a lease inside its lease "${this.#inside}": it would wait for its own end. Use the state that the outer function was given, or ask once it has returned.`,
      )
    }
    if (typeof fn !== 'function')
      throw new TypeError(`Task "${run.name}": task.lease takes a function of (state, lease).`)
    const request: LeaseRequestPayload = {
      name: typeof name === 'string' ? name.slice(0, MAX_NAME) : name,
      ttl,
      ifAvailable,
      timeout: timeout === Number.POSITIVE_INFINITY ? undefined : timeout,
    }
    assertLeaseRequest(request)
    const waits = [...(cleanup ? [] : [run.signal]), ...(signal ? [signal] : [])]
    for (const one of waits) if (one.aborted) throw one.reason
    return new Promise((resolve, reject) => {
      const stopListening = new AbortController()
      const entry: Entry = {
        requestId: ++this.#requestId,
        name: request.name,
        ifAvailable,
        fn,
        epoch: 0,
        draft: undefined,
        commit: undefined,
        resolve(value) {
          stopListening.abort()
          resolve(value)
        },
        reject(error) {
          stopListening.abort()
          reject(error)
        },
      }
      for (const one of waits) {
        const abort = () => this.#abort(entry, one.reason, one !== signal)
        one.addEventListener('abort', abort, { signal: stopListening.signal })
      }
      this.#waiting.set(entry.requestId, entry)
      this.#send('request', [entry.requestId, run.number, this.#replica.tree.version], request)
    })
  }

  granted(payload: unknown, requestId: number, epoch: number, version: number, since: number): void {
    const isCurrent = this.#replica.receive(payload, version, since)
    const entry = this.#waiting.get(requestId)
    if (entry === undefined) return // withdrawn in the meantime: the page ends the lease when it hears of that
    this.#waiting.delete(requestId)
    this.#held.set(epoch, entry)
    entry.epoch = epoch
    if (isCurrent) void this.#run(entry)
    else void this.#replica.refresh().then(() => this.#run(entry))
  }

  refused(payload: unknown, requestId: number): void {
    const entry = this.#waiting.get(requestId)
    if (entry === undefined) return
    this.#waiting.delete(requestId)
    if (payload !== undefined || !entry.ifAvailable) entry.reject(fromWireError(payload))
    else new Promise((resolve) => resolve(entry.fn(null, null))).then(entry.resolve, entry.reject)
  }

  committed(epoch: number, version: number): void {
    const entry = this.#take(epoch)
    const commit = entry?.commit
    if (commit) void this.#replica.committed(commit.mutations, version).then(() => entry.resolve(commit.value))
  }

  /** The page has refused the batch, or ended the lease: either way it is over. */
  ended(payload: unknown, epoch: number): void {
    const entry = this.#take(epoch)
    if (entry === undefined) return
    const error = fromWireError(payload)
    entry.draft?.close(
      error instanceof Error ? error : new LeaseExpiredError(`${describe(entry)} is over.`, { cause: error }),
    )
    entry.reject(error)
  }

  /** Runs the function of a lease that is held, and sends what it wrote. */
  async #run(entry: Entry): Promise<void> {
    const { epoch, name } = entry
    if (!this.#held.has(epoch)) return
    try {
      const { shape, root } = this.#replica.tree
      const draft = createDraft(shape, root)
      entry.draft = draft
      const returned = this.#callInside(entry, draft.state, Object.freeze({ epoch, name }))
      // A function that is not async commits in the very turn in which it was granted.
      const result = isThenable(returned) ? await returned : returned
      if (!this.#held.has(epoch)) return
      const value = detach(result)
      entry.commit = { mutations: draft.changes(), value }
      draft.close(new LeaseReleasedError(`${describe(entry)} is over: its function has settled. Ask for a new one.`))
      this.#send('commit', [epoch, 0, true], entry.commit.mutations)
    } catch (error) {
      this.#rollBack(entry, error, 'its function has failed')
    }
  }

  #callInside(entry: Entry, state: object, lease: Lease): unknown {
    this.#inside = entry.name
    try {
      return entry.fn(state, lease)
    } finally {
      this.#inside = undefined
    }
  }

  #abort(entry: Entry, reason: unknown, isRun: boolean): void {
    if (this.#waiting.delete(entry.requestId)) {
      this.#send('withdraw', [entry.requestId])
      entry.reject(reason)
    } else if (isRun && entry.commit === undefined) this.#rollBack(entry, reason, 'its run was cancelled')
  }

  #rollBack(entry: Entry, cause: unknown, why: string): void {
    if (this.#take(entry.epoch) === undefined) return
    entry.draft?.close(
      new LeaseReleasedError(`${describe(entry)} is over: ${why}. Nothing of it was applied.`, { cause }),
    )
    this.#send('rollback', [entry.epoch])
    entry.reject(cause)
  }

  #take(epoch: number): Entry | undefined {
    const entry = this.#held.get(epoch)
    this.#held.delete(epoch)
    return entry
  }
}

function describe({ name, epoch }: Entry): string {
  return `Lease "${name}" (epoch ${epoch})`
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
  )
}
