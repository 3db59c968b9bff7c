import type { TaskSource } from 'leasehold'
import { createStore, workerTasks } from 'leasehold'
import { counterState } from './counter.js'
import type { CounterTasks } from './counter.worker.js'

const inWorker = workerTasks<CounterTasks>(
  () => new Worker(new URL('./counter.worker.ts', import.meta.url), { type: 'module' }),
)

export const createCounter = (tasks: TaskSource<CounterTasks> = inWorker) =>
  createStore(counterState, {
    tasks,
    events: ({ start }) => ({
      toggleRunning(state) {
        state.running = !state.running
        return state.running ? start.countUp() : undefined // starts after this event has committed
      },
      clearCounter(state) {
        state.counter = 0
      },
    }),
  })

export const store = createCounter()
