/*
 * `task.acquire`: a lease opened out.
 *
 * - It is a lease whose function settles when it is told to; so all that holds of leases holds of it.
 * - Left without a commit it rolls back. That something was written is then a mistake more often than not: a warning says so.
 */

import { asyncDispose } from '../lib/protocol/async-dispose.js'
import { warnOnce } from '../lib/state/development.js'
import type { AcquiredLease, Lease, LeaseOptions } from './lease.js'
import type { LeaseClient, LeaseRun } from './lease-client.js'

/** What the function of an acquired lease ends with when it is rolled back. */
const rolledBack = new Error('The lease was rolled back.')

/** See `TaskContext.acquire`. */
export function acquire(
  leases: LeaseClient,
  run: LeaseRun,
  options: LeaseOptions = {},
): Promise<AcquiredLease<object> | null> {
  return new Promise((resolve, reject) => {
    let over: Promise<unknown> = Promise.resolve()
    const hold = (state: object | null, lease: Lease | null): Promise<void> | undefined => {
      if (state === null || lease === null) {
        resolve(null)
        return undefined
      }
      return new Promise((commit, fail) => {
        const end = { commit, rollBack: () => fail(rolledBack), pending: () => leases.pending(lease.epoch) }
        resolve(opened(state, lease, over, end))
      })
    }
    over = leases.lease(run, hold, { ...options, revocable: false })
    over.catch(reject) // without effect once the lease was held: `commit` and the dead draft tell what has ended it
  })
}

interface End {
  commit(): void
  rollBack(): void
  /** How many mutations a commit would have. */
  pending(): number
}

function opened(state: object, lease: Lease, over: Promise<unknown>, end: End): AcquiredLease<object> {
  let ended = false
  async function rollback(): Promise<void> {
    ended = true
    end.rollBack()
    await over.catch(() => {})
  }
  return Object.freeze({
    ...lease,
    state,
    async commit() {
      ended = true
      end.commit()
      await over
    },
    rollback,
    async [asyncDispose]() {
      if (ended) return
      const lost = end.pending()
      if (lost > 0) {
        warnOnce(
          `Lease "${lease.name}" was left without a commit: ${lost} ${lost === 1 ? 'mutation was' : 'mutations were'} dropped. Call await lease.commit() before leaving, or lease.rollback() if that is meant.`,
        )
      }
      await rollback()
    },
  })
}
