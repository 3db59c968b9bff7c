import { getEventListeners } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { defineTask, serveTasks } from '../../workers/index.js'
import { createStore, defineState, StoreDisposedError } from '../index.js'
import { holdLease, inlineTasks } from '../testing/index.js'
import { FakeClock } from './fixtures/fake-clock.js'
import { PageStore } from './page-store.js'

/* What a store with running tasks leaves behind when it is disposed of: nothing. */

const state = defineState('left', () => ({ counter: 0 })).withEvents<{ add(): void }>()
const unended: unknown[] = []
const tasks = serveTasks(state, {
  async wait(task) {
    unended.push(task)
    try {
      await task.sleep(1_000_000)
    } finally {
      unended.pop()
    }
  },
  async hold(task) {
    await task.lease(async (draft) => {
      draft.counter = 1
      await task.sleep(1_000_000)
    })
  },
  async ask(task) {
    await task.lease(() => {}, { timeout: 1_000_000 })
  },
  async emitFor(task) {
    unended.push(task)
    try {
      for (;;) await task.emit.add()
    } finally {
      unended.pop()
    }
  },
  queued: defineTask({ concurrency: 'enqueue' }, async (task) => {
    await task.sleep(1_000_000)
  }),
})
type Served = typeof tasks
const cleanedUp: unknown[] = []
const cleaning = serveTasks(state, {
  async sleepAndCleanUp(task) {
    try {
      await task.sleep(1_000_000)
    } finally {
      const late = task.lease(() => {}, { cleanup: true })
      cleanedUp.push(await late.catch((error: Error) => error))
    }
  },
  async waitToCleanUp(task) {
    cleanedUp.push(await task.lease(() => {}, { cleanup: true }).catch((error: Error) => error))
  },
})

const opened: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each.dispose()
})

/** Timers, ports and the like that keep this process running. */
const resources = () => process.getActiveResourcesInfo().filter((name) => /Timeout|Port/.test(name)).length

test('T15: dispose with running tasks settles them as cancelled, and leaves no timer, listener, port or run', async () => {
  const before = resources()
  const reported: unknown[] = []
  const store = createStore(state, {
    tasks: inlineTasks<Served>(tasks),
    onError: (error) => reported.push(error),
    events: { add() {} },
  })
  opened.push(store)
  const { signal } = new AbortController()
  const tied = store.tasks.with({ signal })
  const runs = [tied.wait(), tied.hold(), tied.ask(), tied.queued(), tied.queued(), tied.emitFor()]
  await expect.poll(() => store.line.waiting.length).toBeGreaterThan(0)
  expect(resources()).toBeGreaterThan(before)
  expect(unended).toHaveLength(2)
  expect(getEventListeners(signal, 'abort')).toHaveLength(6)

  await store.dispose()
  await store.dispose()
  expect(runs.map(({ status }) => status)).toEqual(Array(6).fill('cancelled'))
  for (const run of runs) await expect(run.done).rejects.toBeInstanceOf(StoreDisposedError)
  expect(store.backgroundTasks.size).toBe(0)
  expect(store.line.holder).toBeUndefined()
  expect(store.line.waiting).toEqual([])
  expect(getEventListeners(signal, 'abort')).toEqual([])
  await expect.poll(() => unended).toEqual([]) // inline a task goes on, and is told by its signal
  await expect.poll(resources).toBeLessThanOrEqual(before)
  expect(reported).toEqual([])
  expect(store.state.counter).toBe(0)

  for (const late of [store.tasks.wait().done, store.events.add(), store.lease(() => {}), store.set.counter(1)]) {
    await expect(late).rejects.toBeInstanceOf(StoreDisposedError)
  }
  await expect.poll(resources).toBeLessThanOrEqual(before)
})

test('T15: inline, where a task goes on after dispose, leases for its clean-up are refused, those that wait and new ones', async () => {
  const store = createStore(state, { tasks: inlineTasks(cleaning), events: { add() {} } })
  opened.push(store)
  const held = await holdLease(store)
  store.tasks.sleepAndCleanUp()
  store.tasks.waitToCleanUp()
  await expect.poll(() => store.line.waiting.length).toBe(1)
  await store.dispose()
  await held.release().catch(() => {})
  await expect.poll(() => cleanedUp.length).toBe(2)
  for (const refused of cleanedUp) expect(refused).toBeInstanceOf(StoreDisposedError)
})

test('T15: the clock of a store that was disposed of has no timer left', async () => {
  const clock = new FakeClock()
  const store = new PageStore(
    state,
    { tasks: { ...inlineTasks(tasks), terminateAfter: 1_000 }, onError() {}, events: { add() {} } },
    clock,
  )
  opened.push(store)
  const start = store.tasks as unknown as Record<string, () => { status: string; cancel(): void }>
  const runs = ['wait', 'hold', 'ask', 'queued', 'queued'].map((name) => start[name]?.())
  await expect.poll(() => store.line.waiting.length).toBe(1)
  runs[0]?.cancel() // its worker is being waited for
  runs[1]?.cancel()
  expect(clock.pending).toBeGreaterThan(0)
  await store.dispose()
  expect(clock.pending).toBe(0)
})
