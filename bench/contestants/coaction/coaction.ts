/*
 * coaction: the state lives in the worker, and the page has a copy that follows by patches.
 */
import { create } from 'coaction'
import type { CounterApp, Maker, RowApp } from '../apps.js'
import type { CoactionState } from './store.js'
import { defineRows } from './store.js'

const WORKER_OWNS = 'no MobX; the state lives in the worker, so the page changes nothing at once'

async function createClient() {
  const worker = new Worker(new URL('./coaction.worker.ts', import.meta.url), { type: 'module' })
  const store = create<CoactionState>(defineRows, { worker })
  const state = () => store.getState()
  await state().prepare(0)
  const dispose = () => {
    store.destroy()
    worker.terminate()
  }
  return { store, state, dispose }
}

export const coactionRows: Maker<RowApp> = {
  name: 'coaction',
  lacks: WORKER_OWNS,
  async create() {
    const { store, state, dispose } = await createClient()
    return {
      rows: () => state().rows,
      subscribe: (listener) => store.subscribe(listener),
      prepare: (count) => state().prepare(count),
      land: () => state().land(),
      operate: (operation) => state().operate(operation),
      dispose,
    }
  },
}

export const coactionCounter: Maker<CounterApp> = {
  name: 'coaction, one call each',
  lacks: `${WORKER_OWNS}; one call does it all, in one worker`,
  async create() {
    const { state, dispose } = await createClient()
    async function countUp(times: number) {
      const start = performance.now()
      for (let count = 0; count < times; count += 1) await state().countUp()
      return ((performance.now() - start) * 1000) / times
    }
    return {
      counter: () => state().counter,
      roundTrips: countUp,
      async contend(tasks, each) {
        await Promise.all(Array.from({ length: tasks }, () => countUp(each)))
      },
      dispose,
    }
  },
}
