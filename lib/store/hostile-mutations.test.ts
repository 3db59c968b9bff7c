import { afterEach, describe, expect, test } from 'vitest'
import { serveTasks } from '../../workers/index.js'
import type { Commit, Mutation } from '../index.js'
import { createStore, defineState, LeaseholdError, toPlain } from '../index.js'
import { inlineTasks } from '../testing/index.js'
import type { HandWrittenWorker } from './fixtures/hand-written-worker.js'
import { handWritten } from './fixtures/hand-written-worker.js'

/*
 * Batches from elsewhere that aim at prototypes. What is no key of an object is a fine key of a `Map` and a fine member of a
 * `Set`: there it leads nowhere.
 */

interface Nested {
  next?: Nested
  value?: number
}

const reserved = ['__proto__', 'prototype', 'constructor']

const state = defineState(
  'counter',
  () => ({
    rows: [{ name: 'one' }, { name: 'two' }],
    byWord: new Map<string, number>(),
    byName: new Map<string, { n: number }>(),
    words: new Set<string>(),
    record: {} as Record<string, unknown>,
    deep: {} as Nested,
  }),
  { version: 3 },
)

const tasks = serveTasks(state, {
  async count(task, word: string) {
    await task.lease((draft) => {
      draft.byWord.set(word, (draft.byWord.get(word) ?? 0) + 1)
      draft.words.add(word)
    })
  },
  async forget(task, word: string) {
    await task.lease((draft) => {
      draft.byWord.delete(word)
      draft.words.delete(word)
    })
  },
  async increment(task, name: string) {
    await task.lease((draft) => {
      const found = draft.byName.get(name)
      if (found) found.n += 1
    })
  },
  async setDeepest(task, value: number) {
    await task.lease((draft) => {
      let at = draft.deep
      while (at.next) at = at.next
      at.value = value
    })
  },
})

const opened: { dispose(): unknown }[] = []
const workers: HandWrittenWorker[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each.dispose()
  for (const worker of workers.splice(0)) worker.close()
})

function create(initialState: { deep?: Nested } = {}) {
  const reported: unknown[] = []
  const store = createStore(state, {
    initialState,
    tasks: inlineTasks(tasks),
    onError: (error) => reported.push(error),
    events: {
      count(draft, word: string) {
        draft.byWord.set(word, (draft.byWord.get(word) ?? 0) + 1)
        draft.byName.set(word, { n: 1 })
        draft.words.add(word)
      },
    },
  })
  const commits: Commit[] = []
  store.onCommit((commit) => commits.push(commit))
  opened.push(store)
  return { store, reported, commits }
}

const set = (path: readonly string[], value: unknown = 1): object => ({ op: 'set', path, value })
const ref = (value: unknown, at: readonly (string | number)[], from: readonly (string | number)[] = ['rows', 0]) => ({
  op: 'set',
  path: ['record', 'x'],
  value,
  refs: [{ at, from }],
})

const hostile: [string, object][] = [
  ['a field', set(['__proto__'])],
  ['a field of a field', set(['__proto__', 'isAdmin'])],
  ...reserved.map((key): [string, object] => [`the key ${key} of an object`, set(['record', key])]),
  ['a path through an object', set(['record', '__proto__', 'isAdmin'])],
  ['a path through a constructor', set(['record', 'constructor', 'prototype', 'isAdmin'])],
  ['a path through an array', set(['rows', '__proto__', '__proto__', 'isAdmin'])],
  ['a key of an array', set(['rows', '__proto__'])],
  ['a path through a Map', set(['byName', '__proto__', 'isAdmin'])],
  ['a deletion', { op: 'delete', path: ['record', '__proto__', 'toString'] }],
  ['a deletion in an array', { op: 'delete', path: ['rows', '__proto__', 'push'] }],
  ['a splice', { op: 'splice', path: ['rows', '__proto__'], index: 0, remove: 0, values: [1] }],
  ['a clear', { op: 'clear', path: ['byName', 'constructor', 'prototype'] }],
  ['an added member', { op: 'add', path: ['words', '__proto__'], value: 'isAdmin' }],
  ['a value with a key __proto__', set(['record', 'x'], JSON.parse('{"__proto__": {"isAdmin": true}}'))],
  ['a ref from a prototype', ref(undefined, [], ['record', '__proto__'])],
  ['a ref from the prototype of an array', ref(undefined, [], ['rows', '__proto__'])],
  ['a ref from a constructor', ref(undefined, [], ['record', 'constructor', 'prototype'])],
  ...[{}, [], [[]], new Map()].flatMap((value): [string, object][] =>
    [
      ['__proto__', 'isAdmin'],
      ['__proto__', '__proto__', 'isAdmin'],
      ['constructor', 'prototype', 'isAdmin'],
    ].map((at) => [`a ref in ${JSON.stringify(value)} at ${at.join('.')}`, ref(value, at)]),
  ),
  ['a ref in an object at __proto__', ref({}, ['__proto__'])],
  ['a ref in an array at __proto__', ref([], ['__proto__'])],
  ['a ref in an inner array', ref([[]], [0, '__proto__', '__proto__', 'isAdmin'])],
  [
    'a ref in the values of a splice',
    {
      op: 'splice',
      path: ['rows'],
      index: 0,
      remove: 0,
      values: [[]],
      refs: [{ at: ['__proto__', '__proto__', 'isAdmin'], from: ['rows', 0] }],
    },
  ],
  [
    'a ref in a value of a splice',
    {
      op: 'splice',
      path: ['rows'],
      index: 0,
      remove: 0,
      values: [[]],
      refs: [{ at: [0, '__proto__', '__proto__', 'isAdmin'], from: ['rows', 0] }],
    },
  ],
]

const prototypes = [Object.prototype, Array.prototype, Map.prototype, Set.prototype]
const ownKeys = () => prototypes.map((prototype) => Reflect.ownKeys(prototype))
const untouched = ownKeys()
/** No prototype has a new key, and none of its methods is gone. If one has, it is put right for the tests that follow. */
function expectCleanPrototypes(): void {
  const found = ownKeys()
  for (const prototype of prototypes) Reflect.deleteProperty(prototype, 'isAdmin')
  expect(found).toEqual(untouched)
}

describe('what aims at a prototype is refused', () => {
  test.each(hostile)('by store.apply: %s', async (_what, mutation) => {
    const { store } = create()
    const before = toPlain(store.state)
    const good = { op: 'add', path: ['words'], value: 'good' } // nothing of the batch is applied
    await expect(store.apply([good, mutation] as Mutation[])).rejects.toThrow(LeaseholdError)
    expectCleanPrototypes()
    expect(toPlain(store.state)).toEqual(before)
    expect(store.version).toBe(0)
  })

  test.each(hostile)('in the batch of a task: %s', async (_what, mutation) => {
    const source = handWritten()
    const reported: unknown[] = []
    const store = createStore(state, { tasks: source, onError: (error) => reported.push(error) })
    opened.push(store, { dispose: () => workers.push(...source.workers) })
    const start: (name: string) => void = (name) => void Reflect.get(store.tasks, name)()
    start('a')
    const worker = source.workers[0] as HandWrittenWorker
    await worker.next('start')
    worker.request(1, 1)
    worker.commit(await worker.granted(), 0, true, [mutation])
    expect(await worker.error('rejected')).toBeInstanceOf(LeaseholdError)
    expectCleanPrototypes()
    expect([store.version, store.line.holder]).toEqual([0, undefined])
    expect(reported).toEqual([])
  })
})

describe('as keys of a Map and members of a Set these names are like any other', () => {
  test.each(reserved)('%s, set by an event and changed by tasks', async (word) => {
    const { store, reported } = create()
    store.events.count(word)
    await store.tasks.count(word).done
    await store.tasks.increment(word).done
    expect([store.state.byWord.get(word), store.state.byName.get(word)?.n]).toEqual([2, 2])
    expect([...store.state.words]).toEqual([word])
    await store.tasks.forget(word).done
    expect([store.state.byWord.size, store.state.words.size]).toEqual([0, 0])
    expectCleanPrototypes()
    expect(reported).toEqual([])
  })

  test.each(reserved)('S6: %s, undone by the inverse of its commits, of an event and of a task', async (word) => {
    const { store, commits } = create()
    store.events.count(word)
    await store.tasks.increment(word).done
    await store.tasks.forget(word).done
    const after = [...commits]
    for (const { inverse } of after.toReversed()) await store.apply(inverse)
    expect([store.state.byWord.size, store.state.byName.size, store.state.words.size]).toEqual([0, 0, 0])
    for (const { mutations } of after) await store.apply(mutations)
    expect([store.state.byWord.size, store.state.byName.get(word)?.n]).toEqual([0, 2])
    expectCleanPrototypes()
  })

  test('a hundred and more of them from one worker do not cost its other runs the worker', async () => {
    const { store, reported } = create()
    for (let i = 0; i < 120; i++) await store.tasks.count('constructor').done
    expect(store.state.byWord.get('constructor')).toBe(120)
    expect(reported).toEqual([])
  })
})

test('S10: a task writes below a path of more than a hundred keys', async () => {
  const deep: Nested = {}
  let at = deep
  for (let i = 0; i < 150; i++) at = at.next = {}
  const { store, reported } = create({ deep })
  await store.tasks.setDeepest(7).done
  let found: Nested = toPlain(store.state).deep
  while (found.next) found = found.next
  expect(found.value).toBe(7)
  expect(reported).toEqual([])
})

test.each([
  ['the value itself', { op: 'set', path: ['record', 'x'], value: [1], refs: [{ at: [], from: ['rows', 0] }] }],
  ['in it', { op: 'set', path: ['record', 'x'], value: { y: 0 }, refs: [{ at: ['y'], from: ['rows', 0] }] }],
  [
    'a second time',
    {
      op: 'set',
      path: ['record', 'x'],
      value: undefined,
      refs: [
        { at: [], from: ['rows', 0] },
        { at: [], from: ['rows', 1] },
      ],
    },
  ],
])('S6: a ref to a place that is taken is refused: %s', async (_, mutation) => {
  const store = createStore(state, {})
  await expect(store.apply([mutation as Mutation])).rejects.toMatchObject({
    code: 'INVALID_MUTATION',
    message: expect.stringContaining('in the value is taken'),
  })
  expect(store.version).toBe(0)
  await store.dispose()
})
