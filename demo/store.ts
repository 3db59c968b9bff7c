import type { TaskSource } from 'leasehold'
import { createStore, workerTasks } from 'leasehold'
import { counterState } from './counter.js'
import type { CounterTasks } from './counter.worker.js'

const inWorker = workerTasks<CounterTasks>(
  () => new Worker(new URL('./counter.worker.ts', import.meta.url), { type: 'module' }),
)

export function createCounter(tasks: TaskSource<CounterTasks> = inWorker) {
  const store = createStore(counterState, {
    tasks,
    events: ({ start }) => ({
      toggleRunning(state) {
        state.running = !state.running
        state.failure = ''
        return state.running ? start.countUp() : undefined // starts after this event has committed
      },
      clearCounter(state) {
        state.counter = 0
      },
      lost(state, message: string) {
        state.running = false
        state._nTasks = 0 // the one worker is gone, and could not clean up
        state.failure = message
      },
    }),
    onError(error, { kind }) {
      console.error(error)
      if (kind === 'task') store.events.lost(error instanceof Error ? error.message : String(error))
    },
  })
  return store
}

export const store = createCounter()
