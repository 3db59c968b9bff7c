/*
 * `task.acquire`: a lease opened out.
 *
 * - It is a lease whose function settles when it is told to; so all that holds of leases holds of it.
 * - Left without a commit it rolls back, at the end of its run at the latest. That something was written is then a mistake more
 *   often than not: a warning says so.
 */

import { LeaseReleasedError } from '../lib/errors.js'
import { asyncDispose } from '../lib/protocol/async-dispose.js'
import type { Lease } from '../lib/protocol/lease.js'
import { warnOnce } from '../lib/state/development.js'
import type { AcquiredLease, LeaseOptions } from './lease.js'
import type { LeaseClient, LeaseRun } from './lease-client.js'

/**
 * See `TaskContext.acquire`.
 * @param open gets the lease, for as long as nobody has ended it
 */
export function acquire(
  leases: LeaseClient,
  run: LeaseRun,
  open: Set<AcquiredLease<object>>,
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
        const end = { commit, rollBack: fail, pending: () => leases.pending(lease.epoch) }
        const acquired = opened(state, lease, over, end, () => open.delete(acquired))
        open.add(acquired)
        resolve(acquired)
      })
    }
    over = leases.lease(run, hold, { ...options, revocable: false })
    over.catch(reject) // without effect once the lease was held: `commit` and the dead draft tell what has ended it
  })
}

interface End {
  commit(): void
  rollBack(error: Error): void
  /** How many mutations a commit would have. */
  pending(): number
}

function opened(
  state: object,
  lease: Lease,
  over: Promise<unknown>,
  end: End,
  onEnd: () => void,
): AcquiredLease<object> {
  let ended = false
  async function rollback(): Promise<void> {
    ended = true
    onEnd()
    end.rollBack(new LeaseReleasedError(`Lease "${lease.name}" was rolled back. Acquire another one to write again.`))
    await over.catch(() => {})
  }
  const { epoch, name, flush, emit, start } = lease
  return Object.freeze({
    epoch,
    name,
    flush,
    emit,
    start,
    state,
    async commit() {
      ended = true
      onEnd()
      end.commit()
      await over
    },
    rollback,
    async [asyncDispose]() {
      if (ended) return
      const lost = dropped(end)
      await rollback()
      if (lost === undefined) return
      warnOnce(
        `Lease "${lease.name}" was left without a commit: ${lost} dropped. Call await lease.commit() before leaving, or lease.rollback() if that is meant.`,
      )
    },
  })
}

/** What a rollback drops, as a warning says it; undefined for nothing. */
function dropped(end: End): string | undefined {
  try {
    const count = end.pending()
    return count === 0 ? undefined : count === 1 ? '1 mutation was' : `${count} mutations were`
  } catch {
    return 'what was written was' // what is no tree any more cannot be counted
  }
}
