import type { TaskSource } from 'leasehold'
import { createStore, TaskCrashedError, workerTasks } from 'leasehold'
import { writersState } from './writers.js'
import type { WriterTasks } from './writers.worker.js'

const inWorker = workerTasks<WriterTasks>(
  () => new Worker(new URL('./writers.worker.ts', import.meta.url), { type: 'module' }),
)

export function createWriters(tasks: TaskSource<WriterTasks> = inWorker) {
  const store = createStore(writersState, {
    tasks,
    events: ({ start }) => ({
      startWriter(state, onlyWhatItWrites: boolean) {
        state.failure = ''
        return start.write(onlyWhatItWrites)
      },
      lost(state, message: string) {
        state.failure = message
      },
    }),
    onError(error) {
      if (error instanceof TaskCrashedError) store.events.lost(error.message)
      else console.error(error)
    },
  })
  return store
}

export const writers = createWriters()
