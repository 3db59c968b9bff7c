import type { StorePersist } from 'leasehold'
import { createStore, defineState } from 'leasehold'
import type { StateStorage } from 'leasehold/persist'
import { persist } from 'leasehold/persist'

const settingsState = defineState('settings', () => ({ theme: 'light' }))
const state = defineState(
  'todos',
  () => ({
    rows: [] as { id: number }[],
    filter: '',
    _drafts: 0,
    get count() {
      return this.rows.length
    },
  }),
  { substates: [settingsState] },
)

// The state's type comes from the store, with and without events that depend on it, too.
const store = createStore(state, {
  persist: persist({
    name: 'todos',
    partialize: ({ rows, settings }) => ({ rows, settings: { theme: settings.theme } }),
    merge: (stored, current) => ({ rows: stored.rows ?? current.rows, filter: current.filter.trim() }),
    migrate: (stored, version) => ({ ...(stored as object), filter: String(version) }),
    onRehydrate: ({ rows }, error) => console.info(rows.length, error),
  }),
  events: ({ start }) => ({
    add(draft, id: number) {
      draft.rows.push({ id })
      void start
    },
  }),
})
export const status: 'hydrating' | 'ready' | 'writing' | 'degraded' | 'follower' = store.persist.status
export const flushed: Promise<void> = store.persist.flush()
export const api: StorePersist = store.persist
store.events.add(1)

declare const storage: StateStorage
createStore(settingsState, { persist: persist({ name: 'settings', storage, durability: 'strict' }) }).persist.clear()

createStore(state, {
  persist: persist({
    name: 'todos',
    // @ts-expect-error there is no such field
    partialize: ({ row }) => ({ row }),
  }),
})
createStore(state, {
  persist: persist({
    name: 'todos',
    // @ts-expect-error backend fields are not stored
    partialize: ({ _drafts }) => ({ _drafts }),
  }),
})
// @ts-expect-error a name is needed
persist({ storage })
// @ts-expect-error no such durability
persist({ name: 'a', durability: 'eventually' })

// @ts-expect-error it does not persist
createStore(state).persist.flush()
