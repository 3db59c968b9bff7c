/*
 * What must compile for users of the page, and what must not.
 */

import type { ReadonlyState, StateOf, TaskSource } from 'leasehold'
import { createStore, defineEvent, defineState, getSubstate, modifyState, transfer, workerTasks } from 'leasehold'
import { defineTask, serveTasks } from 'leasehold/worker'

interface Row {
  id: number
  name: string
}

interface CounterEvents {
  clearCounter(): void
  addRow(row: Row): void
}

const settings = defineState('settings', () => ({ theme: 'light', _secret: 1 }))

const counterState = defineState(
  'counter',
  () => ({
    counter: 0,
    maxCounter: 10,
    _nTasks: 0,
    rows: [] as Row[],
    byId: new Map<string, Row>(),
    get progress() {
      return this.counter / this.maxCounter
    },
  }),
  { substates: [settings] },
).withEvents<CounterEvents>()

const counterTasks = serveTasks(counterState, {
  async countUp(task) {
    await task.lease((state) => {
      state._nTasks += 1
    })
  },
  async importCsv(task, url: string, limit?: number) {
    await task.sleep(1)
    return { url, limit: limit ?? 0 }
  },
  async *stream(_task, n: number) {
    for (let i = 0; i < n; i++) yield
    return 'done'
  },
  search: defineTask({ concurrency: 'restartable' }, async (task, query: string) => {
    await task.emit.clearCounter()
    return query.length
  }),
  async find(_task, id: number) {
    return id > 0 ? ({ id, name: 'x' } as Row) : undefined
  },
  async clearLater(task) {
    return task.emit.spec.clearCounter()
  },
  async *clearAtEnd(task, clear: boolean) {
    yield task.emit.spec.addRow({ id: 1, name: 'x' })
    return clear ? [task.emit.spec.clearCounter()] : 5
  },
  async decode(_task, pixels: Uint8Array<ArrayBuffer>) {
    return transfer(pixels, [pixels.buffer])
  },
})

type CounterTasks = typeof counterTasks
declare const source: TaskSource<CounterTasks>

export const store = createStore(counterState, {
  tasks: source,
  initialState: { counter: 1, settings: { theme: 'dark' } },
  events: ({ start, emit }) => ({
    clearCounter(state) {
      state.counter = 0
    },
    addRow(state, row: Row) {
      state.rows.push(row)
      return state.rows.length
    },
    toggle(state) {
      state.settings.theme = 'dark'
      return state.counter > 0 ? start.countUp() : undefined
    },
    *both(state, row: Row) {
      state.counter = 1
      yield emit.addRow(row)
      yield [start.importCsv('x'), start.countUp()]
      return 3
    },
    async later(state, text: string) {
      state.rows.push({ id: 1, name: text })
      return text
    },
  }),
})

export const fromWorker: TaskSource<CounterTasks> = workerTasks<CounterTasks>(() => new Worker('x'))

// Reading.
export const counter: number = store.state.counter
export const progress: number = store.state.progress
export const name: string | undefined = store.state.rows[0]?.name
export const theme: string = store.state.settings.theme
export const snapshot: ReadonlyState<typeof counterState> = store.snapshot()
export const sub: { theme: string } = getSubstate(store.state, settings)

// Results.
export const result: Promise<{ url: string; limit: number }> = store.tasks.importCsv('x', 3).done
export const streamed: Promise<string> = store.tasks.with({ signal: new AbortController().signal }).stream(3).done
export const added: PromiseLike<number> = store.events.addRow({ id: 1, name: 'x' })
export const toggled: PromiseLike<void> = store.events.toggle()
export const twice: PromiseLike<number> = store.events.both({ id: 1, name: 'x' })
export const later: PromiseLike<string> = store.events.later('x')
export const leased: PromiseLike<number> = store.lease(async (state) => state._nTasks)
export const tried: PromiseLike<number | undefined> = store.lease((state) => state?.counter, { ifAvailable: true })
export const byToken: PromiseLike<number> = modifyState(
  store.token,
  (state: StateOf<typeof counterState>) => state.counter,
)

// L15: the draft of a scope is a Pick; L11: with ifAvailable there may be none.
export const scoped: PromiseLike<number> = store.lease(
  (state, lease) => {
    // @ts-expect-error outside the scope
    state.maxCounter = 1
    lease.emit.addRow({ id: 1, name: 'x' })
    lease.start.importCsv('x', 3)
    // @ts-expect-error wrong argument
    lease.emit.addRow('x')
    // @ts-expect-error no such task
    lease.start.nope()
    state.settings.theme = 'dark'
    return state.counter
  },
  { scope: ['counter', 'settings'] },
)
export const scopedIfFree: PromiseLike<number | 'busy'> = store.lease(
  (state) => (state === null ? 'busy' : state.counter),
  { scope: ['counter'], ifAvailable: true },
)
// @ts-expect-error there may be no state
store.lease((state) => state.counter, { scope: ['counter'], ifAvailable: true })
// @ts-expect-error no such field
store.lease(() => {}, { scope: ['nope'] })

// L16: events with options keep their types, and see the fields of their scope alone.
const plainState = defineState('plain', () => ({ counter: 0, text: '', rows: [] as Row[] }))
export const withOptions = createStore(plainState, {
  events: () => ({
    reset(state) {
      state.counter = 0
    },
    setText: defineEvent({ urgent: true, scope: ['text'] }, (state, text: string) => {
      // @ts-expect-error outside the scope
      state.counter = 1
      state.text = text
      return text.length
    }),
    load: defineEvent({ ttl: 100 }, async (state, row: Row) => {
      state.rows.push(row)
      return row
    }),
  }),
})
export const length: PromiseLike<number> = withOptions.events.setText('x')
export const loaded: PromiseLike<Row> = withOptions.events.load({ id: 1, name: 'x' })
// @ts-expect-error wrong argument
withOptions.events.setText(1)
createStore(plainState, {
  events: {
    // @ts-expect-error no such field
    wrong: defineEvent({ scope: ['nope'] }, () => {}),
  },
})
// Beside a contract the type of the state has to be said.
type CounterDraft = StateOf<typeof counterState>
export const besideContract = createStore(counterState, {
  events: {
    clearCounter: defineEvent({ scope: ['counter'] }, (state) => {
      state.counter = 0
    }),
    addRow: defineEvent({ urgent: true }, (state, row: Row) => {
      state.rows.push(row)
    }),
    setMaximum: defineEvent({ scope: ['maxCounter'] }, (state: Pick<CounterDraft, 'maxCounter'>, maximum: number) => {
      state.maxCounter = maximum
    }),
  },
})
besideContract.events.setMaximum(5)

// @ts-expect-error no such option
defineEvent({ urgently: true }, () => {})

// S9: the first state is there at once, and has fields.
// @ts-expect-error a promise
defineState('async', async () => ({ counter: 0 }))
// @ts-expect-error a list
defineState('list', () => [0])

// E4: setters are typed, and there is none for getters, backend fields and substates.
store.set.maxCounter(20)
store.set.rows([{ id: 1, name: 'x' }])
// @ts-expect-error wrong type
store.set.maxCounter('x')
// @ts-expect-error a getter has no setter
store.set.progress(1)
// @ts-expect-error a backend field has none
store.set._nTasks(1)
// @ts-expect-error no such field
store.set.nope(1)

// @ts-expect-error hidden
store.state._nTasks
// @ts-expect-error read-only
store.state.counter = 1
// @ts-expect-error deep read-only
store.state.rows.push({ id: 1, name: '' })
// @ts-expect-error deep read-only, in a map
store.state.byId.set('a', { id: 1, name: '' })
// @ts-expect-error wrong argument
store.tasks.importCsv(3)
// @ts-expect-error no such task
store.tasks.nope()
// @ts-expect-error no such event
store.events.nope()
// @ts-expect-error wrong argument
store.events.addRow('x')
// @ts-expect-error no such field to reset
store.reset('nope')

// @ts-expect-error an event of the contract is missing
createStore(counterState, { events: { clearCounter() {} } })

createStore(counterState, {
  // @ts-expect-error no such field
  initialState: { nope: 1 },
  events: { clearCounter() {}, addRow() {} },
})

// Tasks with options, and what is transferred, start as others do; the specs that a task returns are no result.
export const searched: Promise<number> = store.tasks.search('x').done
export const found: Promise<Row | undefined> = store.tasks.find(1).done
export const cleared: Promise<undefined> = store.tasks.clearLater().done
export const clearedAtEnd: Promise<number | undefined> = store.tasks.clearAtEnd(true).done
const pixels = new Uint8Array(4)
export const decoded: Promise<Uint8Array> = store.tasks.decode(transfer(pixels, [pixels.buffer])).done
// @ts-expect-error wrong argument
store.tasks.search(1)
// @ts-expect-error a spec is no result
export const notCleared: Promise<{ kind: string }> = store.tasks.clearLater().done

// Several sources: the tasks of all of them.
const moreTasks = serveTasks(counterState, {
  async encode(_task, text: string) {
    return text.length
  },
})
const both = createStore(counterState, {
  tasks: [source, workerTasks<typeof moreTasks>(() => new Worker('y'))],
  events: ({ start }) => ({
    clearCounter() {
      return [start.countUp(), start.encode('x')]
    },
    addRow() {},
  }),
})
export const encoded: Promise<number> = both.tasks.encode('x').done
export const fromFirst: Promise<number> = both.tasks.search('x').done
// @ts-expect-error no such task
both.tasks.nope()
// @ts-expect-error wrong argument
both.tasks.encode(1)
const oneOfAList = createStore(settings, { tasks: [] as TaskSource<typeof moreTasks>[] })
export const listed: Promise<number> = oneOfAList.tasks.encode('x').done

// A store without tasks and events.
const plain = createStore(settings)
plain.set.theme('dark')
// @ts-expect-error it has no tasks
plain.tasks.countUp()
