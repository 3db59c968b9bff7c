// @vitest-environment jsdom
import { act, cleanup, render, screen } from '@testing-library/react'
import { StrictMode } from 'react'
import { afterEach, expect, test } from 'vitest'
import { createStore, defineState } from '../index.js'
import { useValue } from './index.js'

const store = createStore(defineState('compiled', () => ({ rows: [{ id: 1, done: false }] })))

function Open({ label }: { label: string }) {
  const open = useValue(() => store.state.rows.filter((row) => !row.done).length)
  return (
    <output>
      {label} {open}
    </output>
  )
}

afterEach(cleanup)

test('X7: the compiler has compiled the components of these tests', () => {
  expect(Open.toString()).toContain('$[0]') // its cache
})

test('X7: a compiled component in StrictMode shows each change of what useValue reads', async () => {
  render(
    <StrictMode>
      <Open label="open" />
    </StrictMode>,
  )
  const shown = () => screen.getByRole('status').textContent
  expect(shown()).toBe('open 1')
  await act(async () => {
    await store.lease((state) => {
      state.rows.push({ id: 2, done: false })
    })
  })
  expect(shown()).toBe('open 2')
  await act(async () => {
    await store.lease((state) => {
      for (const row of state.rows) row.done = true
    })
  })
  expect(shown()).toBe('open 0')
})
