/*
 * Ways to keep rows beyond their page, in IndexedDB.
 */

import { createStore as createKeyval, del, get, set, setMany, values } from 'idb-keyval'
import { createStore, defineState } from 'leasehold'
import { idbStorage, persist } from 'leasehold/persist'
import type { PersistStorage, StateStorage } from 'zustand/middleware'
import { createJSONStorage, persist as persistZustand } from 'zustand/middleware'
import { createStore as createZustand } from 'zustand/vanilla'
import type { Row } from './rows.js'

/** Rows that are kept. */
export interface Keeper {
  /** Changes the price of one row; resolves when it is stored. */
  change(index: number, price: number): PromiseLike<unknown>
  /** Reads what is stored, as the next page would. The last thing that is asked of it. */
  readBack(): Promise<readonly Row[]>
  dispose(): void | Promise<void>
}

export interface KeeperMaker {
  readonly name: string
  readonly lacks?: string
  /** Stores rows under a name that nobody else has. */
  keep(name: string, rows: readonly Row[]): Promise<Keeper>
}

const keptState = defineState('kept', () => ({ rows: [] as Row[] }))

const leaseholdKeeper: KeeperMaker = {
  name: 'Leasehold',
  async keep(name, rows) {
    const open = () =>
      createStore(keptState, {
        persist: persist({ name, storage: idbStorage({ databaseName: 'bench' }) }),
        events: {
          fill(state, all: readonly Row[]) {
            state.rows = [...all]
          },
          write(state, index: number, price: number) {
            const row = state.rows[index]
            if (row) row.price = price
          },
        },
      })
    const store = open()
    await store.ready
    await store.events.fill(rows)
    await store.persist.flush()
    return {
      change(index, price) {
        store.events.write(index, price)
        return store.persist.flush()
      },
      async readBack() {
        await store.dispose()
        const next = open()
        await next.ready
        const read = next.snapshot().rows
        await next.dispose()
        return read
      },
      dispose: () => store.dispose(),
    }
  },
}

interface KeptRows {
  readonly rows: readonly Row[]
}

/** A storage of Zustand's `persist` over idb-keyval, by the example of its documentation. */
const textStorage: StateStorage<Promise<void>> = {
  getItem: async (name) => (await get<string>(name)) ?? null,
  setItem: (name, value) => set(name, value),
  removeItem: (name) => del(name),
}

/** The same without JSON: IndexedDB clones what it is given. */
const cloningStorage: PersistStorage<KeptRows, Promise<void>> = {
  getItem: async (name) => (await get(name)) ?? null,
  setItem: (name, value) => set(name, value),
  removeItem: (name) => del(name),
}

function zustandKeeper(name: string, storage: PersistStorage<KeptRows, unknown> | undefined): KeeperMaker {
  return {
    name,
    lacks:
      'all is written at each change, and of several changes each writes all; what is changed before hydration has ended is lost; the tab that writes last wins',
    async keep(key, rows) {
      const open = () =>
        createZustand<KeptRows>()(
          persistZustand((): KeptRows => ({ rows: [] }), { name: key, storage, skipHydration: true }),
        )
      const store = open()
      await store.setState({ rows })
      return {
        change: async (index, price) =>
          // What it gives is what `setItem` has given, which its type does not say.
          store.setState(({ rows: before }) => ({
            rows: before.map((row, at) => (at === index ? { ...row, price } : row)),
          })) as unknown as Promise<void>,
        async readBack() {
          const next = open()
          await next.persist.rehydrate()
          return next.getState().rows
        },
        dispose() {},
      }
    },
  }
}

const floorKeeper: KeeperMaker = {
  name: 'floor: idb-keyval, a record for each row',
  lacks: 'no store: the caller says which row has changed; one field of records alone; rows cannot move',
  async keep(name, rows) {
    const records = createKeyval(name, 'rows')
    await setMany(
      rows.map((row, index) => [index, row]),
      records,
    )
    return {
      change: (index, price) => set(index, { ...(rows[index] as Row), price }, records),
      readBack: () => values<Row>(records),
      dispose() {},
    }
  },
}

export const ZUSTAND_KEEPER = 'Zustand persist on idb-keyval'

export const keepers: readonly KeeperMaker[] = [
  leaseholdKeeper,
  floorKeeper,
  zustandKeeper(
    ZUSTAND_KEEPER,
    createJSONStorage<KeptRows>(() => textStorage),
  ),
  zustandKeeper(`${ZUSTAND_KEEPER}, without JSON`, cloningStorage),
]
