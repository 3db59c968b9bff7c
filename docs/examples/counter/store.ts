// store.ts: the store, on the page. A function, so that a test can hand it other tasks.
import type { TaskSource } from 'leasehold'
import { createStore, workerTasks } from 'leasehold'
import { counterState } from './counter'
import type { CounterTasks } from './counter.worker'

const inWorker = workerTasks<CounterTasks>(
  () => new Worker(new URL('./counter.worker.ts', import.meta.url), { type: 'module' }),
)

export const createCounter = (tasks: TaskSource<CounterTasks> = inWorker) =>
  createStore(counterState, {
    tasks,
    events: ({ start }) => ({
      toggleRunning(state) {
        state.running = !state.running
        return state.running ? start.countUp() : undefined // returned, not called: starts after this event has committed
      },
      clearCounter(state) {
        state.counter = 0
      },
    }),
  })

export const store = createCounter()
