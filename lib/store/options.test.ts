import { afterEach, describe, expect, test, vi } from 'vitest'
import { serveTasks } from '../../workers/index.js'
import type { LeaseOptions } from '../index.js'
import { createStore, defineState } from '../index.js'
import { holdLease, inlineTasks } from '../testing/index.js'
import { pageClock } from './clock.js'
import { handWritten } from './fixtures/hand-written-worker.js'
import { createTestCore } from './fixtures/test-core.js'
import { TaskRunner } from './task-runner.js'

/* What no store and no lease can take: it is said at once. And times that no timer takes. */

const state = defineState('options', () => ({ counter: 0 }))
const tasks = serveTasks(state, {
  async lease(task, options: { readonly ttl?: number; readonly timeout?: number }) {
    return task.lease(() => 'granted', options)
  },
})

const opened: { dispose(): unknown }[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each.dispose()
})

function create() {
  const store = createStore(state, { tasks: inlineTasks(tasks), onError() {} })
  opened.push(store)
  return store
}

/** More than the 32 bits of a timer, which would fire at once. */
const tooLong = [2 ** 31, 1e12]
const noTimes = [Number.NaN, -1, 'soon' as unknown as number]

describe('store.lease', () => {
  test.each([...tooLong, Number.POSITIVE_INFINITY])('L11: waits with a timeout of %s', async (timeout) => {
    const store = create()
    const held = await holdLease(store)
    const run = store.lease(() => 'granted', { timeout })
    let ended = false
    void run.then(
      () => (ended = true),
      () => (ended = true),
    )
    await new Promise<void>((resolve) => pageClock.setTimer(resolve, 5)) // behind a timer that fires at once
    expect([ended, store.line.waiting.map(({ kind }) => kind)]).toEqual([false, ['page']])
    await held.release()
    expect(await run).toBe('granted')
  })

  test('holds with a ttl beyond the 32 bits of a timer', async () => {
    const store = create()
    const run = store.lease(
      async (draft) => {
        await new Promise<void>((resolve) => pageClock.setTimer(resolve, 5))
        draft.counter = 1
      },
      { ttl: 1e12 },
    )
    await run
    expect(store.state.counter).toBe(1)
  })

  const refused: [string, LeaseOptions, RegExp][] = [
    ...noTimes.map((ttl): [string, LeaseOptions, RegExp] => [`a ttl of ${ttl}`, { ttl }, /ttl/]),
    ...noTimes.map((timeout): [string, LeaseOptions, RegExp] => [`a timeout of ${timeout}`, { timeout }, /timeout/]),
    ['a ttl of 0', { ttl: 0 }, /ttl/],
    ['an endless ttl', { ttl: Number.POSITIVE_INFINITY }, /ttl/],
  ]
  test.each(refused)('refuses %s with a TypeError that names it, and asks for no lease', (_what, options, message) => {
    const store = create()
    const fn = vi.fn()
    const lease = () => store.lease(fn, options)
    expect(lease).toThrow(TypeError)
    expect(lease).toThrow(message)
    expect([fn.mock.calls.length, store.line.holder]).toEqual([0, undefined])
  })

  test('refuses what is no function with a TypeError that says what it takes', () => {
    const store = create()
    for (const fn of [undefined, null, {}, 'x'] as unknown as (() => void)[]) {
      expect(() => store.lease(fn)).toThrow(TypeError)
      expect(() => store.lease(fn)).toThrow('takes a function')
    }
    expect(store.line.holder).toBe(undefined)
  })

  test('L15: refuses a scope that is one name and no list of them', () => {
    const store = create()
    const lease = () => store.lease(() => {}, { scope: 'counter' as never })
    expect(lease).toThrow(TypeError)
    expect(lease).toThrow('scope must be a list of the names of fields')
  })
})

describe('task.lease', () => {
  test.each(tooLong)('L11: waits with a timeout of %s', async (timeout) => {
    const store = create()
    const held = await holdLease(store)
    const run = store.tasks.lease({ timeout })
    await vi.waitFor(() => expect(store.line.waiting).toHaveLength(1))
    await new Promise<void>((resolve) => pageClock.setTimer(resolve, 5))
    expect(store.line.waiting).toHaveLength(1)
    await held.release()
    expect(await run.done).toBe('granted')
  })
})

describe('createStore', () => {
  test.each([...noTimes, 0])('refuses a lease.ttl of %s with a TypeError that names state and option', (ttl) => {
    const make = () => createStore(state, { lease: { ttl } })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(/createStore\("options"\): lease\.ttl/)
  })

  test.each([
    ['an object', {}],
    ['undefined', undefined],
    ['a string', 'options'],
  ])('refuses what is no definition: %s', (what, definition) => {
    const make = () => createStore(definition as typeof state)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`createStore takes what defineState gives, got ${what}.`)
  })

  test.each([
    ['an object', tasks],
    ['a function', () => tasks],
    ['a string', [inlineTasks(tasks), 'worker']],
    ['null', null],
  ])('refuses tasks that are not wrapped by workerTasks or inlineTasks: %s', (what, given) => {
    const make = () => createStore(state, { tasks: given as never })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`createStore("options"): tasks must come from workerTasks(…) or inlineTasks(…), got ${what}.`)
  })
})

describe('a store', () => {
  test('refuses to tell what is no function of its commits', () => {
    const store = create()
    for (const listener of [undefined, null, {}] as unknown as (() => void)[]) {
      expect(() => store.onCommit(listener)).toThrow(TypeError)
      expect(() => store.onCommit(listener)).toThrow('store.onCommit takes a function')
    }
  })

  test('has methods that may be taken off it', async () => {
    const { snapshot, lease, onCommit, apply, reset, dispose, set, state: view } = create()
    const heard: number[] = []
    const stop = onCommit(({ version }) => heard.push(version))
    set.counter(1)
    await lease((draft) => {
      draft.counter += 1
    })
    expect(snapshot()).toEqual({ counter: 2 })
    await apply([{ op: 'set', path: ['counter'], value: 9 }])
    expect(view.counter).toBe(9)
    await reset()
    expect([view.counter, heard]).toEqual([0, [1, 2, 3, 4]])
    stop()
    await dispose()
    await expect(lease(() => {})).rejects.toMatchObject({ code: 'STORE_DISPOSED' })
  })
})

describe('workerTasks', () => {
  test.each([...tooLong, Number.POSITIVE_INFINITY])(
    'a readyTimeout of %s waits for a worker that takes its time',
    async (readyTimeout) => {
      const source = handWritten(() => {}, { readyTimeout })
      const runner = new TaskRunner(createTestCore().core, [source])
      opened.push(runner, { dispose: () => source.workers.map((worker) => worker.close()) })
      const run = runner.start('a', [])
      await new Promise<void>((resolve) => pageClock.setTimer(resolve, 5))
      expect([run.status, source.workers.length]).toEqual(['starting', 1])
      source.workers[0]?.ready()
      await vi.waitFor(() => expect(run.status).toBe('running'))
    },
  )
})
