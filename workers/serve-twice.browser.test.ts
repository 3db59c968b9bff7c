import type { TaskRun } from 'leasehold'
import { createStore, WorkerLoadError, workerTasks } from 'leasehold'
import { afterEach, expect, test } from 'vitest'
import type { TwiceTasks } from './fixtures/serve-twice.worker.ts'
import { twiceState } from './fixtures/serve-twice-state.ts'

/*
 * One worker that serves one state twice. Nothing here comes by `readyTimeout`, which is longer than a test may last.
 */

const ALREADY = 'serveTasks("twice"): this worker serves that state already'

const stores: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.dispose()
})

/** @param when the worker's name says when it serves for the second time */
function create(when: 'at load' | 'in a task') {
  const reported: unknown[] = []
  const workers: Worker[] = []
  const script = () =>
    new Worker(new URL('./fixtures/serve-twice.worker.ts', import.meta.url), { type: 'module', name: when })
  const store = createStore(twiceState, {
    tasks: workerTasks<TwiceTasks>(
      () => {
        const worker = script()
        workers.push(worker)
        return worker
      },
      { readyTimeout: 600_000 },
    ),
    events: {
      set(state, counter: number) {
        state.counter = counter
      },
    },
    onError: (error) => reported.push(error),
  })
  stores.push(store)
  return { store, reported, workers }
}

const failureOf = (run: TaskRun<unknown>) =>
  run.done.then(
    () => undefined,
    (error: unknown) => error as Error,
  )

test('a worker that serves a state twice as it is loaded fails its runs with a WorkerLoadError that names the state', async () => {
  const { store, reported, workers } = create('at load')
  const runs = [store.tasks.add(), store.tasks.serveAgain(), store.tasks.add()]
  const failures = await Promise.all(runs.map(failureOf))
  for (const failure of failures) {
    expect(failure).toBeInstanceOf(WorkerLoadError)
    expect(failure?.message).toContain(`TypeError: ${ALREADY}`)
  }
  expect(runs.map(({ status }) => status)).toEqual(['failed', 'failed', 'failed'])
  expect(workers).toHaveLength(2) // a load that fails is tried once more
  expect(reported).toEqual([])
})

test('T9: such a worker leaves nothing pending, neither its runs nor who waits for the store nor the line', async () => {
  const { store, reported } = create('at load')
  const unheard = store.tasks.add()
  await store.ready
  expect([unheard.status, store.backgroundTasks.size, store.line.holder, store.line.waiting]).toEqual([
    'failed',
    0,
    undefined,
    [],
  ])
  await expect.poll(() => reported, { interval: 5 }).toEqual([unheard.error])
  expect(store.events.set(5).ran).toBe(true)
  expect(await failureOf(store.tasks.add())).toBeInstanceOf(WorkerLoadError) // the next run tries anew
  expect([store.state.counter, store.backgroundTasks.size, reported.length]).toEqual([5, 0, 1])
})

test('T10: a task that serves its own state again fails with the TypeError, and its worker goes on as before', async () => {
  const { store, reported, workers } = create('in a task')
  const failed = store.tasks.serveAgain()
  const failure = await failureOf(failed)
  expect(failure).toBeInstanceOf(TypeError)
  expect(failure?.message).toContain(ALREADY)
  expect(await store.tasks.add().done).toBe(1)
  expect([store.state.counter, store.backgroundTasks.size, workers.length, reported]).toEqual([1, 0, 1, []])
})
