/*
 * Events with options.
 */

import type { Handler } from './handlers.js'

/** Options of {@link defineEvent}. */
export interface EventOptions {
  /**
   * Takes leases back that stand between the event and its turn, if they let it (`revocable`), so that it runs inside the
   * call. For what a user does with the keyboard or the pointer. @default false
   */
  readonly urgent?: boolean
  /** The top-level fields and substates that the handler reads and writes: its draft has no others. @default all */
  readonly scope?: readonly string[]
  /** Milliseconds that an async handler may hold its lease; a lower bound. @default the store's `lease.ttl` */
  readonly ttl?: number
}

const optionsByHandler = new WeakMap<object, EventOptions>()

/**
 * Gives an event handler options: for the `events` of `createStore`. Where the state declares its events by `withEvents`, an
 * event besides those has to say the type of its state: `(state: StateOf<typeof counterState>, query: string) => …`.
 *
 * @param options `urgent`, `scope`, and `ttl` in milliseconds
 * @param handler as any other: sync, async, generator or async generator of `(state, ...args)`
 * @throws TypeError for a handler that is no function, or a `ttl` that is no number of milliseconds above 0. Names in `scope`
 *   are checked when the store is made
 * @example
 * events: {
 *   setQuery: defineEvent({ urgent: true, scope: ['query'] }, (state, query: string) => {
 *     state.query = query
 *   }),
 * }
 */
export function defineEvent<S extends object, const K extends readonly (keyof S & string)[], A extends unknown[], R>(
  options: EventOptions & { readonly scope: K },
  handler: (state: Pick<S, K[number]>, ...args: A) => R,
): (state: S, ...args: A) => R
export function defineEvent<S extends object, A extends unknown[], R>(
  options: EventOptions & { readonly scope?: undefined },
  handler: (state: S, ...args: A) => R,
): (state: S, ...args: A) => R
export function defineEvent(options: EventOptions, handler: Handler<never>): Handler<never> {
  if (typeof handler !== 'function')
    throw new TypeError('defineEvent(options, handler): the handler must be a function.')
  const { ttl } = options
  if (ttl !== undefined && !(ttl > 0)) {
    throw new TypeError('defineEvent: ttl must be a number of milliseconds above 0.')
  }
  const own = handler.bind(undefined) // one function may be an event twice, with other options
  optionsByHandler.set(own, { ...options })
  return own
}

/** The options that a handler was given. */
export function optionsOf(handler: object): EventOptions {
  return optionsByHandler.get(handler) ?? {}
}
