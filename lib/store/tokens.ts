/*
 * Tokens: names of the stores of this page, for code that has only the name.
 */

import { UnknownTokenError } from '../errors.js'
import type { Lease, LeaseOptions } from '../protocol/lease.js'
import { Outcome } from './outcome.js'
import type { LeaseRun } from './page-lease.js'
import type { Store } from './store.js'

type AnyStore = Store<object, object, object>

const stores = new Map<string, AnyStore>()

/** A token for a new store. On an insecure origin, where `randomUUID` is missing, it is as random. */
export function createToken(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Makes a store known by its token; one of the same token is disposed of: its module was replaced. */
export function registerStore(store: AnyStore): void {
  void stores.get(store.token)?.dispose()
  stores.set(store.token, store)
}

export function unregisterStore(store: AnyStore): void {
  if (stores.get(store.token) === store) stores.delete(store.token)
}

/**
 * Gives the store of a token.
 * @throws UnknownTokenError that names the token
 */
export function getStore(token: string): AnyStore {
  const store = stores.get(token)
  if (store !== undefined) return store
  const known = [...stores.keys()]
  throw new UnknownTokenError(
    `No store of this page has the token ${JSON.stringify(token)}: it was disposed, or belongs to another tab. ${
      known.length === 0 ? 'There is no store here.' : `Known: ${known.slice(0, 5).join(', ')}.`
    }`,
  )
}

/**
 * Takes a lease on the store of a token, for code that has only the token.
 *
 * @param token `store.token`, or `task.token` on the page's side of a message
 * @param fn gets the draft and the lease, as in `store.lease`
 * @throws UnknownTokenError (awaited) that names the token, and, at once or awaited, whatever `store.lease` throws so
 * @example
 * const line = await (await fetch(url)).text() // outside: nobody waits for the network
 * await modifyState(token, (state: StateOf<typeof quoteState>) => { state.line = line })
 */
export function modifyState<S extends object, R>(
  token: string,
  fn: (state: S, lease: Lease) => R | PromiseLike<R>,
  options?: LeaseOptions,
): LeaseRun<R> {
  let store: ReturnType<typeof getStore>
  try {
    store = getStore(token)
  } catch (error) {
    const outcome = new Outcome<R>((unheard) => console.error(unheard), { kind: 'lease', name: token }) // there is no `onError` to ask
    outcome.reject(error)
    return outcome
  }
  return store.lease(fn as never, options as never) as unknown as LeaseRun<R>
}
