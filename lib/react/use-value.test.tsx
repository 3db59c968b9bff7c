// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { getObserverTree, observable, runInAction } from 'mobx'
import type { ReactNode } from 'react'
import { Activity, Component, StrictMode, Suspense, startTransition, useState } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createStore, defineState, toPlain } from '../index.js'
import { useValue } from './index.js'

const listState = defineState('list', () => ({
  counter: 0,
  other: 0,
  index: 0,
  rows: [
    { id: 1, name: 'a', done: false },
    { id: 2, name: 'b', done: true },
  ],
  get double() {
    return this.counter * 2
  },
}))
const makeStore = () =>
  createStore(listState, {
    events: {
      rename(state, index: number, name: string) {
        state.rows[index]!.name = name
      },
      add(state, name: string) {
        state.rows.push({ id: state.rows.length + 1, name, done: false })
      },
    },
  })
let store: ReturnType<typeof makeStore>
let renders = 0
beforeEach(() => {
  store = makeStore()
  renders = 0
})
afterEach(cleanup)

function Show({ read }: { read: () => unknown }) {
  const value = useValue(read)
  renders += 1
  return <output>{JSON.stringify(value)}</output>
}
function Names({ seen }: { seen: Set<unknown> }) {
  const names = useValue(() => store.state.rows.map(({ name }) => name))
  const [, again] = useState(0)
  seen.add(names)
  return (
    <button type="button" onClick={() => again((n) => n + 1)}>
      {names.join()}
    </button>
  )
}

function Selected({ seen }: { seen: Set<unknown> }) {
  seen.add(useValue(() => store.state.rows[store.state.index]))
  return null
}

function Inline({ read, again }: { read: () => readonly unknown[]; again: number }) {
  const value = useValue(() => read())
  renders += 1
  return <output>{again + value.length}</output>
}

function Row({ index }: { index: number }) {
  return <output>{useValue(() => store.state.rows[index]?.name)}</output>
}

function Early() {
  const counter = useValue(() => store.state.counter)
  return <output ref={() => void (store.state.counter === 0 && store.set.counter(7))}>{counter}</output>
}

function Counter() {
  return <span>{useValue(() => store.state.counter)}</span>
}

const never = new Promise<never>(() => {})
function Suspends({ read }: { read: () => unknown }): never {
  useValue(read)
  throw never
}

class Boundary extends Component<{ children: ReactNode }, { message?: string }> {
  override state: { message?: string } = {}
  static getDerivedStateFromError(error: Error) {
    return { message: error.message }
  }
  override render() {
    return this.state.message === undefined ? this.props.children : <output>{this.state.message}</output>
  }
}

function Both({ show }: { show: boolean }) {
  return (
    <p>
      <Counter />
      {show && <Counter />}
    </p>
  )
}

const shown = () => screen.getByRole('status').textContent
const change = (run: () => void) => act(run)

describe('useValue', () => {
  test('renders again when the value changes, and only then', () => {
    render(<Show read={() => store.state.counter} />)
    expect([shown(), renders]).toEqual(['0', 1])
    change(() => void store.set.counter(1))
    expect([shown(), renders]).toEqual(['1', 2])
    change(() => void store.set.other(5))
    change(() => void store.set.counter(1))
    expect(renders).toBe(2)
  })

  test('does not render again when what it read changes and its value does not', () => {
    render(<Show read={() => store.state.counter > 10} />)
    change(() => void store.set.counter(5))
    expect([shown(), renders]).toEqual(['false', 1])
    change(() => void store.set.counter(11))
    expect([shown(), renders]).toEqual(['true', 2])
  })

  test('follows derived values and deep ones', () => {
    render(<Show read={() => [store.state.double, store.state.rows[1]?.name]} />)
    change(() => void store.set.counter(2))
    change(() => void store.events.rename(1, 'z'))
    expect([shown(), renders]).toEqual(['[4,"z"]', 3])
    change(() => void store.events.rename(0, 'y'))
    expect(renders).toBe(3)
  })

  test('a new array each time comes to rest, and is the same while its entries are', () => {
    const seen = new Set<unknown>()
    render(<Names seen={seen} />)
    fireEvent.click(screen.getByRole('button'))
    change(() => void store.set.other(1))
    expect(seen.size).toBe(1)
    change(() => void store.events.add('c'))
    expect([screen.getByRole('button').textContent, seen.size]).toEqual(['a,b,c', 2])
  })

  test('an object made by the function is compared by its entries, a row by its identity', () => {
    render(<Show read={() => ({ counter: store.state.counter, even: store.state.counter % 2 === 0 })} />)
    expect([shown(), renders]).toEqual(['{"counter":0,"even":true}', 1])
    cleanup()
    renders = 0
    // Two rows that look the same are two rows.
    change(() => void store.set.rows([1, 2].map(() => ({ id: 0, name: 'same', done: false }))))
    const first = store.state.rows[0]
    const seen = new Set<unknown>()
    render(<Selected seen={seen} />)
    change(() => void store.set.index(1))
    expect([...seen]).toEqual([first, store.state.rows[1]])
    expect(first).not.toBe(store.state.rows[1])
  })

  test('a whole list is followed by what is read of it, or as plain data', () => {
    render(<Show read={() => toPlain(store.state.rows)} />)
    change(() => void store.events.rename(0, 'x'))
    expect(shown()).toContain('"x"')
    expect(renders).toBe(2)
  })

  test.each([
    ['of records', () => store.state.rows.map(({ id, name }) => ({ id, name })), 0],
    ['of plain data', () => toPlain(store.state.rows), 0],
    ['of dates', () => store.state.rows.map(({ id }) => new Date(id)), 1],
    [
      'of closures',
      () =>
        store.state.rows.map(
          ({ id }) =>
            () =>
              id,
        ),
      1,
    ],
    ['of elements', () => store.state.rows.map(({ id }) => <p key={id} />), 1],
  ])('a function that makes a new array %s at each call comes to rest', (_, read, toBeSure) => {
    const { rerender } = render(<Inline read={read} again={0} />)
    expect([shown(), renders]).toEqual(['2', 1 + toBeSure])
    rerender(<Inline read={read} again={1} />)
    expect([shown(), renders]).toEqual(['3', 2 + toBeSure])
    change(() => void store.events.add('c'))
    expect([shown(), renders]).toEqual(['4', 3 + toBeSure])
    change(() => void store.set.other(1))
    expect(renders).toBe(3 + toBeSure)
  })

  test('follows the function of the last render', () => {
    const { rerender } = render(<Row index={0} />)
    rerender(<Row index={1} />)
    expect(shown()).toBe('b')
    change(() => void store.events.rename(1, 'changed'))
    expect(shown()).toBe('changed')
  })

  test('sees what changes between its render and its effects', () => {
    render(<Early />)
    expect(shown()).toBe('7')
  })

  test('a component that was hidden shows what has changed meanwhile', () => {
    const read = () => store.state.rows.map(({ id }) => new Date(id))
    const app = (mode: 'visible' | 'hidden') => (
      <Activity mode={mode}>
        <Inline read={read} again={0} />
      </Activity>
    )
    const { rerender } = render(app('visible'))
    rerender(app('hidden'))
    change(() => void store.events.add('c'))
    rerender(app('visible'))
    expect(shown()).toBe('3')
    change(() => void store.events.add('d'))
    expect(shown()).toBe('4')
  })

  test('two components that read the same never differ on the screen', async () => {
    const { rerender, container } = render(<Both show={false} />)
    await act(async () => {
      startTransition(() => rerender(<Both show={true} />))
      store.set.counter(1)
    })
    expect(container.textContent).toBe('11')
  })

  test('leaves nothing behind: unmounted, in StrictMode, or thrown away', () => {
    const box = observable.box(0)
    const observers = () => (getObserverTree(box).observers ?? []).length
    const { unmount } = render(
      <StrictMode>
        <Show read={() => box.get()} />
      </StrictMode>,
    )
    expect(observers()).toBe(1)
    unmount()
    expect(observers()).toBe(0)
    render(
      <Suspense fallback="waiting">
        <Suspends read={() => box.get()} />
      </Suspense>,
    )
    expect(observers()).toBe(0)
  })

  test('follows anything that MobX observes', () => {
    const box = observable.box(1)
    render(<Show read={() => [box.get(), store.version]} />)
    change(() => runInAction(() => box.set(2)))
    change(() => void store.set.counter(1))
    expect(shown()).toBe('[2,1]')
  })

  test('what the function throws goes to the error boundary, also when it begins to throw later', () => {
    const read = () => {
      if (store.state.counter > 0) throw new Error('too much')
      return 'fine'
    }
    const caught: unknown[] = []
    render(
      <Boundary>
        <Show read={read} />
      </Boundary>,
      { onCaughtError: (error) => caught.push(error) },
    )
    expect(shown()).toBe('"fine"')
    change(() => void store.set.counter(1))
    expect(shown()).toBe('too much')
    expect(caught.length).toBe(1)
  })

  test('renders on a server, and hydrates', async () => {
    const html = renderToString(<Show read={() => store.state.rows.map(({ id }) => id)} />)
    expect(html).toBe('<output>[1,2]</output>')
    const root = document.createElement('div')
    root.innerHTML = html
    document.body.append(root)
    const app = await act(async () => hydrateRoot(root, <Show read={() => store.state.rows.map(({ id }) => id)} />))
    change(() => void store.events.add('c'))
    expect(root.textContent).toBe('[1,2,3]')
    act(() => app.unmount())
    root.remove()
  })
})
