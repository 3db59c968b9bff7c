import { afterEach, expect, test } from 'vitest'
import { cleanup, render } from 'vitest-browser-react'
import { Counter } from './counter-view'
import { createCounter } from './store'

// The component test of the README, word for word, in a browser: inline tasks and fake timers work there too.
import './counter.test'

afterEach(cleanup)

test('X3, T1: the counter of the README counts in a real worker, up to its maximum', async () => {
  const store = createCounter()
  store.set.maxCounter(2)
  const screen = await render(<Counter store={store} />)
  await screen.getByRole('button', { name: 'Start' }).click()
  await expect.element(screen.getByRole('status')).toHaveTextContent('1')
  await expect.element(screen.getByRole('status')).toHaveTextContent('2')
  await expect.element(screen.getByRole('button', { name: 'Start' })).toBeVisible()
  await expect.poll(() => store.backgroundTasks.size).toBe(0)
  expect(await store.lease((state) => state._nTasks)).toBe(0)
  await store.dispose()
})
