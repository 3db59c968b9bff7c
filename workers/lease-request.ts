import type { LeaseRequestPayload } from '../lib/protocol/messages.js'
import { assertLeaseRequest, MAX_NAME } from '../lib/protocol/validate.js'
import type { LeaseOptions, ScopedLeaseOptions } from './lease.js'

/**
 * What a worker asks the page for.
 * @param title the name of a lease that is given none
 * @throws TypeError that names the bad option
 */
export function toLeaseRequest(
  title: string,
  { name = title, ttl, ifAvailable = false, timeout, scope, revocable = true }: LeaseOptions | ScopedLeaseOptions,
): LeaseRequestPayload {
  const request: LeaseRequestPayload = {
    name: typeof name === 'string' ? name.slice(0, MAX_NAME) : name,
    ...(ttl !== undefined && { ttl }),
    ...(ifAvailable !== false && { ifAvailable }),
    ...(timeout !== undefined && timeout !== Number.POSITIVE_INFINITY && { timeout }),
    ...(scope !== undefined && { scope: Array.isArray(scope) ? [...scope] : scope }),
    ...(revocable !== true && { revocable }),
  }
  assertLeaseRequest(request)
  return request
}
