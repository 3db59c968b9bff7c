import { autorun } from 'mobx'
import { afterEach, expect, test, vi } from 'vitest'
import { serveTasks } from '../../workers/index.js'
import { createStore, defineState, LeaseReleasedError, TaskCrashedError } from '../index.js'
import { idle, inlineTasks } from '../testing/index.js'
import type { HandWrittenWorker } from './fixtures/hand-written-worker.js'
import { handWritten } from './fixtures/hand-written-worker.js'
import { createTestCore } from './fixtures/test-core.js'
import { TaskRunner } from './task-runner.js'

/*
 * Runs that end while something else is under way: in a reaction to the start of another, while their worker is loaded, or
 * before their task has noticed.
 */

const state = defineState('races', () => ({ counter: 0 }))

const ran: string[] = []
const cleanUps: unknown[] = []
let cleanUp = (): void => {}

const tasks = serveTasks(state, {
  async note(task, name: string) {
    ran.push(name)
    await task.sleep(1)
  },
  /** Hears of its cancellation at once, and is slow to clean up. */
  async slowToEnd(task) {
    try {
      await task.sleep(1_000_000)
    } finally {
      await new Promise<void>((resolve) => {
        cleanUp = resolve
      })
      const cleaned = task.lease(
        (draft) => {
          draft.counter = 99
        },
        { cleanup: true },
      )
      cleanUps.push(await cleaned.catch((error: unknown) => error))
    }
  },
})

const opened: { dispose(): unknown }[] = []
const workers: HandWrittenWorker[] = []
const reactions: (() => void)[] = []
afterEach(async () => {
  for (const stop of reactions.splice(0)) stop()
  for (const each of opened.splice(0)) await each.dispose()
  for (const worker of workers.splice(0)) worker.close()
  ran.length = 0
  cleanUps.length = 0
})

function create(options: { readonly terminateAfter?: number } = {}) {
  const reported: unknown[] = []
  const store = createStore(state, {
    tasks: { ...inlineTasks(tasks), ...options },
    onError: (error) => reported.push(error),
  })
  opened.push(store)
  return { store, reported }
}

function run(source: ReturnType<typeof handWritten>) {
  const shared = createTestCore()
  const runner = new TaskRunner(shared.core, [source])
  opened.push(runner, { dispose: () => workers.push(...source.workers) })
  return { ...shared, runner }
}

const react = (effect: () => void): void => void reactions.push(autorun(effect))

test('T11: a run that is cancelled in a reaction to the start of the one before it never runs', async () => {
  const { store } = create()
  const first = store.tasks.note('first')
  const second = store.tasks.note('second')
  react(() => {
    if (first.status === 'running') second.cancel('no')
  })
  await idle(store)
  expect([first.status, second.status, ran]).toEqual(['succeeded', 'cancelled', ['first']])
  await expect(second.done).rejects.toBe('no')
})

test('T11: a run that is cancelled in a reaction to backgroundTasks never runs', async () => {
  const { store } = create()
  await store.tasks.note('first').done
  react(() => {
    for (const each of store.backgroundTasks) each.cancel('no')
  })
  const second = store.tasks.note('second')
  await idle(store)
  expect([second.status, ran, store.backgroundTasks.size]).toEqual(['cancelled', ['first'], 0])
})

test('T15: a store that is disposed of in a reaction to backgroundTasks makes no worker', async () => {
  const source = handWritten()
  const { runner } = run(source)
  react(() => {
    if (runner.backgroundTasks.size > 0) runner.dispose()
  })
  const started = runner.start('a', [])
  expect(started.status).toBe('cancelled')
  expect(source.workers.filter(({ terminated }) => !terminated)).toEqual([])
})

test('T15: a store that is disposed of in a reaction to the start of a run starts none of those behind it', async () => {
  const { store } = create()
  const started = ['first', 'second', 'third'].map((name) => store.tasks.note(name))
  react(() => {
    if (started[0]?.status === 'running') void store.dispose()
  })
  await expect(started[2]?.done).rejects.toThrow('disposed')
  await idle(store)
  expect(started.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled'])
  expect(started.map(({ startedAt }) => startedAt !== undefined)).toEqual([true, false, false])
})

test('T11: a run that is slow to clean up is over after terminateAfter, and its cleanup lease is refused', async () => {
  const { store, reported } = create({ terminateAfter: 20 })
  const slow = store.tasks.slowToEnd()
  await idle(store)
  slow.cancel('stop')
  await expect(slow.done).rejects.toBe('stop')
  expect([slow.status, store.backgroundTasks.size]).toEqual(['cancelled', 0])
  cleanUp()
  await vi.waitFor(() => expect(cleanUps).toHaveLength(1))
  expect(cleanUps[0]).toBeInstanceOf(LeaseReleasedError)
  await store.tasks.note('later').done
  expect([store.state.counter, ran, reported]).toEqual([0, ['later'], []])
})

test('T17: a worker that is ended while it is loaded fails the runs that wait for it, and the next run makes a new one', async () => {
  const source = handWritten((worker) => {
    if (source.workers.length > 1) worker.ready()
  })
  const { runner, reports } = run(source)
  const lost = runner.start('a', [])
  runner.crash()
  await expect(lost.done).rejects.toThrow(TaskCrashedError)
  expect([lost.status, runner.backgroundTasks.size]).toEqual(['failed', 0])
  const next = runner.start('a', [])
  await vi.waitFor(() => expect(next.status).toBe('running'))
  expect(source.workers.map(({ terminated }) => terminated)).toEqual([true, false])
  expect(reports).toEqual([])
})
