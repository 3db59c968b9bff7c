/*
 * `holdLease`: makes contention.
 *
 * - When its promise resolves the lease is held, and whatever else wants to write waits until it is released.
 * - It writes nothing.
 */

import { asyncDispose } from '../protocol/async-dispose.js'
import type { LeaseOptions } from '../protocol/lease.js'
import type { LeaseRun } from '../store/page-lease.js'

/** What `holdLease` needs of a store. */
export interface LeasableStore {
  lease<R>(
    fn: () => R | PromiseLike<R>,
    options?: LeaseOptions & { readonly ifAvailable?: false },
  ): Pick<LeaseRun<R>, 'then'>
}

/** Options of {@link holdLease}. */
export interface HoldLeaseOptions {
  /** Milliseconds, of real time, for which it may be held; a lower bound. @default the store's `lease.ttl` */
  readonly ttl?: number
  /** Milliseconds to wait for it at most. @default no limit */
  readonly timeout?: number
  /** Shown in the line. @default 'holdLease' */
  readonly name?: string
}

/** A lease that is held until it is released. */
export interface HeldLease {
  /**
   * Lets the others go on. Events that were waiting have run when the promise resolves.
   * @throws LeaseExpiredError (awaited) if it was held for longer than its `ttl`
   */
  release(): Promise<void>
  [asyncDispose](): Promise<void>
}

/**
 * Takes the lease and keeps it, to see what an app does meanwhile.
 *
 * @param store the store
 * @param options times in milliseconds
 * @throws LeaseTimeoutError, StoreDisposedError (awaited) if it was not to be had
 * @example
 * const held = await holdLease(store)
 * fireEvent.change(input, { target: { value: 'typed' } }) // its event waits
 * expect(input.value).toBe('typed')
 * await held.release()
 */
export function holdLease(store: LeasableStore, options: HoldLeaseOptions = {}): Promise<HeldLease> {
  let letGo = () => {}
  const released = new Promise<void>((resolve) => {
    letGo = resolve
  })
  return new Promise((resolve, reject) => {
    const hold = (): Promise<void> => {
      queueMicrotask(() => resolve(held)) // the line may be free: then `held` is not there yet
      return released
    }
    const over = Promise.resolve(store.lease(hold, { name: 'holdLease', ...options }))
    over.catch(reject)
    const release = (): Promise<void> => {
      letGo()
      return over
    }
    const held = { release, [asyncDispose]: release }
  })
}
