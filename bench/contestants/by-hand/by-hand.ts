/*
 * Comlink and MobX, put together by hand. Once with deep observables, as `observable` makes them, and once with plain rows
 * behind a reference, as MobX's documentation advises for large data that is replaced as one.
 */
import { makeAutoObservable, makeObservable, observable, observableRef, runInAction } from 'mobx'
import type { CounterApp, Maker, RowApp } from '../apps.js'
import { NO_LEASE, OWNS_COPY } from '../apps.js'
import { connectWorkers } from '../connect-workers.js'
import { Lock } from '../lock.js'
import type { Row } from '../rows.js'
import { makeRows, operate } from '../rows.js'
import type { ByHand, ByHandPage, Change } from './by-hand.worker.js'

interface RowStore {
  rows: Row[]
  follow(change: Change): void
  addToPrice(index: number): void
}

class DeepRows implements RowStore {
  rows: Row[] = []

  constructor() {
    makeAutoObservable(this)
  }

  follow(change: Change): void {
    if (change.type === 'rows') this.rows = change.rows
    else if (change.type === 'price') this.#write(change.index, change.price)
    else for (const [index, price] of change.prices.entries()) this.#write(index, price)
  }

  addToPrice(index: number): void {
    const row = this.rows[index % this.rows.length]
    if (row) row.price += 1
  }

  #write(index: number, price: number): void {
    const row = this.rows[index]
    if (row) row.price = price
  }
}

class ReferencedRows implements RowStore {
  rows: Row[] = []

  constructor() {
    makeObservable(this, { rows: observableRef })
  }

  follow(change: Change): void {
    if (change.type === 'rows') this.rows = change.rows
    else if (change.type === 'price') this.#replace(change.index, change.price)
    else this.rows = this.rows.map((row, index) => ({ ...row, price: change.prices[index] ?? row.price }))
  }

  addToPrice(index: number): void {
    const at = index % this.rows.length
    this.#replace(at, (this.rows[at]?.price ?? 0) + 1)
  }

  #replace(index: number, price: number): void {
    this.rows = this.rows.map((row, at) => (at === index ? { ...row, price } : row))
  }
}

const startWorker = () => new Worker(new URL('./by-hand.worker.ts', import.meta.url), { type: 'module' })
const startWorkers = (size: number, page: ByHandPage) => connectWorkers<ByHand>(size, startWorker, page)

function rowsBy(name: string, make: () => RowStore): Maker<RowApp> {
  return {
    name,
    lacks: OWNS_COPY,
    async create({ workers: size = 1 } = {}) {
      const store = make()
      const { remotes, remoteOf, terminate } = await startWorkers(size, {
        lock: () => Promise.resolve(0),
        unlock: () => {},
        addToPrice: (index) => runInAction(() => store.addToPrice(index)),
      })
      return {
        rows: () => store.rows,
        prepare: (count) => remoteOf(0).prepare(count),
        async land() {
          const rows = await remoteOf(0).rows()
          runInAction(() => store.follow({ type: 'rows', rows }))
        },
        async operate(operation) {
          const change = await remoteOf(0).operate(operation)
          runInAction(() => store.follow(change))
        },
        churn() {
          const runs = remotes.map((remote, first) => remote.churn(first, size))
          return {
            async stop() {
              await Promise.all(remotes.map((remote) => remote.endChurn()))
              return (await Promise.all(runs)).reduce((sum, changes) => sum + changes, 0)
            },
          }
        },
        dispose: terminate,
      }
    },
  }
}

export const deepRows = rowsBy('Comlink + MobX deep, by hand', () => new DeepRows())
export const referencedRows = rowsBy('Comlink + MobX observable.ref, by hand', () => new ReferencedRows())

export const byHandCounter: Maker<CounterApp> = {
  name: 'Comlink + MobX, a lock by hand',
  lacks: 'a worker that dies keeps the lock; no roll-back, no fencing, no expiry',
  async create({ workers: size = 1 } = {}) {
    const state = observable({ counter: 0 })
    const lock = new Lock()
    const { remoteOf, terminate } = await startWorkers(size, {
      async lock() {
        await lock.take()
        return state.counter
      },
      unlock(counter) {
        runInAction(() => {
          state.counter = counter
        })
        lock.give()
      },
      addToPrice: () => {},
    })
    return {
      counter: () => state.counter,
      roundTrips: (count) => remoteOf(0).countUp(count),
      async contend(tasks, each) {
        await Promise.all(Array.from({ length: tasks }, (_, index) => remoteOf(index).countUp(each)))
      },
      dispose: terminate,
    }
  },
}

/** MobX on the page and no worker at all: what deep observables cost, without the way to them. */
export const mobxAloneRows: Maker<RowApp> = {
  name: 'MobX alone on the page, no worker',
  lacks: `no worker: the page computes. ${NO_LEASE}`,
  async create() {
    const store = new DeepRows()
    let prepared: Row[] = []
    return {
      rows: () => store.rows,
      async prepare(count) {
        prepared = makeRows(count)
      },
      async land() {
        runInAction(() => store.follow({ type: 'rows', rows: prepared }))
      },
      async operate(operation) {
        runInAction(() => operate(store, operation))
      },
      dispose: () => {},
    }
  },
}
