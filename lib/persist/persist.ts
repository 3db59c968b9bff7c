/*
 * `persist`: how the state of a store is kept beyond its page.
 */

import type { DeepReadonly, Shown } from '../state/define-state.js'
import type { Persistence, StorePersist } from '../store/persistence.js'
import type { PartialState } from '../store/store.js'
import type { AttachOptions } from './attached.js'
import { Attached } from './attached.js'
import { idbStorage } from './idb-storage.js'
import type { StateStorage } from './storage.js'
import type { Surroundings } from './surroundings.js'
import { pageSurroundings } from './surroundings.js'
import type { TabToken } from './tab-token.js'
import { givenToken, takeTabToken } from './tab-token.js'

/** Options of {@link persist}. The names are Zustand's. */
export interface PersistOptions<S extends object> {
  /** Names what is stored. Two stores that are open at once must not share one. */
  readonly name: string
  /** Where to. @default idbStorage() */
  readonly storage?: StateStorage
  /**
   * Picks the fields that are stored: called once with the first state, gives some of its fields as they are. Backend fields and
   * getters never are. @default all
   * @example partialize: (state) => ({ rows: state.rows, settings: { theme: state.settings.theme } })
   */
  partialize?(state: DeepReadonly<Shown<S>>): object
  /** Of what is stored, a whole number: raise it with each change of the state that older records do not fit. @default 0 */
  readonly version?: number
  /**
   * Makes the state of this version of one that an older version has stored. What it gives is checked as any value of a state;
   * it is written with the next commit, and the records from before are kept until the next migration.
   * @param stored the stored fields, plain data of its own that it may change
   * @param version of that state
   * @default an older state is left as it is, and nothing is stored
   */
  migrate?(stored: unknown, version: number): unknown
  /**
   * Puts what is stored into the state. Changes neither of what it is given. A field that it does not give, or gives as it is
   * in `current`, is that of `current`.
   * @default each stored field takes the place of the first one
   */
  merge?(stored: PartialState<Shown<S>>, current: DeepReadonly<Shown<S>>): object | PromiseLike<object>
  /**
   * Called when a hydration is over.
   * @param state as `store.state`
   * @param error why nothing could be read; undefined if it could
   */
  onRehydrate?(state: DeepReadonly<Shown<S>>, error: unknown): void
  /** Milliseconds that a commit waits at most before it is written: what a crash can lose. @default 100 */
  readonly debounce?: number
  /** Whether a write counts as stored once the system has it, or only once the disk has: see IndexedDB. @default 'relaxed' */
  readonly durability?: 'relaxed' | 'strict'
  /**
   * Whether each tab keeps a state of its own, under a token that survives a reload: `store.token`. A duplicated tab gets a
   * token of its own and a copy. Copies of tabs that were not opened for 30 days are deleted.
   *
   * Otherwise the tabs of an origin share what is stored, and one at a time writes. The others follow it, and refuse events
   * and leases with a StorageError. @default false
   */
  readonly tab?: boolean
}

const DEFAULT_DEBOUNCE_MS = 100

/**
 * Keeps the state of a store beyond its page, for the option `persist` of `createStore`.
 *
 * @param options `name`, and how and where to
 * @throws TypeError for a name that is no text or empty, a `version` that is no whole number, or a `debounce` below 0
 * @example
 * const store = createStore(todosState, { persist: persist({ name: 'todos' }) })
 * await store.ready // what was stored is there
 */
export function persist<S extends object>(options: PersistOptions<NoInfer<S>>): Persistence<S, StorePersist> {
  return persistIn(pageSurroundings, options)
}

/** {@link persist}, with everything that it takes from its page. */
export function persistIn<S extends object>(
  surroundings: Surroundings,
  options: PersistOptions<NoInfer<S>>,
): Persistence<S, StorePersist> {
  const { name, version = 0, debounce = DEFAULT_DEBOUNCE_MS } = options
  if (typeof name !== 'string' || name === '') throw new TypeError('persist: name must be a text, and not empty.')
  if (!Number.isSafeInteger(version))
    throw new TypeError(`persist("${name}"): version must be a whole number, got ${version}.`)
  if (!(debounce >= 0))
    throw new TypeError(`persist("${name}"): debounce must be milliseconds from 0 up, got ${debounce}.`)
  const { storage = idbStorage(), durability = 'relaxed', partialize, migrate, merge, onRehydrate } = options
  const functions = { partialize, migrate, merge, onRehydrate } as Pick<
    AttachOptions,
    'partialize' | 'migrate' | 'merge' | 'onRehydrate'
  > // the state exists in types alone
  let tab: TabToken | undefined
  const token = (): string => {
    tab = takeTabToken(name, surroundings)
    return tab.token
  }
  const rest = { debounceMs: debounce, durability, surroundings, ...functions }
  return {
    ...(options.tab === true && { token }),
    attach: (host) =>
      new Attached(host, {
        name,
        storage,
        version,
        ...rest,
        tab: options.tab === true ? (tab ?? givenToken(host.token)) : undefined,
      }),
  }
}
