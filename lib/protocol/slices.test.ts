import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fresh, show } from '../state/fixtures/random-values.js'
import { copyIn } from '../state/values.js'
import { ColumnDecoder } from './column-decoder.js'
import { ColumnEncoder } from './column-encoder.js'
import type { Bulk, Slice } from './slices.js'
import { Assembly, DEFAULT_BULK, isBulky, slicesOf } from './slices.js'

/** Plain data of every kind; of few shapes, so that lists of one shape come about. */
const { data } = fc.letrec<{ data: unknown; list: unknown[] }>((tie) => ({
  data: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      fc.integer({ min: -2, max: 2 }),
      fc.double(),
      fc.boolean(),
      fc.string({ maxLength: 3 }),
      fc.bigInt(),
      fc.constantFrom(undefined, null, Number.NaN, -0, 'x'),
      fc.date(),
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom(/x/g, new Error('e')),
    ),
    tie('list'),
    tie('list').map((items) => ({ a: items[0], b: items[1] })),
    tie('list').map((items) => Object.assign(Object.create(null), { b: items[0], 7: 'seven', a: items })),
    tie('list').map((items) => new Map(items.map((item, i) => [i % 2 === 0 ? i : `${i}`, item]))),
    fc.array(fc.oneof(fc.integer(), fc.string())).map((items) => new Set<unknown>(items)),
    fc.dictionary(fc.string({ maxLength: 2 }), tie('data'), { maxKeys: 4 }),
    fc.nat(40).map((seed) => fresh(seed % 5, seed, undefined)),
  ),
  list: fc.oneof(
    fc.array(tie('data'), { maxLength: 12 }),
    fc.array(tie('data'), { maxLength: 4 }).map((items) =>
      items.flatMap((item) => [
        { id: 1, item },
        { id: 2, item: 3 },
      ]),
    ),
    fc.array(fc.integer(), { maxLength: 30 }),
  ),
}))

/** Bounds so tight that nearly everything is opened. */
const bulks: fc.Arbitrary<Bulk> = fc.constantFrom(
  { from: 0, slice: 1 },
  { from: 0, slice: 25 },
  { from: 0, slice: 200 },
)

function assemble(slices: Iterable<Slice>): Assembly {
  const assembly = new Assembly()
  for (const slice of slices) assembly.add(structuredClone(slice))
  return assembly
}

/** What slices make of a payload; undefined if it is not for slices. */
function sliced(payload: object, bulk: Bulk): Assembly | undefined {
  let slices: Slice[]
  try {
    slices = [...slicesOf(payload, bulk)]
  } catch {
    return undefined
  }
  return assemble(slices)
}

test('any data arrives as by structured clone, however it is cut', () => {
  let cut = 0
  fc.assert(
    fc.property(data, bulks, (value, bulk) => {
      const assembly = sliced({ value, again: 1 }, bulk)
      if (assembly === undefined) return
      cut += 1
      const whole = structuredClone({ value, again: 1 })
      expect(assembly.finish()).toEqual(whole)
      expect(show(assembly.finish())).toBe(show(whole))
    }),
    { numRuns: 3_000 },
  )
  expect(cut).toBeGreaterThan(1_000)
})

test('what is said to be fit for a state is what a checked copy of it would be', () => {
  fc.assert(
    fc.property(data, bulks, (value, bulk) => {
      const assembly = sliced({ value }, bulk)
      for (const container of assembly?.opened ?? []) expect(show(container)).toBe(show(copyIn(container, [])))
    }),
    { numRuns: 2_000 },
  )
})

const unfit: readonly (readonly [string, () => unknown])[] = [
  ['a function', () => [() => {}]],
  ['an instance of a class', () => [new (class Row {})()]],
  ['an array with holes', () => [new Array(3)]],
  ['an array with names', () => ['abc'.match(/b/)]],
  ['a reserved key', () => [JSON.parse('{"__proto__": 1}')]],
  ['a container in two places', () => Array(2).fill([1])],
  [
    'two views of one buffer',
    () => [new Uint8Array(8), 1].map((_, i, [view]) => new Uint8Array((view as Uint8Array).buffer, i)),
  ],
  ['a cycle', () => [1].map((_, __, self: unknown[]) => self)],
  ['very deep data', () => Array.from({ length: 500 }).reduce((inner) => [inner], 1)],
]

test.each(unfit)('%s is not for slices', (_, make) => {
  const value = make() as unknown[]
  if (_ === 'a cycle') value[0] = value
  expect(() => [...slicesOf({ value }, { from: 0, slice: 100 })]).toThrow()
})

test('data is bulky from some two thousand containers or twenty thousand values on, and the look at it ends there', () => {
  const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id }))
  expect(isBulky({ rows: rows(1_700) })).toBe(false)
  expect(isBulky({ rows: rows(2_000) })).toBe(true)
  expect(isBulky(new Array(19_000).fill(1))).toBe(false)
  expect(isBulky(new Array(21_000).fill(1))).toBe(true)
  expect(isBulky(['x'.repeat(3_000_000)])).toBe(true)
  expect(isBulky(new Map(rows(2_000).map((row, i) => [i, row])))).toBe(true)
  let read = 0
  const watched = Array.from({ length: 50_000 }, () =>
    Object.defineProperty({}, 'x', { get: () => ++read, enumerable: true }),
  )
  expect(isBulky(watched)).toBe(true)
  expect(read).toBeLessThan(2_000)
  const endless: unknown[] = []
  endless.push(endless)
  expect(isBulky(endless)).toBe(false)
  expect(isBulky(undefined)).toBe(false)
})

test('a hundred thousand rows go in slices of one to two thousand, and their list is adopted whole', () => {
  const rows = Array.from({ length: 100_000 }, (_, id) => ({
    id,
    name: `row ${id}`,
    price: id / 3,
    done: id % 2 === 0,
    tag: 'x',
  }))
  const slices = [...slicesOf({ mutations: [{ op: 'set', path: ['rows'], value: rows }], specs: undefined })]
  expect(slices.length).toBeGreaterThanOrEqual(50)
  expect(slices.length).toBeLessThanOrEqual(100)
  const assembly = assemble(slices)
  const { mutations } = assembly.finish() as { mutations: { value: unknown[] }[] }
  expect(mutations[0]?.value).toEqual(rows)
  expect(assembly.opened.has(mutations[0]?.value as unknown[])).toBe(true)
})

// --- peers that mean no good

/** Something in a message is replaced by something else that is in it, or by what is found nowhere. */
function spoil(message: unknown, random: () => number): void {
  const places: [Record<string, unknown>, string][] = []
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null || places.length > 200) return
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key])
      visit((value as Record<string, unknown>)[key])
    }
  }
  visit(message)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const [holder, key] = pick(places)
  const [other, otherKey] = pick(places)
  const odd = [
    2 ** 32,
    -1,
    0.5,
    '__proto__',
    'constructor',
    {},
    [],
    new Array(5),
    null,
    undefined,
    new Map(),
    new Float64Array(2),
  ]
  const value = random() < 0.5 ? other[otherKey] : pick(odd)
  try {
    holder[key] = value
  } catch {} // a typed array takes no bigint
}

test('slices in which something is wrong throw a TypeError, touch no prototype, and make nothing large', () => {
  let refused = 0
  fc.assert(
    fc.property(
      data,
      bulks,
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (value, bulk, stream) => {
        const random = () => stream.next().value as number
        let slices: unknown[]
        try {
          slices = structuredClone([
            ...slicesOf({ value, rows: [{ id: 1, name: 'a' }, { id: 2, name: 'b' }, 3, [1], [2]] }, bulk),
          ])
        } catch {
          return
        }
        for (let times = 0; times < 4; times++) spoil(slices, random)
        const assembly = new Assembly()
        try {
          for (const slice of slices) assembly.add(slice)
          assembly.finish()
        } catch (error) {
          refused += 1
          expect(error).toBeInstanceOf(TypeError)
        }
        for (const container of assembly.opened) expect(show(container)).toBe(show(copyIn(container, [])))
        expect(Object.keys(Object.prototype)).toEqual([])
        expect(Object.keys(Array.prototype)).toEqual([])
        expect(Object.getPrototypeOf({})).toBe(Object.prototype)
      },
    ),
    { numRuns: 3_000 },
  )
  expect(refused).toBeGreaterThan(100)
})

const attacks: readonly (readonly [string, unknown, number])[] = [
  ['one value four billion times', { of: 'same', value: 1 }, 2 ** 32],
  ['empty objects without end', { of: 'objects', keys: [], columns: [] }, 2 ** 31],
  [
    'lists that say they are long',
    { of: 'arrays', lengths: Uint32Array.of(2 ** 31), items: { of: 'same', value: 1 } },
    1,
  ],
  ['an array of holes', { of: 'primitives', values: new Array(2 ** 32 - 1) }, 2 ** 32 - 1],
  ['rows without entries and without end', { of: 'rows', keys: [], values: { of: 'primitives', values: [] } }, 2 ** 31],
  ['rows with fewer entries than keys', { of: 'rows', keys: ['a', 'b'], values: { of: 'primitives', values: [1] } }, 1],
  ['a prototype for the key of a row', { of: 'rows', keys: ['__proto__'], values: { of: 'same', value: 1 } }, 1],
  ['a prototype for a key', { of: 'objects', keys: ['__proto__'], columns: [{ of: 'same', value: 1 }] }, 1],
  [
    'a reserved key in a record',
    {
      of: 'records',
      lengths: Uint32Array.of(1),
      keys: { of: 'same', value: 'constructor' },
      items: { of: 'same', value: 1 },
    },
    1,
  ],
  ['a tag without a column', { of: 'mixed', tags: Uint8Array.of(1), columns: [{ of: 'same', value: 1 }] }, 1],
  ['numbers of another length', { of: 'numbers', values: new Float64Array(2) }, 3],
  ['numbers that are bytes', { of: 'numbers', values: new Uint8Array(3) }, 3],
  ['an object for a primitive', { of: 'same', value: {} }, 1],
  ['a column of no kind', { of: 'toString' }, 1],
]

test.each(attacks)('%s is refused', (_, column, count) => {
  expect(() => new ColumnDecoder(65_536).decode(column, count)).toThrow(TypeError)
})

test('columns that are the same one, again and again, do not unfold without end', () => {
  let column: unknown = { of: 'same', value: 1 }
  for (let i = 0; i < 100; i++) column = { of: 'tuples', columns: Array(8).fill(column) }
  expect(() => new ColumnDecoder(65_536).decode(column, 0)).toThrow(TypeError)
})

test('a leaf is fit for a state, and what else is not spelt out is not', () => {
  const clean = (values: readonly unknown[]) => {
    const decoder = new ColumnDecoder(100)
    decoder.decode({ of: 'leaves', values }, values.length)
    return decoder.clean
  }
  expect(clean([new Date(0), new Uint8Array(1), 1])).toBe(true)
  expect(clean([{}])).toBe(false)
  expect(clean([[1]])).toBe(false)
  expect(clean([new Map()])).toBe(false)
})

test('a column has what is alike together', () => {
  const encode = (values: readonly unknown[]) => new ColumnEncoder().encode(values)
  expect(encode([1, 2])).toEqual({ of: 'numbers', values: Float64Array.of(1, 2) })
  expect(encode([true, false])).toEqual({ of: 'booleans', values: Uint8Array.of(1, 0) })
  expect(encode(['x', 'x'])).toEqual({ of: 'same', value: 'x' })
  expect(encode([0, -0])).toEqual({ of: 'numbers', values: Float64Array.of(0, -0) })
  expect(
    encode([
      ['rows', 1, 'x'],
      ['rows', 2, 'x'],
    ]),
  ).toEqual({
    of: 'tuples',
    columns: [
      { of: 'same', value: 'rows' },
      { of: 'numbers', values: Float64Array.of(1, 2) },
      { of: 'same', value: 'x' },
    ],
  })
  expect(encode([{ a: 1 }, null])).toMatchObject({ of: 'mixed', tags: Uint8Array.of(0, 1) })
})

test('objects of ever other keys go as pairs', () => {
  const records = Array.from({ length: 100 }, (_, i) => ({ [`key ${i}`]: i }))
  const assembly = assemble(slicesOf({ records }, { from: 0, slice: 2_000 }))
  expect(assembly.finish()).toEqual({ records })
})

test('rows go by their own keys, also where somebody has given all objects another', () => {
  const rows = Array.from({ length: 100 }, (_, id) => ({ id, name: `row ${id}` }))
  Object.defineProperty(Object.prototype, 'each', { value: () => {}, enumerable: true, configurable: true })
  let slices: Slice[]
  try {
    slices = [...slicesOf({ rows }, { from: 0, slice: 200 }, true)]
  } finally {
    Reflect.deleteProperty(Object.prototype, 'each')
  }
  expect(assemble(slices).finish()).toEqual({ rows })
})

test('rows of one shape go as one list, and what stands among them stays in its place', () => {
  const row = (id: number) => ({ id, name: `row ${id}`, done: id % 3 === 0, price: id / 7, note: undefined })
  const rows = Array.from({ length: 300 }, (_, id) => row(id))
  const odd: readonly unknown[] = [
    { id: 1, name: 'fewer' },
    { ...row(2), more: 1 },
    { name: 'another order', id: 3, done: true, price: 1, note: 1 },
    { ...row(4), note: ['nested'] },
    { ...row(5), name: 'x'.repeat(1_000_000) },
    {},
    null,
    'text',
    [1, 2],
    new Date(5),
  ]
  for (const one of odd) {
    const list = [...rows, one, ...rows, one, ...rows]
    const map = new Map(list.map((item, i) => [i, item]))
    const record = Object.fromEntries(list.map((item, i) => [`key ${i}`, item]))
    for (const payload of [list, { list, map }, { record }]) {
      const assembly = assemble(slicesOf(payload, { from: 0, slice: 500 }, true))
      expect(assembly.finish()).toEqual(payload)
      expect(assembly.opened).toContain(assembly.finish())
    }
  }
  const [slice] = slicesOf(rows, DEFAULT_BULK, true)
  expect(slice?.map((step) => (step.do === 'add' ? step.items.of : step.do))).toEqual(['open', 'rows', 'close'])
})

test('rows that hold numbers alone go as typed numbers', () => {
  const points = Array.from({ length: 100 }, (_, i) => ({ x: i / 3, y: -0 }))
  const [slice] = slicesOf(points, DEFAULT_BULK, true)
  expect(slice?.[1]).toMatchObject({ items: { of: 'rows', keys: ['x', 'y'], values: { of: 'numbers' } } })
  expect(assemble(slicesOf(points, DEFAULT_BULK, true)).finish()).toEqual(points)
})
