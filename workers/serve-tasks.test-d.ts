import { defineState } from '../lib/state/define-state.js'
import type { TaskContext, Tasks } from './index.js'
import { defineTask, serveTasks, transfer } from './index.js'

type Row = { id: number; name: string }
interface CounterEvents {
  clear(): void
  addRow(row: Row, at?: number): void
}
interface CounterWork {
  countUp(): void
  importRows(url: string, limit?: number): void
  search(query: string): void
}
const counterState = defineState('counter', () => ({
  counter: 0,
  rows: [] as Row[],
  byId: new Map<string, Row>(),
  _hidden: 0,
  get double() {
    return this.counter * 2
  },
}))
  .withEvents<CounterEvents>()
  .withTasks<CounterWork>()

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
  search: defineTask({ concurrency: 'restartable' }, async (task, query: string) => {
    await task.lease((state) => {
      state.counter = query.length
      // @ts-expect-error no such field
      state.nope = 1
    })
    await task.emit.addRow({ id: 1, name: query })
    await task.start.search(query)
    return query.length
  }),
  follow: defineTask({ concurrency: 'enqueue', maxConcurrency: 2 }, async function* (task, count: number) {
    for (let i = 0; i < count; i++) yield task.emit.spec.clear()
    return 'followed'
  }),
  async *stream(task, n: number) {
    yield n
    yield [task.start.spec.importRows('x'), [task.emit.spec.clear()]]
    return 'done'
  },
  async send(task) {
    const sent: Promise<void> = task.emit.addRow({ id: 1, name: 'x' }, 2)
    await sent
    await task.start.importRows('x', 3)
    await task.lease((_state, lease) => {
      lease.emit.addRow({ id: 1, name: 'x' })
      lease.start.importRows('x')
      // @ts-expect-error no such event
      lease.emit.nope()
      // @ts-expect-error wrong argument
      lease.start.importRows(1)
    })
    // @ts-expect-error no such event
    await task.emit.nope()
    // @ts-expect-error wrong argument
    await task.emit.addRow('x')
    // @ts-expect-error no such event
    task.emit.spec.nope()
    // @ts-expect-error no such task
    await task.start.nope()
    // @ts-expect-error it is served, but not of the contract
    await task.start.stream(1)
    // @ts-expect-error wrong argument
    await task.start.importRows()
    // @ts-expect-error wrong argument
    task.start.spec.importRows(1)
  },
  async decode(_task, pixels: Uint8Array<ArrayBuffer>) {
    return transfer({ pixels }, [pixels.buffer])
  },
})

// What a page takes from it: arguments and results.
type Served = typeof served extends Tasks<infer _S, infer _E, infer T> ? T : never
const countUp: (task: never) => Promise<number> = served.tasks.countUp
const args: Parameters<Served['importRows']> extends [task: infer _C, url: string, limit?: number | undefined]
  ? true
  : false = true
const result: Awaited<ReturnType<Served['importRows']>> = { url: '', limit: undefined }
const searched: (task: never, query: string) => Promise<number> = served.tasks.search
const followed: (task: never, count: number) => AsyncGenerator<unknown, string> = served.tasks.follow
const context = (task: Parameters<Served['countUp']>[0]): TaskContext<{ readonly counter: number }> | boolean =>
  task.state.rows.length > 0
const asAny: Tasks = served

export { args, asAny, context, countUp, followed, result, searched }

// The order of the contracts does not matter, and neither has to be there.
const onlyTasks = defineState('a', () => ({ a: 1 })).withTasks<{ one(n: number): void }>()
serveTasks(onlyTasks.withEvents<CounterEvents>(), {
  async one(task, n) {
    await task.emit.clear()
    await task.start.one(n)
  },
})
// A task of the contract may take less, and more that is optional.
serveTasks(onlyTasks, {
  async one() {},
  async two(_task, n: number) {
    return n
  },
})
serveTasks(onlyTasks, { async one(_task, _n: number, _more?: string) {} })
serveTasks(onlyTasks, { one: defineTask({ concurrency: 'drop' }, async (_task, n: number) => n) })
// @ts-expect-error a task of the contract is missing
serveTasks(onlyTasks, { async two() {} })
// @ts-expect-error it takes other arguments
serveTasks(onlyTasks, { async one(_task, _text: string) {} })
// @ts-expect-error it needs more than the contract gives
serveTasks(onlyTasks, { async one(_task, _n: number, _more: string) {} })
// @ts-expect-error it takes other arguments, with options too
serveTasks(onlyTasks, { one: defineTask({ concurrency: 'drop' }, async (_task, _text: string) => {}) })

const plainState = defineState('plain', () => ({ a: 1 }))
serveTasks(plainState, {
  async none(task) {
    // @ts-expect-error it has no events
    await task.emit.clear()
    // @ts-expect-error it has no tasks
    await task.start.none()
  },
})

// @ts-expect-error a sync function
serveTasks(counterState, { wrong: () => 1 })
// @ts-expect-error the state is another one
serveTasks(plainState, { wrong: async (task: TaskContext<{ other: string }>) => task.state.other })
// @ts-expect-error no such mode
defineTask({ concurrency: 'once' }, async () => {})
// @ts-expect-error no such option
defineTask({ concurency: 'drop' }, async () => {})
// @ts-expect-error a sync function
defineTask({ concurrency: 'drop' }, () => 1)
// @ts-expect-error a primitive has nothing to transfer
transfer(1, [])
