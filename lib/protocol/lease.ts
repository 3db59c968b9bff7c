/*
 * What a lease is to whoever asks for it: the same on the page and in a worker.
 */

import { keepShape } from '../state/keep-shape.js'
import type { CallsOf, Spec } from './specs.js'
import { specCalls } from './specs.js'

/** A lease that is held. `Events` are those that it may send, `Tasks` those that it may start. */
export interface Lease<Events = object, Tasks = object> {
  /** The fencing number: strictly increasing over all leases of a store. */
  readonly epoch: number
  /** As shown in the line, in warnings and errors. */
  readonly name: string
  /**
   * Commits what was written so far and keeps the lease, whose `ttl` counts from then on. What fails later takes back only
   * what came after. In a task nothing may be written before it has resolved, and the lease is not revoked any more.
   * @throws the error that has ended the lease, or refused the batch
   */
  flush(): Promise<void>
  /**
   * Sends events with the commit of the lease: they run in their turn, after it has ended, in the order of the calls. Not at
   * all if it rolls back; once if it is revoked and runs again.
   * @throws LeaseReleasedError when the lease is over
   */
  readonly emit: CallsOf<Events, void>
  /** Starts tasks with the commit of the lease, in the order of the calls, as {@link emit}. */
  readonly start: CallsOf<Tasks, void>
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
  /** Shown in the line, in warnings and errors. @default the name of the function, or of the task */
  readonly name?: string
  /** {@link ScopedLeaseOptions} have one. @default the whole state */
  readonly scope?: undefined
}

/** Options of a lease of some fields. `Names` are those of top-level fields and substates. */
export interface ScopedLeaseOptions<Names extends readonly string[] = readonly string[]>
  extends Omit<LeaseOptions, 'scope'> {
  /**
   * The top-level fields and substates that are leased. The draft has these and no others; leases and events that share no
   * field with it go on meanwhile.
   */
  readonly scope: Names
}

/**
 * Makes what a lease function is given.
 * @param keep is given each spec that is to leave with the commit; throws when the lease is over
 */
export function createLease(
  epoch: number,
  name: string,
  flush: () => Promise<void>,
  keep: (spec: Spec) => void,
): Lease {
  return Object.freeze(new OpenLease(epoch, name, flush, keep))
}

class OpenLease implements Lease {
  readonly epoch: number
  readonly name: string
  readonly flush: () => Promise<void>
  readonly #keep: (spec: Spec) => void

  constructor(epoch: number, name: string, flush: () => Promise<void>, keep: (spec: Spec) => void) {
    this.epoch = epoch
    this.name = name
    this.flush = flush
    this.#keep = keep
  }

  // Made when they are asked for, which is seldom.
  get emit(): object {
    return specCalls('event', this.#keep)
  }

  get start(): object {
    return specCalls('task', this.#keep)
  }
}

const noFlush = async () => {}
keepShape(createLease(0, '', noFlush, () => {}))
