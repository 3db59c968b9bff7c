import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { userEvent } from 'vitest/browser'
import { render } from 'vitest-browser-react'
import { workerTasks } from '../index.js'
import type { CounterStore } from '../testing/fixtures/counter.js'
import { createCounter } from '../testing/fixtures/counter.js'
import type { CounterTasks } from '../testing/fixtures/counter.worker.js'
import { CounterView } from '../testing/fixtures/counter-view.js'
import { holdLease } from '../testing/index.js'

let store: CounterStore
let input: HTMLInputElement
const inputOf = (label: string) => document.querySelectorAll<HTMLInputElement>('input')[label === 'Maximum' ? 0 : 1]!

beforeEach(async () => {
  store = createCounter(
    workerTasks<CounterTasks>(
      () => new Worker(new URL('../testing/fixtures/counter.worker.ts', import.meta.url), { type: 'module' }),
    ),
  )
  await render(<CounterView store={store} />)
  input = inputOf('Text')
})
afterEach(() => store.dispose())

/**
 * Types into the middle of `text`, and says what is there after each key.
 * @param between waited for after each
 */
async function typeInTheMiddle(keys: string, between = async (): Promise<void> => {}): Promise<string[]> {
  await store.set.text('begin end')
  await expect.poll(() => input.value).toBe('begin end')
  input.focus()
  input.setSelectionRange(6, 6)
  const seen: string[] = []
  const look = () => seen.push(`${input.value.slice(0, input.selectionStart ?? 0)}|${input.selectionEnd}`)
  input.addEventListener('keyup', look)
  for (const key of keys) {
    await userEvent.keyboard(key)
    await between()
  }
  input.removeEventListener('keyup', look)
  return seen
}
const typed = ['begin a|7', 'begin ab|8', 'begin abc|9', 'begin abcd|10']

describe('E3: an input bound by useField keeps its text and its caret', () => {
  test('while nobody holds the lease', async () => {
    expect(await typeInTheMiddle('abcd')).toEqual(typed)
    expect(store.state.text).toBe('begin abcdend')
  })

  test('while somebody holds it', async () => {
    let held: Awaited<ReturnType<typeof holdLease>> | undefined
    const hold = async () => {
      held = await holdLease(store)
    }
    input.addEventListener('focus', () => void hold(), { once: true })
    expect(await typeInTheMiddle('abcd')).toEqual(typed)
    expect(store.state.text).toBe('begin end')
    await held?.release()
    expect(store.state.text).toBe('begin abcdend')
    await expect.poll(() => input.value).toBe('begin abcdend')
    expect(input.selectionStart).toBe(10)
  })

  test('while a task takes a hundred leases a second', async () => {
    const run = store.tasks.hammer()
    await expect.poll(() => store.state.counter).toBeGreaterThan(20)
    // Each key takes the lease from the task: four that come at once leave it none to commit.
    const leaseHasEnded = async () => {
      const before = store.state.counter
      await expect.poll(() => store.state.counter).toBeGreaterThan(before)
    }
    for (let i = 0; i < 5; i++) {
      const before = store.state.counter
      expect(await typeInTheMiddle('abcd', leaseHasEnded)).toEqual(typed)
      expect(store.state.counter, 'its leases went on meanwhile').toBeGreaterThan(before)
    }
    await expect.poll(() => store.state.text).toBe('begin abcdend')
    run.cancel()
  })

  test('in a number field, whatever the number looks like on its way', async () => {
    const number = inputOf('Maximum')
    number.focus()
    number.select()
    const seen: (string | number)[][] = []
    number.addEventListener('keyup', () => seen.push([number.value, store.state.maxCounter]))
    await userEvent.keyboard('1.50')
    await userEvent.keyboard('{Backspace}{Backspace}{Backspace}{Backspace}')
    expect(seen).toEqual([
      ['1', 1],
      // Until it is a number again, the browser shows the dot and gives the text without it.
      [expect.stringMatching(/^(1\.?)?$/), 1],
      ['1.5', 1.5],
      ['1.50', 1.5],
      ['1.5', 1.5],
      [expect.stringMatching(/^(1\.?)?$/), 1],
      ['1', 1],
      ['', 1],
    ])
    number.blur()
    await expect.poll(() => number.value).toBe('1')
  })
})
