import { expect, test } from 'vitest'
import { userEvent } from 'vitest/browser'
import { render } from 'vitest-browser-react'
import { createStore, workerTasks } from '../index.js'
import type { CounterStore } from '../testing/fixtures/counter.js'
import { counterState } from '../testing/fixtures/counter.js'
import { CounterView } from '../testing/fixtures/counter-view.js'
import type { TightTasks } from './fixtures/tight.worker.js'

test('E3: an input bound by useField keeps text and caret, and its setter runs inside the call, while a task takes 100 leases in a tight loop', async () => {
  const store = createStore(counterState, {
    tasks: workerTasks<TightTasks>(
      () => new Worker(new URL('./fixtures/tight.worker.ts', import.meta.url), { type: 'module' }),
    ),
    events: { toggleRunning() {}, clearCounter() {} },
  })
  const ran: boolean[] = []
  const held: (string | undefined)[] = []
  const text: typeof store.set.text = (value) => {
    held.push(store.line.holder?.kind)
    const run = store.set.text(value)
    ran.push(run.ran && store.state.text === value)
    return run
  }
  const { state, events } = store
  // All that the view asks of a store.
  await render(<CounterView store={{ state, events, set: { ...store.set, text } } as unknown as CounterStore} />)
  const input = document.querySelectorAll<HTMLInputElement>('input')[1] as HTMLInputElement
  const more = async (): Promise<void> => {
    const before = store.state.counter
    await expect.poll(() => store.state.counter, { interval: 2 }).toBeGreaterThan(before)
  }
  const run = store.tasks.tight()
  await more()
  let expected = ''
  while (store.state.counter < 100 || ran.length < 20) {
    // Between two keys the task gets on: a function that is revoked three times running would be let finish.
    await more()
    const at = Math.floor(expected.length / 2)
    input.focus()
    input.setSelectionRange(at, at)
    const key = String.fromCharCode(97 + (expected.length % 26))
    await userEvent.keyboard(key)
    expected = expected.slice(0, at) + key + expected.slice(at)
    expect([input.value, input.selectionStart, store.state.text]).toEqual([expected, at + 1, expected])
  }
  run.cancel()
  expect(ran).toEqual(ran.map(() => true))
  expect(held).toContain('task')
  await store.dispose()
})
