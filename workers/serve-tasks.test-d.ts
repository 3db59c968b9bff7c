import { defineState } from '../lib/state/define-state.js'
import type { TaskContext, Tasks } from './index.js'
import { serveTasks } from './index.js'

type Row = { id: number; name: string }
interface CounterEvents {
  clear(): void
}
const counterState = defineState('counter', () => ({
  counter: 0,
  rows: [] as Row[],
  byId: new Map<string, Row>(),
  _hidden: 0,
  get double() {
    return this.counter * 2
  },
})).withEvents<CounterEvents>()

const served = serveTasks(counterState, {
  async countUp(task) {
    const sum: number = await task.lease((state) => {
      state._hidden += 1
      state.rows.push({ id: 1, name: 'x' })
      // @ts-expect-error a getter has no setter
      state.double = 1
      // @ts-expect-error no such field
      state.nope = 1
      return state.counter
    })
    const later: string = await task.lease(async (state, lease) => `${state.counter}${lease.epoch}`, { ttl: 100 })
    // @ts-expect-error with ifAvailable there may be no state
    await task.lease((state) => state.counter, { ifAvailable: true })
    await task.lease((state, lease) => (state && lease ? state.counter : undefined), { ifAvailable: true })
    // @ts-expect-error read-only
    task.state.counter = 1
    // @ts-expect-error deep read-only
    task.state.rows.push({ id: 1, name: '' })
    // @ts-expect-error deep read-only
    task.snapshot().byId.set('a', { id: 1, name: '' })
    // @ts-expect-error no such option
    await task.lease(() => {}, { scoped: true })
    return sum + later.length + task.state._hidden
  },
  async importRows(task, url: string, limit?: number) {
    await task.sleep(1)
    return { url, limit }
  },
  async *stream(_task, n: number) {
    yield n
    return 'done'
  },
})

// What a page takes from it: arguments and results.
type Served = typeof served extends Tasks<infer _S, infer _E, infer T> ? T : never
const countUp: (task: never) => Promise<number> = served.tasks.countUp
const args: Parameters<Served['importRows']> extends [task: infer _C, url: string, limit?: number | undefined]
  ? true
  : false = true
const result: Awaited<ReturnType<Served['importRows']>> = { url: '', limit: undefined }
const context = (task: Parameters<Served['countUp']>[0]): TaskContext<{ readonly counter: number }> | boolean =>
  task.state.rows.length > 0
const asAny: Tasks = served

export { args, asAny, context, countUp, result }

// @ts-expect-error a sync function
serveTasks(counterState, { wrong: () => 1 })
// @ts-expect-error the state is another one
serveTasks(counterState, { wrong: async (task: TaskContext<{ other: string }>) => task.state.other })
