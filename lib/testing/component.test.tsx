// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { CounterStore } from './fixtures/counter.js'
import { createCounter } from './fixtures/counter.js'
import counterTasks from './fixtures/counter.worker.js'
import { CounterView } from './fixtures/counter-view.js'
import { holdLease, idle, inlineTasks } from './index.js'

let store: CounterStore
beforeEach(() => {
  vi.useFakeTimers()
  store = createCounter(inlineTasks(counterTasks))
  render(<CounterView store={store} />)
})
afterEach(async () => {
  cleanup()
  await store.dispose()
  vi.useRealTimers()
})
const shown = () => screen.getByRole('status').textContent

test('X3: a component and its background task, in one thread, with fake timers', async () => {
  fireEvent.change(screen.getByLabelText('Maximum'), { target: { value: '2' } })
  fireEvent.click(screen.getByText('Start'))
  for (const count of ['1', '2']) {
    await act(() => idle(store))
    expect(shown()).toBe(count)
    vi.advanceTimersByTime(500)
  }
  await act(() => idle(store))
  expect(screen.getByText('Start')).toBeDefined()
  expect(store.backgroundTasks.size).toBe(0)
})

test('X3: a component while the lease is held', async () => {
  const held = await holdLease(store)
  fireEvent.click(screen.getByText('Start'))
  fireEvent.change(screen.getByLabelText('Text'), { target: { value: 'typed' } })
  expect([store.state.running, screen.getByLabelText<HTMLInputElement>('Text').value]).toEqual([false, 'typed'])
  await act(async () => {
    await held.release()
    await idle(store)
  })
  expect([store.state.text, shown()]).toEqual(['typed', '1'])
})
