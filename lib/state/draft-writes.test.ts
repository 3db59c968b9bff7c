import { describe, expect, test } from 'vitest'
import { InvalidMutationError, NotCloneableError } from '../errors.js'
import { createInitialState, defineState, shapeOf } from './define-state.js'
import { createDraft } from './draft.js'
import { settle } from './draft-settle.js'
import { appState } from './fixtures/guarded-state.ts'
import { show } from './fixtures/random-values.ts'
import { createReadOnlyView } from './read-only.js'
import { StateTree } from './tree.js'

// What is tried here is what types forbid.
type State = any

const shape = shapeOf(
  defineState('anything', () => ({ map: new Map(), set: new Set(), list: [], record: {}, other: undefined })),
)

function open(root: Record<string, unknown> = {}) {
  const tree = new StateTree(shape, { map: new Map(), set: new Set(), list: [], record: {}, other: undefined, ...root })
  const draft = createDraft(shape, tree.root)
  const state: State = draft.state
  /** What a `yield` of a generator does. */
  const flush = (): void => {
    tree.apply(draft.changes())
    settle(draft.state, tree.root)
  }
  return { tree, draft, state, flush, ops: () => draft.changes().map(({ op }) => op) }
}

describe('a search in a list of a draft', () => {
  const rows = (): { id: number }[] => [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }]

  test.each([
    ['a view', ({ shape, root }: StateTree): State => createReadOnlyView(shape, () => root)],
    ['a snapshot', (tree: StateTree): State => tree.snapshot(false)],
  ])('G6 finds the rows of %s, reached or not, wherever they stand by now', (_, reader) => {
    const { state, tree, flush } = open({ list: rows(), record: rows() })
    const [first, second, third, fourth] = reader(tree).list
    const places = (sought: unknown): unknown[] => [
      state.list.indexOf(sought),
      state.list.lastIndexOf(sought),
      state.list.includes(sought),
    ]
    expect([first, second, fourth].map(places)).toEqual([0, 1, 3].map((i) => [i, i, true]))
    state.list[0].id = 5
    state.list.splice(1, 1)
    state.list.reverse()
    expect([first, third, fourth].map(places)).toEqual([2, 1, 0].map((i) => [i, i, true]))
    expect([second, reader(tree).record[0]].map(places)).toEqual([-1, -1].map((i) => [i, i, false]))
    expect([state.list.indexOf(third, 2), state.list.lastIndexOf(third, 0)]).toEqual([-1, -1])
    state.other = [state.list[0]]
    expect(state.other.indexOf(fourth)).toBe(0)
    flush()
    expect(reader(tree).list.map((row: unknown) => state.list.indexOf(row))).toEqual([0, 1, 2])
  })
})

function sizes(size: number): [number, number][] {
  return Array.from({ length: size }, (_, i) => [i, i])
}

describe('an iteration over which a draft is flushed', () => {
  /** A loop that deletes, adds, and puts back at the end; `flush` does nothing on the plain side. */
  function loop(keys: Iterable<unknown>, target: Map<unknown, unknown> | Set<unknown>, flush: () => void): unknown[] {
    const add = (key: unknown): unknown => (target instanceof Map ? target.set(key, key) : target.add(key))
    const seen: unknown[] = []
    for (const key of keys) {
      seen.push(key)
      if (seen.length === 1) add('new')
      if (seen.length === 2) {
        target.delete(key)
        target.delete(5)
        add(key)
      }
      if (seen.length === 3) target.delete(1)
      if (key === 'new') add('newer')
      if (key === 'newer') {
        target.clear()
        add('last')
      }
      flush()
    }
    return seen
  }

  test.each([3, 8, 66, 200])('G6 L13 goes on over a Map of %i as in plain JavaScript', (size) => {
    const { state, tree, flush } = open({ map: new Map(sizes(size)) })
    const plain = new Map<unknown, unknown>(sizes(size))
    const expected = loop(plain.keys(), plain, () => {})
    expect(loop(state.map.keys(), state.map, flush)).toEqual(expected)
    expect(show(state.map)).toBe(show(plain))
    expect(show(tree.root.map)).toBe(show(plain))
  })

  test.each([3, 8, 66, 200])('G6 L13 goes on over a Set of %i as in plain JavaScript', (size) => {
    const { state, tree, flush } = open({ set: new Set(Array(size).keys()) })
    const plain = new Set<unknown>(Array(size).keys())
    const expected = loop(plain, plain, () => {})
    expect(loop(state.set, state.set, flush)).toEqual(expected)
    expect(show(tree.root.set)).toBe(show(plain))
  })

  test('G6 a loop that clears and sets again visits what came', () => {
    const { state } = open({ map: new Map(sizes(5)), set: new Set([1, 2, 3]) })
    const seen: unknown[] = []
    for (const key of state.map.keys()) {
      seen.push(key)
      if (key !== 1) continue
      state.map.clear()
      state.map.set(3, 'again')
      state.map.set('x', 1)
    }
    for (const member of state.set) {
      seen.push(member)
      if (seen.length > 8) break
      state.set.clear()
      state.set.add(member)
    }
    expect(seen).toEqual([0, 1, 3, 'x', 1, 1, 1, 1, 1])
  })

  test('emptying a collection of 300,000 from the front ends', { timeout: 60_000 }, () => {
    // In half a second; where each step passes over all that has gone, in some minutes.
    const size = 300_000
    const { state } = open({ map: new Map(sizes(size)), set: new Set(Array(size).keys()) })
    while (state.map.size > 0) state.map.delete(state.map.keys().next().value)
    while (state.set.size > 0) state.set.delete(state.set.values().next().value)
    expect([...state.map.keys(), ...state.set]).toEqual([])
  })
})

describe('a list that was filtered in its own place', () => {
  test.each([4, 70])('G6 L13 the old list of %i shows what it was after the flush', (size) => {
    const { state, tree, flush } = open({ list: Array(size).fill(0) })
    const before = state.list
    state.list = before.map((_: number, i: number) => ({ id: i }))
    flush()
    const rows = state.list
    state.list = rows.filter((row: { id: number }) => row.id % 2 === 1)
    flush()
    expect(rows.map((row: { id: number }) => row.id)).toEqual([...Array(size).keys()])
    state.other = rows
    flush()
    expect((tree.root.other as { id: number }[]).map((row) => row.id)).toEqual([...Array(size).keys()])
  })
})

describe('a leaf', () => {
  test('G7 set where it stands already is no mutation', () => {
    const { state, draft } = open({ list: [new Date(5)], record: { at: new Date(7) }, map: new Map([['k', /x/]]) })
    const { at } = state.record
    const [first] = state.list
    state.record.at = at
    state.list[0] = first
    state.map.set('k', state.map.get('k'))
    expect(draft.changes()).toEqual([])
    state.record.none = state.record.missing
    state.list[0] = new Date(5)
    expect(draft.changes().map(({ op }) => op)).toEqual(['set', 'set'])
  })
})

describe('Object.defineProperty', () => {
  test('G6 with a value is an assignment on a key that is there, whatever else is left out', () => {
    const { state, ops } = open({ list: [1, 2], record: { a: 1 } })
    Object.defineProperty(state.record, 'a', { value: 2 })
    Object.defineProperty(state.list, 1, { value: 3 })
    Object.defineProperty(state, 'other', { value: 4, writable: true })
    expect([state.record.a, state.list[1], state.other]).toEqual([2, 3, 4])
    expect(ops()).toEqual(['set', 'set', 'set'])
    Object.defineProperty(state.list, 'length', { value: 0 })
    expect(state.list).toEqual([])
  })

  test('G6 is refused where it would make a hidden, read-only or computed property', () => {
    const { state, ops } = open({ list: [1], record: { a: 1 } })
    for (const [target, key, property] of [
      [state.record, 'b', { value: 1 }],
      [state.record, 'b', { value: 1, enumerable: true, configurable: true }],
      [state.record, 'a', { value: 1, writable: false }],
      [state.record, 'a', { value: 1, enumerable: false }],
      [state.record, 'a', { get: () => 1 }],
      [state.list, 1, { value: 1 }],
      [state.list, 0, { value: 1, configurable: false }],
      [state.list, 'length', { value: 1, writable: false }],
    ] as const) {
      expect(() => Object.defineProperty(target, key, property)).toThrow(InvalidMutationError)
    }
    expect(ops()).toEqual([])
  })
})

describe('an object that inherits from a part of a draft', () => {
  test.each(['record', 'list', 'map', 'set'])('G6 gets properties of its own, and leaves the %s alone', (field) => {
    const { state, ops } = open({ record: { a: 1 }, list: [1] })
    const heir = Object.create(state[field])
    heir.a = 2
    heir[0] = 3
    expect([Object.keys(heir), heir.a, heir[0]]).toEqual([['0', 'a'], 2, 3])
    expect(ops()).toEqual([])
    expect(state.record.a).toBe(1)
    expect(() => {
      state.other = heir
    }).toThrow(NotCloneableError)
  })

  test('G6 does not write on the state through the top level either', () => {
    const draft = createDraft(shapeOf(appState), createInitialState(appState))
    const heir = Object.create(draft.state)
    heir.count = 8
    heir.undeclared = 1
    expect((draft.state as State).count).toBe(1)
    expect(draft.changes()).toEqual([])
  })
})

describe('a comparison that writes', () => {
  const deeds: Record<string, (list: State, calls: number) => void> = {
    push: (list, calls) => calls === 2 && list.push({ id: 50 }),
    shift: (list, calls) => calls === 2 && list.shift(),
    'length = 0': (list, calls) => {
      if (calls === 3) list.length = 0
    },
    'an element': (list, calls) => {
      if (calls === 1) list[0] = { id: 9 }
    },
    splice: (list, calls) => calls === 2 && list.splice(1, 2, { id: 60 }, { id: 61 }, { id: 62 }),
    sort: (list, calls) => calls === 2 && list.sort((a: State, b: State) => b.id - a.id),
    'a field of an element': (_, calls) => calls,
  }

  test.each(Object.entries(deeds))('G6 sorts as plain JavaScript does: %s', (name, deed) => {
    const initial = [5, 3, 8, 1, 4].map((id) => ({ id, n: 0 }))
    const { state, tree, flush } = open({ list: structuredClone(initial) })
    const sort = (list: State): string => {
      let calls = 0
      list.sort((a: State, b: State) => {
        calls += 1
        if (name === 'a field of an element') a.n += 1
        else deed(list, calls)
        return a.id - b.id
      })
      return show(list)
    }
    const expected = sort(structuredClone(initial))
    expect(sort(state.list)).toBe(expected)
    flush()
    expect(show(tree.root.list)).toBe(expected)
  })
})

describe('flushes', () => {
  test('one for each of 50,000 rows that are written end', { timeout: 60_000 }, () => {
    // In a second or two; where each flush goes over all that was reached, in some minutes.
    const { state, tree, flush } = open({ list: Array.from({ length: 50_000 }, (_, id) => ({ id, n: 0 })) })
    for (const row of state.list) {
      row.n = 1
      flush()
    }
    expect((tree.root.list as { n: number }[]).every(({ n }) => n === 1)).toBe(true)
  })
})
