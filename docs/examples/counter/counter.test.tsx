// counter.test.tsx: the component and its task, in one thread and without a worker.
// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { idle, inlineTasks } from 'leasehold/testing'
import { afterEach, expect, test, vi } from 'vitest'
import counterTasks from './counter.worker'
import { Counter } from './counter-view'
import { createCounter } from './store'

afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

test('counts up to the maximum, then stops', async () => {
  vi.useFakeTimers()
  const store = createCounter(inlineTasks(counterTasks))
  render(<Counter store={store} />)
  fireEvent.change(screen.getByLabelText('Maximum'), { target: { value: '2' } })
  fireEvent.click(screen.getByText('Start'))
  for (const count of ['1', '2']) {
    await act(() => idle(store)) // the task has counted, and sleeps
    expect(screen.getByRole('status').textContent).toBe(count)
    vi.advanceTimersByTime(500) // task.sleep follows fake timers
  }
  await act(() => idle(store))
  expect(screen.getByText('Start')).toBeDefined()
  expect(store.backgroundTasks.size).toBe(0)
  await store.dispose()
})
