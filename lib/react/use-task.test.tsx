// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { autorun } from 'mobx'
import { StrictMode, useEffect } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { expectConsole } from '../../scripts/test-setup.js'
import type { TaskRun } from '../index.js'
import type { CounterStore } from '../testing/fixtures/counter.js'
import { createCounter } from '../testing/fixtures/counter.js'
import counterTasks from '../testing/fixtures/counter.worker.js'
import { idle, inlineTasks } from '../testing/index.js'
import { useTask } from './index.js'

let store: CounterStore
beforeEach(() => {
  vi.useFakeTimers()
  store = createCounter(inlineTasks(counterTasks))
})
afterEach(async () => {
  cleanup()
  await store.dispose()
  vi.useRealTimers()
})
const rest = () => act(() => idle(store))
const shown = () => screen.getByRole('status').textContent

const functions = new Set<unknown>()
beforeEach(() => functions.clear())

function Fill({ cancelOnUnmount = false }) {
  const { start, cancel, run, status, progress, error } = useTask(store.tasks.fill, { cancelOnUnmount })
  functions.add(start).add(cancel)
  return (
    <div>
      <button type="button" onClick={() => start(4)}>
        Fill
      </button>
      <output>{[status, progress?.value, run?.name, error].join()}</output>
    </div>
  )
}

function Fail() {
  const { start, status, error } = useTask(store.tasks.fail)
  return (
    <button type="button" onClick={() => start('too far')}>
      <output>{[status, error instanceof RangeError].join()}</output>
    </button>
  )
}

function Count() {
  const { start, cancel, status } = useTask(store.tasks.countUp)
  return (
    <button type="button" onClick={() => (status === 'running' ? cancel() : start())}>
      <output>{status}</output>
    </button>
  )
}

function Start({ cancelOnUnmount }: { cancelOnUnmount: boolean }) {
  const { start } = useTask(store.tasks.hammer, { cancelOnUnmount })
  return (
    <button type="button" onClick={() => start()}>
      Start
    </button>
  )
}

/** Starts its task when `loaded` settles, wherever the component is by then. */
function Late({ loaded, ...options }: { loaded: Promise<unknown>; cancelOnUnmount: boolean }) {
  const { start, status } = useTask(store.tasks.hammer, options)
  useEffect(() => void loaded.then(() => start()), [loaded, start])
  return <output>{status}</output>
}

/** Starts its task by a timer that it never clears. */
function Poll({ runs }: { runs: TaskRun<unknown>[] }) {
  const { start } = useTask(store.tasks.hammer, { cancelOnUnmount: true })
  useEffect(() => void setInterval(() => runs.push(start()), 1_000), [runs, start])
  return null
}

function Auto() {
  const { start, status } = useTask(store.tasks.hammer, { cancelOnUnmount: true })
  useEffect(() => void start(), [start])
  return <output>{status}</output>
}

describe('useTask', () => {
  test('shows the run that was started last, by functions that stay the same', async () => {
    render(<Fill />)
    expect(shown()).toBe('idle,,,')
    fireEvent.click(screen.getByText('Fill'))
    expect(shown()).toBe('starting,,fill,')
    await rest()
    expect(shown()).toBe('succeeded,4,fill,')
    expect(functions.size).toBe(2)
  })

  test('shows an error, which still goes to onError', async () => {
    expectConsole('error', /RangeError: too far/)
    render(<Fail />)
    fireEvent.click(screen.getByRole('button'))
    await rest()
    expect(shown()).toBe('failed,true')
  })

  test('cancels', async () => {
    store.set.running(true)
    render(<Count />)
    fireEvent.click(screen.getByRole('button'))
    await rest()
    expect(shown()).toBe('running')
    fireEvent.click(screen.getByRole('button'))
    await rest()
    expect(shown()).toBe('cancelled')
  })

  test('cancelOnUnmount ends what the component has started; without it a task goes on', async () => {
    const { rerender, unmount } = render(<Start key="a" cancelOnUnmount={true} />)
    fireEvent.click(screen.getByRole('button'))
    fireEvent.click(screen.getByRole('button'))
    const started = [...store.backgroundTasks]
    await rest()
    rerender(<Start key="b" cancelOnUnmount={false} />)
    await rest()
    expect(started.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
    fireEvent.click(screen.getByRole('button'))
    unmount()
    await rest()
    expect([...store.backgroundTasks].map(({ status }) => status)).toEqual(['running'])
  })

  test('started by an effect in StrictMode, one run goes on', async () => {
    render(
      <StrictMode>
        <Auto />
      </StrictMode>,
    )
    await rest()
    expect([shown(), store.backgroundTasks.size]).toEqual(['running', 1])
  })

  test.each([
    { when: 'before a worker is there', first: false },
    { when: 'with a worker that is ready', first: true },
  ])('T11: start called after the unmount, $when, gives a run that is cancelled at once', async ({ first }) => {
    if (first) await store.tasks.fill(1).done
    let load = (_: unknown): void => {}
    const loaded = new Promise((resolve) => {
      load = resolve
    })
    const { unmount } = render(<Late loaded={loaded} cancelOnUnmount={true} />)
    unmount()
    const statuses: string[] = []
    const stop = autorun(() => {
      for (const { name, status } of store.backgroundTasks) statuses.push(`${name} ${status}`)
    })
    load('data')
    await rest()
    stop()
    // One that was not sent yet never runs; one that was is told to end in the same turn.
    expect(statuses).toEqual(['hammer starting', ...(first ? ['hammer running', 'hammer cancelling'] : [])])
    expect([store.backgroundTasks.size, store.state.counter, store.line.holder]).toEqual([0, 0, undefined])
  })

  test('T11: started by a timer that outlives the component, again and again, no run is left', async () => {
    const runs: TaskRun<unknown>[] = []
    const { unmount } = render(<Poll runs={runs} />)
    act(() => vi.advanceTimersByTime(1_000))
    await rest()
    expect(runs.map(({ status }) => status)).toEqual(['running'])
    unmount()
    vi.advanceTimersByTime(3_000)
    await rest()
    expect(runs.map(({ status }) => status)).toEqual(Array(4).fill('cancelled'))
    expect(store.backgroundTasks.size).toBe(0)
    const { counter } = store.state
    vi.advanceTimersByTime(500)
    await rest()
    expect(store.state.counter).toBe(counter)
  })

  test('without cancelOnUnmount a run that is started after the unmount goes on', async () => {
    const loaded = Promise.resolve()
    const { unmount } = render(<Late loaded={loaded} cancelOnUnmount={false} />)
    unmount()
    await loaded
    await rest()
    expect([...store.backgroundTasks].map(({ status }) => status)).toEqual(['running'])
  })
})
