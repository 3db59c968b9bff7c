import { reaction } from 'mobx'
import { afterEach, expect, test } from 'vitest'
import { expectConsole } from '../../scripts/test-setup.ts'
import type { EventSpec, StateOf } from '../index.js'
import { createStore, defineState, StoreDisposedError } from '../index.js'

/* A store that is disposed of by what it is just doing: what has been committed stands, and all else is refused. */

const state = defineState('disposed', () => ({ counter: 0 }))
type Counter = StateOf<typeof state>

const stores: { dispose(): Promise<void> }[] = []
const reactions: (() => void)[] = []
afterEach(async () => {
  for (const stop of reactions.splice(0)) stop()
  for (const store of stores.splice(0)) await store.dispose()
})

function create() {
  const reported: unknown[] = []
  const ended: string[] = []
  const store = createStore(state, {
    onError: (error) => reported.push(error),
    events: ({ emit }) => ({
      increment(draft: Counter) {
        draft.counter += 1
        return draft.counter
      },
      incrementTwice(draft: Counter) {
        draft.counter += 1
        return (emit as { increment(): EventSpec }).increment()
      },
      leave(draft: Counter, leave: () => void) {
        draft.counter = 1
        leave()
      },
      async leaveLater(draft: Counter, leave: () => void) {
        draft.counter = 1
        await Promise.resolve()
        leave()
      },
      async later(draft: Counter) {
        await Promise.resolve()
        draft.counter += 1
        return draft.counter
      },
      *steps(draft: Counter) {
        try {
          draft.counter = 1
          yield
          draft.counter = 2
          yield
        } finally {
          ended.push('generator')
        }
      },
    }),
  })
  stores.push(store)
  const disposeOnChange = (): void => {
    reactions.push(
      reaction(
        () => store.state.counter,
        () => void store.dispose(),
      ),
    )
  }
  return { store, reported, ended, disposeOnChange }
}

const errorOf = (promise: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(promise).then(
    (value) => value,
    (error: unknown) => error,
  )
/** A turn of the event loop: what nobody awaits has been reported. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

test('T15: an event that is called after dispose has not run, and rejects with StoreDisposedError', async () => {
  const { store } = create()
  await store.dispose()
  const run = store.events.increment()
  expect(run.ran).toBe(false)
  expect(await errorOf(run)).toBeInstanceOf(StoreDisposedError)
  expect(store.set.counter(1).ran).toBe(false)
})

test('L5: an event that disposes of its own store applies nothing, and rejects', async () => {
  expectConsole('warn', /"leaveLater" is async/)
  for (const name of ['leave', 'leaveLater'] as const) {
    const { store } = create()
    const run = store.events[name](() => void store.dispose())
    expect(await errorOf(run)).toBeInstanceOf(StoreDisposedError)
    expect([name, store.state.counter, store.version]).toEqual([name, 0, 0])
  }
})

test('T15: an event whose commit makes a reaction dispose of the store has committed: it resolves, and nothing is reported', async () => {
  expectConsole('warn', /"later" is async/)
  for (const name of ['increment', 'later'] as const) {
    const { store, reported, disposeOnChange } = create()
    disposeOnChange()
    expect(await store.events[name]()).toBe(1)
    expect([store.state.counter, store.version]).toEqual([1, 1])
    expect(reported).toEqual([])
  }
})

test('T16: nor is anything reported if nobody awaits it', async () => {
  const { store, reported, disposeOnChange } = create()
  disposeOnChange()
  void store.events.increment()
  await turn()
  expect([store.state.counter, reported]).toEqual([1, []])
})

test('T15: what such an event would have launched is dropped without a report', async () => {
  const { store, reported, disposeOnChange } = create()
  disposeOnChange()
  void store.events.incrementTwice()
  await turn()
  expect([store.state.counter, reported]).toEqual([1, []])
})

test('T15: a lease whose commit makes a reaction dispose of the store has committed, and resolves', async () => {
  const { store, reported, disposeOnChange } = create()
  disposeOnChange()
  const run = store.lease(async (draft) => {
    await Promise.resolve()
    draft.counter = 1
    return 'done'
  })
  expect(await run).toBe('done')
  expect([store.state.counter, reported]).toEqual([1, []])
})

test('L5: a lease that disposes of its own store applies nothing, and rejects', async () => {
  const { store } = create()
  const run = store.lease((draft) => {
    draft.counter = 1
    void store.dispose()
  })
  expect(await errorOf(run)).toBeInstanceOf(StoreDisposedError)
  expect([store.state.counter, store.version]).toEqual([0, 0])
})

test('L13 T15: a generator that published and whose store a reaction disposed of has not come to its end, and rejects', async () => {
  const { store, ended, disposeOnChange } = create()
  disposeOnChange()
  expect(await errorOf(store.events.steps())).toBeInstanceOf(StoreDisposedError)
  expect([store.state.counter, store.version, ended]).toEqual([1, 1, ['generator']])
})
