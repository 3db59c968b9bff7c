import { afterEach, describe, expect, test } from 'vitest'
import { render } from 'vitest-browser-react'
import { workerTasks } from '../index.js'
import type { CounterStore } from './fixtures/counter.js'
import { createCounter } from './fixtures/counter.js'
import type { CounterTasks } from './fixtures/counter.worker.js'
import counterTasks from './fixtures/counter.worker.js'
import { CounterView } from './fixtures/counter-view.js'
import { idle, inlineTasks } from './index.js'

let store: CounterStore
afterEach(() => store.dispose())

const newWorker = () => new Worker(new URL('./fixtures/counter.worker.ts', import.meta.url), { type: 'module' })

describe.each([
  ['inline', () => inlineTasks(counterTasks)],
  ['in a worker', () => workerTasks<CounterTasks>(newWorker)],
])('a component in a browser, its tasks %s', (_, makeTasks) => {
  test('X3: counts up to its maximum', async () => {
    store = createCounter(makeTasks())
    const screen = await render(<CounterView store={store} />)
    await screen.getByLabelText('Maximum').fill('2')
    await screen.getByText('Start').click()
    await expect.element(screen.getByRole('status')).toHaveTextContent('1')
    await expect.element(screen.getByText('Stop')).toBeVisible()
    await expect.element(screen.getByRole('status')).toHaveTextContent('2')
    await expect.element(screen.getByText('Start')).toBeVisible()
    await idle(store)
    expect([store.backgroundTasks.size, await store.lease((state) => state._nTasks)]).toEqual([0, 0])
  })

  test('idle waits for the result of a task', async () => {
    store = createCounter(makeTasks())
    const run = store.tasks.fill(100)
    await idle(store)
    expect([run.status, store.state.rows.length]).toEqual(['succeeded', 100])
  })
})
