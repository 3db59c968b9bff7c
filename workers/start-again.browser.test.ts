import { createStore, getStore, workerTasks } from 'leasehold'
import { afterEach, expect, test, vi } from 'vitest'
import type { ScenarioTasks } from './fixtures/scenario.worker.ts'
import { scenarioState } from './fixtures/scenario-state.ts'

/* The counter after it was cut short: nothing of its first run is in the way of the next. */

const stores: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.dispose()
})

/** What a module does each time it runs. The count goes on in the test's own pace: `pause` in milliseconds. */
function runModule(pause: () => number) {
  const made: Worker[] = []
  const reported: unknown[] = []
  const store = createStore(scenarioState, {
    token: 'start-again',
    tasks: workerTasks<ScenarioTasks>(() => {
      const worker = new Worker(new URL('./fixtures/scenario.worker.ts', import.meta.url), { type: 'module' })
      made.push(worker)
      return worker
    }),
    events: ({ start }) => ({
      toggleRunning(state) {
        state.running = !state.running
        return state.running ? start.countUp(pause()) : undefined
      },
      /** The one worker is gone, and could not clean up. */
      lost(state) {
        state.running = false
        state._nTasks = 0
      },
    }),
    onError(error, { kind }) {
      reported.push(error)
      if (kind === 'task') store.events.lost()
    },
  })
  stores.push(store)
  return { store, made, reported }
}

type Store = ReturnType<typeof runModule>['store']

async function counts(store: Store): Promise<void> {
  store.events.toggleRunning()
  await vi.waitFor(() => expect(store.backgroundTasks.size).toBe(0), { timeout: 8000 })
  expect([store.state.counter, store.state.running]).toEqual([10, false])
  expect(await store.tasks.backend().done).toEqual({ nTasks: 0, plusOne: 1 })
}

async function lifeLocks(): Promise<number> {
  const { held = [] } = await navigator.locks.query()
  return held.filter(({ name }) => name?.startsWith('leasehold:')).length
}

test('T17: its worker crashed in its sleep, it is started again in a new one', async () => {
  let pause = 60_000
  const { store, made, reported } = runModule(() => pause)
  store.events.toggleRunning()
  await expect.poll(() => store.state.counter).toBe(1)
  made[0]?.terminate()
  await expect.poll(() => store.backgroundTasks.size).toBe(0)
  await expect.poll(() => reported).toMatchObject([{ code: 'TASK_CRASHED' }])
  pause = 1
  await counts(store)
  expect(made).toHaveLength(2)
  expect(reported).toHaveLength(1)
})

test('T17: its module replaced while it counts, the old store and its worker are gone, and it counts in the new one', async () => {
  const old = runModule(() => 60_000)
  old.store.events.toggleRunning()
  await expect.poll(() => old.store.state.counter).toBe(1)
  const waiting = old.store.lease(async () => new Promise(() => {}))
  const [run] = old.store.backgroundTasks
  expect(await lifeLocks()).toBe(1)

  const { store, reported } = runModule(() => 1)
  expect(getStore('start-again')).toBe(store)
  await expect(waiting).rejects.toMatchObject({ code: 'STORE_DISPOSED' })
  await expect(run?.done).rejects.toMatchObject({ code: 'STORE_DISPOSED' })
  expect(old.store.events.toggleRunning().ran).toBe(false)
  await expect(old.store.tasks.wait(1).done).rejects.toMatchObject({ code: 'STORE_DISPOSED' })
  await expect.poll(lifeLocks).toBe(0)
  await counts(store)
  expect(await lifeLocks()).toBe(1)
  expect(old.store.state.counter).toBe(1) // still readable, for what is shown of it
  expect([old.reported.map((error) => (error as { code: string }).code), reported]).toEqual([['STORE_DISPOSED'], []])
})
