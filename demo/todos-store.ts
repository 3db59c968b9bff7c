import type { TaskSource } from 'leasehold'
import { createStore, defineEvent, read, StorageError, TaskCrashedError, workerTasks } from 'leasehold'
import { persist } from 'leasehold/persist'
import { observable, runInAction } from 'mobx'
import type { Todo } from './todos.js'
import { todosState } from './todos.js'
import type { TodoTasks } from './todos.worker.js'

const inWorker = workerTasks<TodoTasks>(
  () => new Worker(new URL('./todos.worker.ts', import.meta.url), { type: 'module' }),
)

/** What went wrong last, until a commit goes well and storage does. In no state: it is nothing to be stored. */
export const failure = observable.box('')

export function showFailure(message: string): void {
  runInAction(() => failure.set(message))
}

export function createTodos(tasks: TaskSource<TodoTasks> = inWorker) {
  const store = createStore(todosState, {
    persist: persist({ name: 'todos' }),
    tasks,
    events: ({ start }) => ({
      add(state, text: string) {
        state.rows.unshift({ id: state.nextId++, text, done: false })
      },
      // A checkbox is to show at once that it was ticked, though an import holds the lease.
      toggle: defineEvent({ urgent: true, scope: ['rows'] }, (state, id: number) => {
        const row = state.rows[indexOf(state.rows, id)]
        if (row) row.done = !row.done
      }),
      remove: defineEvent({ urgent: true, scope: ['rows'] }, (state, id: number) => {
        const index = indexOf(state.rows, id)
        if (index >= 0) state.rows.splice(index, 1)
      }),
      empty(state) {
        state.rows = []
      },
      startImport(state, total: number) {
        state.imported = 0
        return start.importRows(total)
      },
    }),
    onError(error) {
      if (error instanceof StorageError || error instanceof TaskCrashedError) showFailure(error.message)
      else console.error(error)
    },
  })
  store.onCommit(() => {
    if (store.persist.status !== 'degraded') showFailure('')
  })
  return store
}

function indexOf(rows: readonly Todo[], id: number): number {
  return read(rows, (plain) => plain.findIndex((row) => row.id === id))
}

export const todos = createTodos()
