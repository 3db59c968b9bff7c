// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { observer } from 'mobx-react-lite'
import { flushSync } from 'react-dom'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createStore, defineState, ImmutableStateError, read } from '../index.js'
import { useValue } from './index.js'

interface Item {
  id: number
  name: string
  done: boolean
}

function finish(rows: Item[], index: number): void {
  const row = rows[index] as Item
  row.done = true
}
const item = (id: number): Item => ({ id, name: `item ${id}`, done: false })
const listState = defineState('list', () => ({
  rows: Array.from({ length: 1_000 }, (_, id) => item(id)),
  get openCount() {
    return read(this.rows, (rows) => rows.filter(({ done }) => !done).length)
  },
}))
const makeStore = () =>
  createStore(listState, {
    events: {
      change(state, recipe: (rows: Item[]) => unknown) {
        const changed = recipe(state.rows)
        if (Array.isArray(changed)) state.rows = changed
      },
    },
  })
let store: ReturnType<typeof makeStore>
beforeEach(() => {
  store = makeStore()
})
afterEach(cleanup)

describe('S3: a list of 1,000 keyed observer rows', () => {
  let rendered: number[] = []
  const Row = observer(({ row }: { row: Readonly<Item> }) => {
    rendered.push(row.id)
    return <li>{row.done ? row.name.toUpperCase() : row.name}</li>
  })
  const List = observer(() => (
    <ul>
      {store.state.rows.map((row) => (
        <Row key={row.id} row={row} />
      ))}
    </ul>
  ))

  const swap = (rows: Item[], a: number, b: number): void => {
    const held = rows[a] as Item
    rows[a] = rows[b] as Item
    rows[b] = held
  }
  const changes: Record<string, { change: (rows: Item[]) => unknown; renders: number[] }> = {
    push: { change: (rows) => void rows.push(item(1_000)), renders: [1_000] },
    'splice out': { change: (rows) => void rows.splice(10, 3), renders: [] },
    'splice in': { change: (rows) => void rows.splice(500, 1, item(1_000), item(1_001)), renders: [1_000, 1_001] },
    sort: { change: (rows) => void rows.sort((a, b) => b.id - a.id), renders: [] },
    reverse: { change: (rows) => void rows.reverse(), renders: [] },
    swap: { change: (rows) => swap(rows, 1, 998), renders: [] },
    'a rotation': { change: (rows) => void rows.push(rows.shift() as Item), renders: [] },
    'a drag': { change: (rows) => void rows.splice(700, 0, ...rows.splice(3, 1)), renders: [] },
    filter: { change: (rows) => rows.filter(({ id }) => id % 3 > 0), renders: [] },
    'one field of one row': { change: (rows) => finish(rows, 5), renders: [5] },
  }

  test.each(Object.entries(changes))('renders no row that stays: %s', (_, { change, renders }) => {
    const { container } = render(<List />)
    expect(rendered.splice(0)).toHaveLength(1_000)
    act(() => void store.events.change(change))
    expect(rendered).toEqual(renders)
    rendered = []
    const shown = [...container.querySelectorAll('li')].map(({ textContent }) => textContent)
    expect(shown).toEqual(store.snapshot().rows.map(({ name, done }) => (done ? name.toUpperCase() : name)))
  })
})

const ByObserver = observer(() => (
  <output>
    {store.state.rows[0]?.name}, {store.state.openCount} open
  </output>
))
const ByValue = () => <output>{useValue(() => `${store.state.rows[0]?.name}, ${store.state.openCount} open`)}</output>

describe.each([
  ['an observer', ByObserver],
  ['useValue', ByValue],
])('%s', (_, View) => {
  const text = () => screen.getByRole('status').textContent

  test('E2: first rendered inside a handler shows the state before, and again after that has failed', async () => {
    const run = store.events.change((rows) => {
      for (const row of rows) row.done = true
      ;(rows[0] as Item).name = 'written'
      render(<View />)
      expect(text()).toBe('item 0, 1000 open')
      throw new RangeError('on purpose')
    })
    await expect(run).rejects.toThrow('on purpose')
    expect(text()).toBe('item 0, 1000 open')
    act(() => void store.events.change((rows) => finish(rows, 0)))
    expect(text()).toBe('item 0, 999 open')
  })

  test('E2: first rendered inside a handler shows what that has written once it has ended', () => {
    act(
      () =>
        void store.events.change((rows) => {
          ;(rows[0] as Item).name = 'written'
          rows.length = 2
          flushSync(() => void render(<View />))
          expect(text()).toBe('item 0, 1000 open')
        }),
    )
    expect(text()).toBe('written, 2 open')
  })
})

describe('G2: a component that writes to store.state', () => {
  const write = (): void => {
    const [row] = store.state.rows as Item[]
    if (row !== undefined) row.name = 'mine'
  }

  test('as it renders throws, and nothing has changed', () => {
    const View = observer(() => {
      let refused: unknown
      try {
        write()
      } catch (error) {
        refused = error
      }
      return <output>{refused instanceof ImmutableStateError ? refused.message : 'written'}</output>
    })
    render(<View />)
    expect(screen.getByRole('status').textContent).toContain('Cannot write rows[0].name: store.state is read-only here')
    expect([store.version, store.snapshot().rows[0]]).toEqual([0, item(0)])
  })

  test('as it is clicked throws, and shows what it has shown', () => {
    let refused: unknown
    const onClick = (): void => {
      try {
        write()
      } catch (error) {
        refused = error
      }
    }
    const View = observer(() => (
      <button type="button" onClick={onClick}>
        {store.state.rows[0]?.name}
      </button>
    ))
    render(<View />)
    fireEvent.click(screen.getByRole('button'))
    expect(refused).toBeInstanceOf(ImmutableStateError)
    expect(screen.getByRole('button').textContent).toBe('item 0')
    expect([store.version, store.snapshot().rows[0]]).toEqual([0, item(0)])
  })
})
