import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ImmutableStateError } from '../errors.js'
import { createInitialState, shapeOf } from './define-state.js'
import { createDraft } from './draft.js'
import type { Row } from './fixtures/guarded-state.ts'
import { appState, writes } from './fixtures/guarded-state.ts'
import { read } from './plain.js'
import { createReadOnlyView } from './read-only.js'
import { StateTree } from './tree.js'
import { toPlain } from './values.js'

function setUp() {
  const shape = shapeOf(appState)
  const tree = new StateTree(shape, createInitialState(appState))
  const state = createReadOnlyView(shape, () => tree.root) as any
  const before = structuredClone(tree.root)
  const change = (recipe: (draft: any) => void) => {
    const draft = createDraft(shape, tree.root)
    recipe(draft.state)
    tree.apply(draft.changes())
  }
  return { tree, state, before, change, plain: tree.root as any }
}

describe('the guarded view of a replica', () => {
  test.each(Object.entries(writes))('G1 refuses a write and changes nothing: %s', (_, write) => {
    const { tree, state, before } = setUp()
    expect(() => write(state)).toThrow(ImmutableStateError)
    expect(tree.root).toEqual(before)
    expect(Object.isFrozen(tree.root)).toBe(false)
  })

  test('G1 says which place was not written, and what to do', () => {
    const { state, change } = setUp()
    const message = (write: () => unknown): string => {
      try {
        write()
      } catch (error) {
        return (error as Error).message
      }
      return ''
    }
    expect(
      message(() => {
        state.rows[2].name = 'x'
      }),
    ).toBe(
      'Cannot write rows[2].name: task.state is read-only here, and nothing has changed. ' +
        'Write inside an event or a lease, on the draft that it is given.',
    )
    expect(message(() => delete state.settings.theme)).toMatch('Cannot delete settings.theme:')
    expect(message(() => state.rows[0].tags.push('x'))).toMatch('Cannot call rows[0].tags.push():')
    expect(message(() => state.byId.set('c', 1))).toMatch('Cannot call byId.set():')
    expect(
      message(() => {
        state.numbers[1] = 2
      }),
    ).toMatch('Cannot write numbers[1]:')
    expect(message(() => Object.freeze(state))).toMatch('Cannot freeze or seal (root):')
    const row = state.rows[2]
    change((draft) => draft.rows.splice(0, 2))
    expect(
      message(() => {
        row.name = 'x'
      }),
    ).toMatch('Cannot write name:') // it is not said where it stands, rather than said wrongly
  })

  test('reads as the data does', () => {
    const { state, plain } = setUp()
    expect(Object.keys(state)).toEqual(Object.keys(plain))
    expect(JSON.stringify(state)).toBe(JSON.stringify(plain))
    expect(state).toEqual(plain)
    expect(plain).toEqual(state)
    expect(state).toStrictEqual(plain)
    expect({ ...state.rows[0] }).toEqual(plain.rows[0])
    expect(Object.entries(state.record)).toEqual(Object.entries(plain.record))
    expect('name' in state.rows[0]).toBe(true)
    expect('nothing' in state.rows[0]).toBe(false)
    expect('toString' in state.rows[0]).toBe(true)
    expect(Object.hasOwn(state.rows[0], 'name')).toBe(true)
    expect(Object.hasOwn(state.rows[0], 'toString')).toBe(false)
    expect(String(state.rows[0])).toBe('[object Object]')
    expect(Object.getPrototypeOf(state.rows[0])).toBe(Object.prototype)
    expect(Reflect.get(state.rows[0], '__proto__')).toBe(Object.prototype)
    expect(state.rows[0].constructor).toBe(Object)
    const seen: string[] = []
    for (const key in state.rows[0]) seen.push(key)
    expect(seen).toEqual(['id', 'name', 'done', 'tags'])
    expect(state.maybe).toBe(undefined)
    expect('maybe' in state).toBe(true)
    expect(state.when).toBe(plain.when)
    expect(state.bytes).toBe(plain.bytes)
    expect(inspect(state, { depth: 9 })).toBe(inspect(plain, { depth: 9 }))
    expect(inspect(state.rows)).toBe(inspect(plain.rows))
    expect(() => structuredClone(state)).toThrow(/could not be cloned/)
    expect(structuredClone(toPlain(state))).toEqual(plain)
  })

  test('arrays read as the data does', () => {
    const { state, plain } = setUp()
    const { rows, numbers } = state
    expect(Array.isArray(rows)).toBe(true)
    expect(Array.isArray(rows)).toBe(true)
    expect(rows.constructor).toBe(Array)
    expect(rows.length).toBe(3)
    expect(rows[3]).toBe(undefined)
    expect(rows[-1]).toBe(undefined)
    expect(1 in rows).toBe(true)
    expect(3 in rows).toBe(false)
    expect(Object.keys(rows)).toEqual(['0', '1', '2'])
    expect(Object.getOwnPropertyNames(rows)).toEqual(['0', '1', '2', 'length'])
    const both = (fn: (list: any) => unknown) => expect(fn(numbers)).toEqual(fn(plain.numbers))
    both((list) => list.map((n: number, i: number) => n * i))
    both((list) => list.filter((n: number) => n > 1))
    both((list) => [
      list.find((n: number) => n > 9),
      list.findIndex((n: number) => n === 1),
      list.findLastIndex((n: number) => n > 1),
    ])
    both((list) => [
      list.some((n: number) => n > 2),
      list.some(() => false),
      list.every((n: number) => n > 2),
      list.every(() => true),
    ])
    both((list) => [
      list.includes(Number.NaN),
      list.indexOf(Number.NaN),
      list.includes(3, 1),
      list.lastIndexOf(2),
      list.lastIndexOf(2, 0),
    ])
    both((list) => [list.at(-2), list.join('-'), String(list), list.slice(1, 3), list.concat([1], 2), list.flat()])
    both((list) => [
      list.reduce((a: number, b: number) => a + b, 0),
      list.reduceRight((a: string, b: number) => a + b, ''),
    ])
    both((list) => [[...list], [...list.keys()], [...list.values()], [...list.entries()], list.toLocaleString()])
    if ('toSorted' in Array.prototype)
      both((list) => [list.toSorted(), list.toReversed(), list.with(0, 1), list.toSpliced(0, 1)])
    expect(state.record.list.flat()).toEqual([1, 2])
    expect(() => numbers.map(undefined)).toThrow('undefined is not a function')
    const self = {}
    rows.forEach(function (this: unknown, row: Row, index: number, list: unknown) {
      expect(this).toBe(self)
      expect(row).toBe(rows[index])
      expect(list).toBe(rows)
    }, self)
    expect(rows.indexOf(rows[2])).toBe(2)
    expect(rows.includes(rows[1])).toBe(true)
    expect(rows.includes({})).toBe(false)
    expect(rows.includes(state.record)).toBe(false)
    expect(rows.filter((row: Row) => row.done)[0]).toBe(rows[1])
    const { indexOf } = rows
    expect(() => indexOf.call([1], 1)).toThrow('indexOf() was taken from a part of the state')
  })

  test('maps and sets read as the data does', () => {
    const { state, plain } = setUp()
    const { byId, members } = state
    expect(byId instanceof Map).toBe(true)
    expect(members instanceof Set).toBe(true)
    expect(Object.prototype.toString.call(byId)).toBe('[object Map]')
    expect(Object.prototype.toString.call(members)).toBe('[object Set]')
    expect([byId.size, members.size]).toEqual([2, 2])
    expect([byId.has('a'), byId.has('z'), byId.get('z')]).toEqual([true, false, undefined])
    expect([...byId]).toEqual([...plain.byId])
    expect([...byId.keys()]).toEqual(['a', 'b'])
    expect([...byId.values()]).toEqual([{ n: 1 }, { n: 2 }])
    expect([...byId.entries()]).toEqual([...plain.byId.entries()])
    expect(new Map(byId)).toEqual(plain.byId)
    expect(byId).toEqual(plain.byId)
    expect(plain.byId).toEqual(byId)
    expect(members).toEqual(plain.members)
    expect(plain.members).toEqual(members)
    expect(Object.keys(byId)).toEqual([])
    expect([...members, ...members.keys(), ...members.values()]).toEqual(['x', 'y', 'x', 'y', 'x', 'y'])
    expect([...members.entries()]).toEqual([...plain.members.entries()])
    expect(members.has('x')).toBe(true)
    if ('union' in Set.prototype) {
      expect(members.union(new Set(['z']))).toEqual(new Set(['x', 'y', 'z']))
      expect((new Set(['x']) as any).isSubsetOf(members)).toBe(true)
    }
    byId.forEach((entry: unknown, key: string, map: unknown) => {
      expect(entry).toBe(byId.get(key))
      expect(map).toBe(byId)
    })
    members.forEach((_: string, key: string, set: unknown) => {
      expect(set).toBe(members)
      expect(members.has(key)).toBe(true)
    })
    expect(inspect(byId)).toBe(inspect(plain.byId))
  })

  test('one container has one proxy, and the root shows the newest state', () => {
    const { state, change } = setUp()
    const { rows, settings } = state
    const [row] = rows
    expect(state.rows).toBe(rows)
    expect(rows.find((one: Row) => one.id === 0)).toBe(row)
    expect(state.byId.get('a')).toBe([...state.byId.values()][0])
    change((draft) => {
      draft.count = 7
      draft.settings.theme = 'light'
      draft.rows.reverse()
    })
    expect(state.count).toBe(7)
    expect(settings.theme).toBe('light')
    expect(state.settings).toBe(settings)
    expect(state.rows[2]).toBe(row) // nothing was written in it
    expect(rows[0]).toBe(row) // the list as it was taken
  })

  test('S4 getters are there, see backend fields, are not enumerable and not writable', () => {
    const { state, change } = setUp()
    expect(state.total).toBe(8)
    expect('total' in state).toBe(true)
    expect(Object.keys(state)).not.toContain('total')
    expect(Object.getOwnPropertyNames(state)).toContain('total')
    expect(Object.getOwnPropertyDescriptor(state, 'total')?.enumerable).toBe(false)
    expect(Object.getOwnPropertyDescriptor(state, 'total')?.get?.()).toBe(8)
    expect('total' in { ...state }).toBe(false)
    expect(state.settings.loud).toBe('DARK3')
    expect(state.self).toBe(state)
    change((draft) => {
      draft._secret = 10
    })
    expect(state.total).toBe(13)
    expect(state._secret).toBe(10)
    expect('_secret' in state).toBe(true)
  })

  test('gives its data to read and toPlain', () => {
    const { state, plain } = setUp()
    expect(read(state.rows, (rows: Row[]) => rows)).toBe(plain.rows)
    expect(read(state, (root: unknown) => root)).toBe(plain)
    const copy = toPlain(state)
    expect(copy).toEqual(plain)
    expect(copy.rows).not.toBe(plain.rows)
  })

  test('shows frozen data, as a snapshot in development is', () => {
    const { tree, state, plain } = setUp()
    tree.snapshot(true)
    expect(state.rows.map((row: Row) => row.name)).toEqual(['row 0', 'row 1', 'row 2'])
    expect(Object.keys(state.rows[0])).toEqual(['id', 'name', 'done', 'tags'])
    expect(state).toEqual(plain)
    expect(() => state.byId.set('c', 1)).toThrow(ImmutableStateError)
  })
})
