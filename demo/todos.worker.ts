import { defineTask, serveTasks } from 'leasehold/worker'
import type { Todo } from './todos.js'
import { todosState } from './todos.js'

const ROWS_PER_LEASE = 4_000
/** What a server would take for the next part of them. */
const PAUSE_MS = 60

const todoTasks = serveTasks(todosState, {
  /**
   * Adds so many rows, some thousand in each lease. The state says how far it has come, so a run that a reload cut short adds
   * none twice.
   */
  importRows: defineTask({ resume: true, concurrency: 'drop' }, async (task, total: number) => {
    const label = task.attempt > 1 ? `attempt ${task.attempt}` : undefined
    while (true) {
      const imported = await task.lease(
        (state) => {
          const count = Math.min(ROWS_PER_LEASE, total - state.imported)
          state.rows.push(...makeTodos(state.imported, count, state.nextId))
          state.nextId += count
          state.imported += count
          return state.imported
        },
        { scope: ['rows', 'nextId', 'imported'] },
      )
      task.progress(imported, total, label)
      if (imported === total) return
      await task.sleep(PAUSE_MS)
    }
  }),
})
export type TodoTasks = typeof todoTasks
export default todoTasks

function makeTodos(first: number, count: number, firstId: number): Todo[] {
  return Array.from({ length: count }, (_, index) => ({
    id: firstId + index,
    text: `Imported row ${first + index + 1}`,
    done: (first + index) % 3 === 0,
  }))
}
