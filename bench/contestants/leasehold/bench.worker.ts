import '../../harness/count-in-worker.js'
import { serveTasks } from 'leasehold/worker'
import type { Container } from '../entries.js'
import { entryOf } from '../entries.js'
import type { Operation, Row } from '../rows.js'
import { makeRows, operate } from '../rows.js'
import { benchState } from './state.js'

let prepared: Row[] = []

const benchTasks = serveTasks(benchState, {
  /** Counts up so many times, a lease each, and gives the microseconds of one. */
  async countUp(task, times: number) {
    const start = performance.now()
    for (let count = 0; count < times; count += 1) {
      await task.lease((state) => {
        state.counter += 1
      })
    }
    return ((performance.now() - start) * 1000) / times
  },

  async prepare(_task, count: number) {
    prepared = makeRows(count)
  },

  async land(task) {
    await task.lease((state) => {
      state.rows = prepared
    })
  },

  async operate(task, operation: Operation) {
    await task.lease((state) => operate(state, operation))
  },

  /** Writes one entry after the other, a lease each, and gives the microseconds of one. */
  async writeEntries(task, container: Container, size: number, times: number, value: number) {
    const start = performance.now()
    for (let count = 0; count < times; count += 1) {
      await task.lease((state) => {
        entryOf(state, container, (count * 37) % size).value = value
      })
    }
    return ((performance.now() - start) * 1000) / times
  },

  /** Changes rows without pause, until it is cancelled. */
  async churn(task, first: number, step: number) {
    for (let index = first; ; index += step) {
      await task.lease((state) => {
        const row = state.rows[index % state.rows.length]
        if (row) row.price += 1
      })
    }
  },

  /** Says how many rows this worker sees. */
  async see(task) {
    await task.refresh()
    return task.snapshot().rows.length
  },
})
export type BenchTasks = typeof benchTasks
export default benchTasks
