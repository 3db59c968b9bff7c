import { expect, test } from 'vitest'
import { InvalidMutationError } from '../errors.js'
import type { Mutation } from '../state/mutation.js'
import {
  assertBatch,
  assertChanges,
  assertLeaseRequest,
  assertMutations,
  assertProgress,
  assertReady,
  assertSettled,
  assertStart,
  assertWelcome,
} from './validate.js'

const good: readonly Mutation[] = [
  { op: 'set', path: ['counter'], value: undefined },
  { op: 'set', path: ['byId', 3n, null, undefined, true, Number.NaN, ''], value: { any: 'thing' } },
  { op: 'set', path: ['a'], value: undefined, refs: [{ at: [], from: ['b'] }] },
  { op: 'delete', path: ['byId', 'x'] },
  // Keys of a Map: whether they stand in one is seen when the mutations are replayed.
  { op: 'set', path: ['byId', '__proto__'], value: 1, refs: [{ at: ['constructor'], from: ['byId', 'prototype'] }] },
  { op: 'add', path: ['tags'], value: 'constructor' },
  { op: 'set', path: Array(1000).fill('a'), value: 1 },
  { op: 'splice', path: ['rows'], index: 0, remove: 2, values: [1], refs: [{ at: [0, 'x'], from: ['rows', 1] }] },
  { op: 'arrange', path: ['rows'], keep: [2, -1, 0], values: ['new'] },
  { op: 'move', path: ['rows'], at: 0, from: 3 },
  { op: 'add', path: ['tags'], value: 'a' },
  { op: 'remove', path: ['tags'], value: null },
  { op: 'clear', path: ['tags'] },
]

test('every kind of mutation passes, before and after structured clone', () => {
  expect(() => assertMutations(good)).not.toThrow()
  expect(() => assertMutations(structuredClone(good))).not.toThrow()
  expect(() => assertMutations([])).not.toThrow()
})

const bad: [string, unknown, RegExp][] = [
  ['no object', null, /Mutation 1 is invalid: it is no object/],
  ['a string', 'set', /no object/],
  ['no op', { path: ['a'] }, /\(of no kind at a\).*op is not known/],
  ['an unknown op', { op: 'swap', path: ['a'] }, /\(swap at a\).*op is not known/],
  ['an inherited op', { op: 'toString', path: ['a'] }, /op is not known/],
  ['no path', { op: 'set', value: 1 }, /path is no array/],
  ['an empty path', { op: 'set', path: [], value: 1 }, /path is empty/],
  ['a path of a symbol', { op: 'set', path: ['a', Symbol('x')], value: 1 }, /no primitive but symbol/],
  ['a path of an object', { op: 'set', path: ['a', {}], value: 1 }, /no primitive but object/],
  ['a path that begins with a number', { op: 'set', path: [0], value: 1 }, /name of a field/],
  ['a deep path', { op: 'set', path: Array(1001).fill('a'), value: 1 }, /1001 keys/],
  ['no value', { op: 'set', path: ['a'] }, /no value/],
  ['an accessor as op', Object.defineProperty({ path: ['a'] }, 'op', { get: () => 'clear' }), /op is not known/],
  ['what a prototype lends', Object.create({ op: 'clear', path: ['a'] }), /op is not known/],
  ['a negative index', { op: 'splice', path: ['a'], index: -1, remove: 0, values: [] }, /index/],
  ['a broken index', { op: 'splice', path: ['a'], index: 0.5, remove: 0, values: [] }, /index/],
  ['an unsafe index', { op: 'splice', path: ['a'], index: 2 ** 53, remove: 0, values: [] }, /index/],
  ['a remove that is no count', { op: 'splice', path: ['a'], index: 0, remove: '1', values: [] }, /remove/],
  ['values that are no array', { op: 'splice', path: ['a'], index: 0, remove: 0, values: {} }, /values/],
  ['a keep of NaN', { op: 'arrange', path: ['a'], keep: [Number.NaN], values: [] }, /keep/],
  ['a keep of -2', { op: 'arrange', path: ['a'], keep: [-2], values: [] }, /keep/],
  ['too few values', { op: 'arrange', path: ['a'], keep: [-1, -1], values: [1] }, /asks for 2 values.*are 1/],
  ['a move from nowhere', { op: 'move', path: ['a'], at: 0 }, /at and from/],
  ['a member that is an object', { op: 'add', path: ['a'], value: {} }, /no primitive/],
  ['refs that are no array', { op: 'set', path: ['a'], value: 1, refs: {} }, /refs/],
  ['a ref that is no object', { op: 'set', path: ['a'], value: 1, refs: [1] }, /ref is no object/],
  [
    'a ref from the root',
    { op: 'set', path: ['a'], value: 1, refs: [{ at: [], from: [] }] },
    /in a ref, its path is empty/,
  ],
  ['a ref to an object', { op: 'set', path: ['a'], value: 1, refs: [{ at: [{}], from: ['b'] }] }, /in a ref/],
]

test.each(bad)('refused: %s', (_what, mutation, message) => {
  const check = () => assertMutations([good[0], mutation])
  expect(check).toThrow(InvalidMutationError)
  expect(check).toThrow(message)
})

const column = { op: 'column', path: ['rows'], field: 'n', indexes: Uint32Array.of(1, 0), values: [1, 'x'] }

test('a batch of a worker may hold columns, and nobody else may', () => {
  const columns = [column, { ...column, values: Int32Array.of(1, 2) }, { ...column, values: Float64Array.of(1, 2) }]
  for (const batch of [[...good, ...columns], structuredClone(columns)]) expect(() => assertBatch(batch)).not.toThrow()
  expect(() => assertMutations([column])).toThrow(/op is not known/)
})

test.each([
  ['the path of nothing', { path: [] }, /path is empty/],
  ['the path of an object', { path: ['rows', {}] }, /no primitive/],
  ['a field that is an index', { field: 1 }, /make no column/],
  ['indexes that are a list', { indexes: [0, 1] }, /make no column/],
  ['indexes that say what they are', { indexes: { length: 2, [Symbol.toStringTag]: 'Uint32Array' } }, /make no column/],
  ['too many indexes', { indexes: new Uint32Array(4097), values: new Int32Array(4097) }, /make no column/],
  ['too few values', { values: [1] }, /make no column/],
  ['values that are no list', { values: { length: 2 } }, /make no column/],
  ['values of another type', { values: Uint8Array.of(1, 2) }, /make no column/],
  ['a value that is an object', { values: [1, {}] }, /no primitive/],
  ['a value that is a symbol', { values: [Symbol('x'), 1] }, /no primitive/],
])('of a column is refused: %s', (_what, wrong, message) => {
  const check = () => assertBatch([good[0], { ...column, ...wrong }])
  expect(check).toThrow(InvalidMutationError)
  expect(check).toThrow(message)
})

test('a batch that is no array is refused', () => {
  for (const batch of [undefined, null, {}, 'x', { length: 1 }]) {
    expect(() => assertMutations(batch)).toThrow(InvalidMutationError)
  }
})

test('each property of a mutation is looked at once', () => {
  let looks = 0
  const counting: ProxyHandler<object> = {
    getOwnPropertyDescriptor(target, key) {
      looks += 1
      return Reflect.getOwnPropertyDescriptor(target, key)
    },
  }
  const batch = Array.from({ length: 5000 }, (_, i) => {
    return new Proxy({ op: 'set', path: ['rows', i, 'name'], value: i }, counting)
  })
  assertMutations(batch)
  expect(looks).toBe(5000 * 4) // op, path, whether there is a value, refs
})

const checks: [string, (value: unknown) => void, unknown[], unknown[]][] = [
  [
    'ready',
    assertReady,
    [
      { state: 'counter', tasks: [] },
      { state: 'a.b', tasks: [{ name: 'x' }] },
    ],
    [
      null,
      {},
      { state: 1, tasks: [] },
      { state: 'x', tasks: {} },
      { state: 'x', tasks: [{}] },
      { state: 'x', tasks: [null] },
    ],
  ],
  [
    'lease request',
    assertLeaseRequest,
    [
      { name: 'x' },
      { name: 'x', ttl: undefined, revocable: true, ifAvailable: false, timeout: undefined },
      { name: '', ttl: 0.5, revocable: true, ifAvailable: true, timeout: 0, scope: ['rows'], again: 3 },
    ],
    [
      undefined,
      { name: 1, revocable: true, ifAvailable: false },
      { name: 'x'.repeat(9000), revocable: true, ifAvailable: false },
      { name: 'x', ttl: 0, revocable: true, ifAvailable: false },
      { name: 'x', ttl: -1, revocable: true, ifAvailable: false },
      { name: 'x', ttl: Number.POSITIVE_INFINITY, revocable: true, ifAvailable: false },
      { name: 'x', ttl: Number.NaN, revocable: true, ifAvailable: false },
      { name: 'x', ttl: '1', revocable: true, ifAvailable: false },
      { name: 'x', timeout: -1, revocable: true, ifAvailable: false },
      { name: 'x', revocable: true, ifAvailable: 1 },
      { name: 'x', revocable: 'yes' },
      { ifAvailable: false },
      { name: 'x', revocable: true, ifAvailable: false, scope: [] },
      { name: 'x', revocable: true, ifAvailable: false, scope: [1] },
      { name: 'x', revocable: true, ifAvailable: false, again: -1 },
    ],
  ],
  [
    'progress',
    assertProgress,
    [
      { value: 1, total: undefined, label: undefined },
      { value: Number.NaN, total: 2, label: 'x' },
    ],
    [null, {}, { value: '1' }, { value: 1, total: '1' }, { value: 1, label: 1 }, { value: 1, label: 'x'.repeat(9000) }],
  ],
  [
    'settled',
    assertSettled,
    [
      { ok: true, value: undefined },
      { ok: false, error: {} },
    ],
    [null, {}, { ok: true }, { ok: false }, { ok: 1, value: 1 }],
  ],
  [
    'start',
    assertStart,
    [{ name: 'x', args: [] }],
    [null, {}, { name: 1, args: [] }, { name: 'x', args: {} }, { name: 'x', args: new Array(3) }],
  ],
  [
    'welcome',
    assertWelcome,
    [{ token: 'x', root: {} }],
    [null, {}, { token: 1, root: {} }, { token: 'x', root: null }],
  ],
  [
    'changes',
    assertChanges,
    [{ kind: 'none' }, { kind: 'batches', batches: [], whole: [] }, { kind: 'state', root: {} }],
    [null, {}, { kind: 'x' }, { kind: 'batches', batches: [] }, { kind: 'state' }],
  ],
]

test.each(checks)('%s: what is well formed passes, all else is a TypeError', (_what, check, fine, broken) => {
  for (const value of fine) expect(() => check(value)).not.toThrow()
  for (const value of broken) expect(() => check(value), JSON.stringify(value)).toThrow(TypeError)
})
