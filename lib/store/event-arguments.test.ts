import { afterEach, expect, test } from 'vitest'
import type { Mutation } from '../index.js'
import { createStore, defineState } from '../index.js'
import { holdLease } from '../testing/index.js'

/* What an event that has to wait is given in the end: its arguments as they were at the call. */

interface Filter {
  text: string
  tags: string[]
}
class Choice {
  text: string
  constructor(text: string) {
    this.text = text
  }
}

const state = defineState('arguments', () => ({
  filter: { text: '', tags: [] } as Filter,
  byId: new Map<number, Filter>(),
}))

const stores: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.dispose()
})

function create() {
  const given: unknown[] = []
  const store = createStore(state, {
    events: {
      put(draft, filter: Filter) {
        draft.filter = filter
      },
      putAll(draft, ...byId: [number, Filter][]) {
        for (const [id, filter] of byId) draft.byId.set(id, filter)
      },
      take(_draft, ...args: readonly unknown[]) {
        given.push(...args)
      },
    },
  })
  stores.push(store)
  return { store, given }
}

const filter = (): Filter => ({ text: 'before', tags: ['a'] })
function change(changed: Filter): void {
  changed.text = 'after'
  changed.tags.push('b')
}

test('a setter that waits sets the value as it was at the call', async () => {
  const { store } = create()
  const held = await holdLease(store)
  const mine = filter()
  const run = store.set.filter(mine)
  change(mine)
  expect(run.ran).toBe(false)
  await held.release()
  await run
  expect(store.snapshot().filter).toEqual(filter())
})

test('an event that waits is called with its plain arguments as they were at the call, however deep', async () => {
  const { store } = create()
  const held = await holdLease(store)
  const mine = [filter(), filter(), filter()] as const
  const runs = [store.events.put(mine[0]), store.events.putAll([1, mine[1]], [2, mine[2]])]
  for (const each of mine) change(each)
  await held.release()
  await Promise.all(runs)
  expect(store.snapshot()).toMatchObject({ filter: filter() })
  expect([...store.snapshot().byId]).toEqual([
    [1, filter()],
    [2, filter()],
  ])
})

test('S6 an apply that waits applies the mutations as they were at the call', async () => {
  const { store } = create()
  const held = await holdLease(store)
  const mine = filter()
  const mutations: Mutation[] = [{ op: 'set', path: ['filter'], value: mine }]
  const run = store.apply(mutations)
  change(mine)
  mutations.push({ op: 'clear', path: ['byId'] })
  expect(run.ran).toBe(false)
  await held.release()
  await run
  expect(store.snapshot().filter).toEqual(filter())
})

test('an argument that is no plain data reaches the handler of an event that waits as it is', async () => {
  const { store, given } = create()
  const held = await holdLease(store)
  const choice = new Choice('x')
  const call = () => {}
  const mixed = { call, choice }
  const run = store.events.take(choice, call, mixed, 1, 'text', undefined)
  choice.text = 'y'
  await held.release()
  await run
  expect(given).toHaveLength(6)
  expect(given[0]).toBe(choice)
  expect(given[1]).toBe(call)
  expect(given[2]).toBe(mixed)
  expect(given.slice(3)).toEqual([1, 'text', undefined])
  expect((given[0] as Choice).text).toBe('y')
})

test('E3: an event that runs inside the call gets its arguments themselves', () => {
  const { store, given } = create()
  const mine = filter()
  store.events.take(mine)
  expect(given[0]).toBe(mine)
})
