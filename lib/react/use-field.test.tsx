// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createStore, defineState } from '../index.js'
import { holdLease } from '../testing/index.js'
import { useField } from './index.js'

const formState = defineState('form', () => ({
  text: 'first',
  amount: 7,
  agreed: false,
  order: 'asc' as 'asc' | 'desc',
  rows: [] as string[],
}))
const makeStore = () => createStore(formState)
let store: ReturnType<typeof makeStore>
beforeEach(() => {
  store = makeStore()
})
afterEach(async () => {
  cleanup()
  await store.dispose()
})

function Form() {
  return (
    <form>
      <input aria-label="text" {...useField(store, 'text')} />
      <input aria-label="amount" type="number" {...useField(store, 'amount')} />
      <input aria-label="agreed" type="checkbox" {...useField(store, 'agreed')} />
      <select aria-label="order" {...useField(store, 'order')}>
        <option>asc</option>
        <option>desc</option>
      </select>
      <textarea aria-label="area" {...useField(store, 'text')} />
    </form>
  )
}
const field = (name: string) => screen.getByLabelText<HTMLInputElement>(name)
const type = (name: string, value: string) => fireEvent.change(field(name), { target: { value } })

describe('useField', () => {
  test('sets the field inside the call, and follows it', () => {
    render(<Form />)
    type('text', 'second')
    expect([store.state.text, field('text').value, field('area').value]).toEqual(['second', 'second', 'second'])
    act(() => void store.set.text('third'))
    expect(field('text').value).toBe('third')
  })

  test('a boolean is a checkbox, a union of literals a select', () => {
    render(<Form />)
    fireEvent.click(field('agreed'))
    expect([store.state.agreed, field('agreed').checked]).toEqual([true, true])
    type('order', 'desc')
    expect([store.state.order, field('order').value]).toEqual(['desc', 'desc'])
  })

  test('a number is set when it is one, and keeps its text until the field is left', () => {
    render(<Form />)
    type('amount', '08')
    expect([store.state.amount, field('amount').value]).toEqual([8, '08'])
    type('amount', '')
    expect([store.state.amount, field('amount').value]).toEqual([8, ''])
    fireEvent.blur(field('amount'))
    expect(field('amount').value).toBe('8')
    type('amount', '1.50')
    expect([store.state.amount, field('amount').value]).toEqual([1.5, '1.50'])
    act(() => void store.set.amount(2))
    expect(field('amount').value).toBe('2')
  })

  test('E3: shows what is typed while its event waits behind a lease', async () => {
    render(<Form />)
    const held = await holdLease(store)
    type('text', 'a')
    type('text', 'ab')
    fireEvent.click(field('agreed'))
    expect([store.state.text, store.state.agreed]).toEqual(['first', false])
    expect([field('text').value, field('agreed').checked]).toEqual(['ab', true])
    await act(() => held.release())
    expect([store.state.text, store.state.agreed, field('text').value]).toEqual(['ab', true, 'ab'])
    act(() => void store.set.text('from elsewhere'))
    expect(field('text').value).toBe('from elsewhere')
  })

  test('a change from elsewhere does not go over what is not committed yet', async () => {
    render(<Form />)
    const held = await holdLease(store)
    const before = store.set.text('from elsewhere')
    type('text', 'typed')
    const after = store.set.text('later')
    await act(async () => {
      void held.release()
      await before
    })
    await act(async () => after)
    expect([store.state.text, field('text').value]).toEqual(['later', 'later'])
  })

  test('a waiting field goes back to the state when the store is disposed of', async () => {
    render(<Form />)
    const held = await holdLease(store)
    type('text', 'typed')
    await act(async () => {
      held.release().catch(() => {})
      await store.dispose()
    })
    expect(field('text').value).toBe(store.state.text)
  })
})
