import { afterEach, expect, test } from 'vitest'
import { serveTasks } from '../../workers/index.js'
import { createStore, defineState, TaskCrashedError } from '../index.js'
import { inlineTasks } from '../testing/index.js'

/* A leaf of the state that could be cloned when it was set and cannot be any more: nobody waits for it for ever. */

const state = defineState('leaf', () => ({ counter: 0, bytes: new Uint8Array(4) }))
const tasks = serveTasks(state, {
  async nothing() {
    return 'done'
  },
  async refresh(task) {
    await task.refresh()
  },
  async lease(task) {
    await task.lease(() => {})
  },
})

const stores: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.dispose()
})

function create() {
  const reported: unknown[] = []
  const store = createStore(state, { tasks: inlineTasks(tasks), onError: (error) => reported.push(error) })
  stores.push(store)
  return { store, reported }
}

/** Takes the buffer from under the state. */
function detachBytes(store: ReturnType<typeof create>['store']): void {
  store.set.bytes(new Uint8Array(8))
  const { buffer } = store.state.bytes
  structuredClone(buffer, { transfer: [buffer] })
}

test('a worker that cannot be given such a state fails the run that waits for it, and the next run works again', async () => {
  const { store, reported } = create()
  detachBytes(store)
  const run = store.tasks.nothing()
  await expect(run.done).rejects.toThrow(/bytes/)
  expect([run.status, store.backgroundTasks.size]).toEqual(['failed', 0])
  store.set.bytes(new Uint8Array(1))
  expect(await store.tasks.nothing().done).toBe('done')
  expect(reported).toEqual([])
})

test('a task that refreshes to such a state fails, and the next run works again', async () => {
  const { store, reported } = create()
  await store.tasks.nothing().done
  detachBytes(store)
  const run = store.tasks.refresh()
  await expect(run.done).rejects.toThrow(TaskCrashedError)
  await expect(run.done).rejects.toThrow(/Uint8Array/)
  expect(store.backgroundTasks.size).toBe(0)
  store.set.bytes(new Uint8Array(1))
  expect(await store.tasks.nothing().done).toBe('done')
  expect(reported).toEqual([])
})

test('L4: a lease that such a state should be sent with is refused, and the line goes on', async () => {
  const { store, reported } = create()
  await store.tasks.nothing().done
  detachBytes(store)
  await expect(store.tasks.lease().done).rejects.toThrow(/Uint8Array/)
  expect(store.set.counter(1).ran).toBe(true)
  expect(reported).toEqual([])
})
