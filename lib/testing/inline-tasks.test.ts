import { afterEach, describe, expect, test, vi } from 'vitest'
import { defineTask, serveTasks } from '../../workers/index.js'
import { createStore, defineState, StoreDisposedError, toPlain, VersionMismatchError } from '../index.js'
import { pageClock } from '../store/clock.js'
import type { CounterStore } from './fixtures/counter.js'
import { createCounter } from './fixtures/counter.js'
import counterTasks from './fixtures/counter.worker.js'
import { holdLease, idle, inlineTasks } from './index.js'

let store: CounterStore
const start = () => {
  store = createCounter(inlineTasks(counterTasks))
  return store
}
afterEach(async () => {
  await store.dispose()
  vi.useRealTimers()
})

/** What the backend field says, which the page does not show. */
const running = () => store.lease((state) => state._nTasks)

async function sleepOn(ms: number): Promise<void> {
  await idle(store)
  vi.advanceTimersByTime(ms)
  await idle(store)
}

describe('inline tasks, with fake timers', () => {
  test('T1: the counter counts up to its maximum and stops', async () => {
    vi.useFakeTimers()
    const { state, events, backgroundTasks } = start()
    events.toggleRunning()
    await idle(store)
    expect([state.counter, state.progress, backgroundTasks.size]).toEqual([1, 0.1, 1])
    for (let i = 0; i < 9; i++) await sleepOn(500)
    expect([state.counter, state.running, backgroundTasks.size]).toEqual([10, true, 1])
    await sleepOn(500)
    expect([state.counter, state.running, backgroundTasks.size, await running()]).toEqual([10, false, 0, 0])
  })

  test('T1: toggled off half way it stops, and a raised maximum is obeyed at the next lease', async () => {
    vi.useFakeTimers()
    const { state, events, set } = start()
    set.maxCounter(2)
    events.toggleRunning()
    await sleepOn(500)
    set.maxCounter(100)
    await sleepOn(500)
    expect(state.counter).toBe(3)
    events.toggleRunning()
    await sleepOn(500)
    expect([state.counter, state.running, store.backgroundTasks.size, await running()]).toEqual([3, false, 0, 0])
  })

  test('T1: started five times at once it counts once', async () => {
    vi.useFakeTimers()
    start().events.toggleRunning()
    for (let i = 0; i < 4; i++) store.tasks.countUp()
    await idle(store)
    expect([store.state.counter, store.backgroundTasks.size, await running()]).toEqual([1, 1, 1])
    await sleepOn(500)
    expect(store.state.counter).toBe(2)
  })

  test('X3: advancing them by a minute expires no lease', async () => {
    vi.useFakeTimers()
    const { state } = start()
    const run = store.tasks.holdFor(50)
    await vi.waitUntil(() => store.line.holder?.name === 'holdFor')
    const waiting = store.lease((draft) => {
      draft.text = 'later'
    })
    // The page's clock is asked first: a lease that counted fake time would be over after the first 10 s.
    for (let i = 0; i < 60; i++) vi.advanceTimersByTime(1_000)
    await run.done
    await waiting
    expect([state.counter, state.text, run.status]).toEqual([1, 'later', 'succeeded'])
  })

  test('X3: they do not move the clock of the library', () => {
    start()
    const before = pageClock.now()
    vi.useFakeTimers()
    vi.advanceTimersByTime(60_000)
    expect(pageClock.now() - before).toBeLessThan(10_000)
  })

  test('a task that sleeps in its lease is not at rest', async () => {
    vi.useFakeTimers()
    start().tasks.holdFor(1_000)
    await vi.waitUntil(() => store.line.holder !== undefined)
    await expect(idle(store, { timeout: 30 })).rejects.toThrow(
      'did not come to rest within 30 ms: task "holdFor" is asleep, task "holdFor" holds the lease',
    )
    vi.advanceTimersByTime(1_000)
    await idle(store)
    expect(store.state.counter).toBe(1)
  })
})

describe('inline tasks', () => {
  test('T9: arguments and results are copies', async () => {
    const run = start().tasks.fill(3)
    expect(await run.done).toBe(3)
    expect(run.progress).toEqual({ value: 3, total: 3, label: 'filled' })
    expect(store.state.rows.map(({ name }) => name)).toEqual(['row 0', 'row 1', 'row 2'])
  })

  test('X7: maps, sets, dates and rows are what they are, on both sides of the port', async () => {
    const kinds = defineState('kinds', () => ({
      tags: new Map([['a', { n: 1 }]]),
      seen: new Set(['x']),
      at: new Date(0),
      rows: [{ id: 1 }],
      bytes: new Uint8Array([1, 2]),
    }))
    const served = serveTasks(kinds, {
      async change(task, tags: Map<string, { n: number }>, at: Date) {
        await task.lease((state) => {
          for (const [key, value] of tags) state.tags.set(key, value)
          state.seen.add('y')
          state.at = at
          state.rows.push({ id: 2 })
          state.bytes = new Uint8Array([3])
        })
        await task.lease((state) => {
          state.tags.get('b')!.n += 1
          state.rows[1]!.id += 1
        })
        return { size: task.state.tags.size, at: task.state.at, tags: task.snapshot().tags }
      },
    })
    start()
    const other = createStore(kinds, { tasks: inlineTasks(served) })
    const result = await other.tasks.change(new Map([['b', { n: 2 }]]), new Date(5)).done
    expect(result).toEqual({
      size: 2,
      at: new Date(5),
      tags: new Map([
        ['a', { n: 1 }],
        ['b', { n: 3 }],
      ]),
    })
    expect(toPlain(other.state)).toEqual({
      tags: new Map([
        ['a', { n: 1 }],
        ['b', { n: 3 }],
      ]),
      seen: new Set(['x', 'y']),
      at: new Date(5),
      rows: [{ id: 1 }, { id: 3 }],
      bytes: new Uint8Array([3]),
    })
    expect([other.state.tags instanceof Map, other.state.at instanceof Date]).toEqual([true, true])
    await other.dispose()
  })

  test('X7: they run where there is no MessageChannel', async () => {
    vi.stubGlobal('MessageChannel', undefined)
    try {
      const run = start().tasks.fill(2)
      store.tasks.steps(2)
      await idle(store)
      expect([run.status, store.state.rows.length, store.state.counter]).toEqual(['succeeded', 2, 2])
    } finally {
      vi.unstubAllGlobals()
    }
  })

  test('an async generator runs to its end and gives what it returns', async () => {
    expect(await start().tasks.steps(3).done).toBe('done')
    expect(store.state.counter).toBe(3)
  })

  test('T10: an error arrives with its class, and nothing of its lease is applied', async () => {
    const run = start().tasks.fail('too far')
    const error = await run.done.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RangeError)
    expect((error as Error).message).toBe('too far')
    expect((error as Error).stack).toContain('counter.worker')
    expect([run.status, store.state.counter]).toEqual(['failed', 0])
  })

  test('T11: a cancelled run ends in its sleep, and its cleanup lease is still granted', async () => {
    vi.useFakeTimers()
    start().set.running(true)
    const run = store.tasks.countUp()
    await idle(store)
    run.cancel('enough')
    await expect(run.done).rejects.toBe('enough')
    expect([run.status, await running()]).toEqual(['cancelled', 0])
  })

  test('T15: dispose ends its runs and what they wait for', async () => {
    vi.useFakeTimers()
    const run = start().tasks.countUp()
    store.set.running(true)
    await idle(store)
    await store.dispose()
    expect(run.status).toBe('cancelled')
    expect(vi.getTimerCount()).toBe(0)
    await expect(store.events.clearCounter()).rejects.toThrow(StoreDisposedError)
  })

  test('tasks of another state are refused', async () => {
    start()
    const other = defineState('other', () => ({ n: 0 }))
    const onError = vi.fn()
    // The types do not know the name of a state.
    const wrong = createStore(other, { tasks: inlineTasks(counterTasks), onError })
    await expect(wrong.tasks.countUp().done).rejects.toThrow(VersionMismatchError)
    await wrong.dispose()
  })
})

describe('idle', () => {
  test('waits for events in the line and for runs that no lease shows', async () => {
    start()
    const held = await holdLease(store)
    store.set.text('a')
    store.tasks.fill(2)
    const rest = idle(store)
    let rested = false
    void rest.then(() => {
      rested = true
    })
    await idleFor(5)
    expect([rested, store.state.text]).toEqual([false, ''])
    await held.release()
    expect(store.state.text).toBe('a')
    await rest
    expect(store.state.rows.length).toBe(2)
    expect(store.backgroundTasks.size).toBe(0)
  })

  test('T13: a run that waits for one that sleeps is at rest with it', async () => {
    vi.useFakeTimers()
    const state = defineState('queue', () => ({ n: 0 }))
    const queue = createStore(state, {
      tasks: inlineTasks(
        serveTasks(state, {
          next: defineTask({ concurrency: 'enqueue' }, async (task, ms: number) => {
            await task.sleep(ms)
          }),
        }),
      ),
    })
    const runs = [queue.tasks.next(1_000), queue.tasks.next(1_000)]
    const statuses = () => runs.map(({ status }) => status)
    await idle(queue)
    expect(statuses()).toEqual(['running', 'starting'])
    vi.advanceTimersByTime(1_000)
    await idle(queue)
    expect(statuses()).toEqual(['succeeded', 'running'])
    vi.advanceTimersByTime(1_000)
    await idle(queue)
    expect(statuses()).toEqual(['succeeded', 'succeeded'])
    await queue.dispose()
  })

  test('names what is still under way', async () => {
    start()
    const held = await holdLease(store, { name: 'mine' })
    store.set.text('a')
    await expect(idle(store, { timeout: 20 })).rejects.toThrow('page "mine" holds the lease, event "set.text" waits')
    await held.release()
  })
})

describe('holdLease', () => {
  test('rejects if the lease is not to be had', async () => {
    start()
    const held = await holdLease(store)
    await expect(holdLease(store, { timeout: 10 })).rejects.toThrow('within 10 ms')
    await held.release()
    await held.release()
    expect(store.line.holder).toBe(undefined)
  })

  test('says when it was held for too long', async () => {
    start()
    const held = await holdLease(store, { ttl: 20 })
    await vi.waitUntil(() => store.line.holder === undefined)
    await expect(held.release()).rejects.toThrow('expired')
  })

  test('is released at the end of a block', async () => {
    start()
    {
      await using held = await holdLease(store)
      expect(store.line.holder?.name).toBe('holdLease')
      void held
    }
    expect(store.line.holder).toBe(undefined)
  })
})

/** Some turns of the event loop: time for whatever should not happen. */
async function idleFor(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve))
}
