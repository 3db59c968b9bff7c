import type { PartialState, StateOf } from 'leasehold'
import { createStore, workerTasks } from 'leasehold'
import type { CounterApp, Maker, RowApp } from '../apps.js'
import type { Container } from '../entries.js'
import { entryOf } from '../entries.js'
import type { BenchTasks } from './bench.worker.js'
import { benchState } from './state.js'

type BenchState = StateOf<typeof benchState>

/** Makes a store as an app would. */
export function createBenchStore(workers = 1, initialState?: PartialState<BenchState>) {
  const tasks = workerTasks<BenchTasks>(
    () => new Worker(new URL('./bench.worker.ts', import.meta.url), { type: 'module' }),
    { size: workers },
  )
  return createStore(benchState, {
    tasks,
    ...(initialState && { initialState }),
    events: {
      countUp(state) {
        state.counter += 1
      },
      writeEntry(state, container: Container, id: number, value: number) {
        entryOf(state, container, id).value = value
      },
    },
  })
}

export const leaseholdRows: Maker<RowApp> = {
  name: 'Leasehold',
  async create({ workers = 1 } = {}) {
    const store = createBenchStore(workers)
    await store.tasks.prepare(0).done
    return {
      rows: () => store.state.rows,
      prepare: (count) => store.tasks.prepare(count).done,
      land: () => store.tasks.land().done,
      operate: (operation) => store.tasks.operate(operation).done,
      churn() {
        const version = store.version
        const runs = Array.from({ length: workers }, (_, first) => store.tasks.churn(first, workers))
        return {
          async stop() {
            for (const run of runs) run.cancel()
            await Promise.allSettled(runs.map((run) => run.done))
            return store.version - version
          },
        }
      },
      dispose: () => store.dispose(),
    }
  },
}

export const leaseholdCounter: Maker<CounterApp> = {
  name: 'Leasehold',
  async create({ workers = 1 } = {}) {
    const store = createBenchStore(workers)
    await Promise.all(Array.from({ length: workers }, () => store.tasks.prepare(0).done))
    return {
      counter: () => store.state.counter,
      roundTrips: (count) => store.tasks.countUp(count).done,
      async contend(tasks, each) {
        await Promise.all(Array.from({ length: tasks }, () => store.tasks.countUp(each).done))
      },
      dispose: () => store.dispose(),
    }
  },
}
