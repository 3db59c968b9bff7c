/*
 * Columns: a list of values in one piece, each kind of them together.
 *
 * - Cloning and checking cost by the column and not by the value: a thousand rows are five lists, and their keys stand once.
 * - What is decoded is what structured clone would have given, for plain data. What is no plain data, or stands in two places,
 *   is refused by the encoder, and crosses by structured clone alone.
 * - The decoder believes nothing: lengths, tags, keys and types are checked, no key leads to a prototype, and no more values
 *   are made than it was told to expect.
 */

import { containerKind } from '../state/container-kind.js'
import { leafKind } from '../state/leaves.js'
import { partOf } from '../state/part.js'
import { isReservedKey, noteWide } from '../state/values.js'

/** See the head of the file. The number of values is not in it: whoever sends it says that. */
export type Column =
  /** One primitive, over and over. */
  | { readonly of: 'same'; readonly value: unknown }
  | { readonly of: 'numbers'; readonly values: Float64Array }
  | { readonly of: 'booleans'; readonly values: Uint8Array }
  | { readonly of: 'primitives' | 'leaves'; readonly values: readonly unknown[] }
  /** Objects with the same keys in the same order: a column for each key. */
  | { readonly of: 'objects'; readonly keys: readonly string[]; readonly columns: readonly Column[] }
  /** Short arrays of one length: a column for each place. */
  | { readonly of: 'tuples'; readonly columns: readonly Column[] }
  | { readonly of: 'arrays' | 'sets'; readonly lengths: Uint32Array; readonly items: Column }
  | { readonly of: 'records' | 'maps'; readonly lengths: Uint32Array; readonly keys: Column; readonly items: Column }
  /** Position i takes the next value of the column that its tag names. */
  | { readonly of: 'mixed'; readonly tags: Uint8Array; readonly columns: readonly Column[] }

/** Deeper data crosses whole. */
export const MAX_COLUMN_DEPTH = 200
const MAX_TUPLE = 8
/** Objects with more keys, or of more kinds, are sent as pairs of keys and values. */
const MAX_KEYS = 64
const MAX_SHAPES = 32
/** An array may have keys that are no indexes; looking for them in a long one takes too long, and nobody has any there. */
const MAX_LISTED = 1_000

type Container = Exclude<Column['of'], 'same' | 'numbers' | 'booleans' | 'mixed'>

/** Values of one list that go into one column. */
interface Group {
  readonly of: Container
  /** Of objects. */
  readonly keys: readonly string[]
  /** Of tuples. */
  readonly length: number
  readonly values: unknown[]
}

const NO_KEYS: readonly string[] = []

/** Encodes the columns of one payload. */
export class ColumnEncoder {
  /** What was sent. A third of the work, and a step that no slice can cut when it grows. */
  readonly #seen: Set<object> | undefined

  /** @param isTree each container is known to stand in one place */
  constructor(isTree = false) {
    this.#seen = isTree ? undefined : new Set()
  }

  /**
   * Notes that a container is sent.
   * @throws TypeError for one that was sent before: it would become two
   */
  enter(container: object): void {
    if (this.#seen?.has(container)) throw new TypeError('A container stands in two places.')
    this.#seen?.add(container)
  }

  /** @throws whatever shows that one of the values is no plain data, or too deep */
  encode(values: readonly unknown[], depth = 0): Column {
    if (depth > MAX_COLUMN_DEPTH) throw new RangeError('too deep')
    const groups: Group[] = []
    const tags = new Uint8Array(values.length)
    let last: Group | undefined
    let tag = 0
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      const group = this.#groupOf(value, groups, last)
      if (group !== last) {
        tag = groups.indexOf(group)
        last = group
      }
      tags[i] = tag
      group.values.push(value)
    }
    if (last === undefined) return { of: 'primitives', values: [] }
    if (groups.length === 1) return this.#encodeGroup(last, depth)
    return { of: 'mixed', tags, columns: groups.map((group) => this.#encodeGroup(group, depth)) }
  }

  #groupOf(value: unknown, groups: Group[], last: Group | undefined): Group {
    if (typeof value !== 'object' || value === null) {
      if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError('no plain data')
      return last?.of === 'primitives' ? last : groupFor(groups, 'primitives')
    }
    const kind = containerKind(value)
    if (kind === undefined) {
      const leaf = leafKind(value)
      if (leaf === undefined) throw new TypeError('no plain data')
      // Views of one buffer, in two messages, would each bring the whole of it.
      if (ArrayBuffer.isView(value)) this.enter(value.buffer)
      else if (leaf === 'ArrayBuffer') this.enter(value)
      return groupFor(groups, 'leaves')
    }
    this.enter(value)
    assertPlain(value)
    if (kind === 'map') return groupFor(groups, 'maps')
    if (kind === 'set') return groupFor(groups, 'sets')
    if (kind === 'object') {
      const keys = Object.keys(value)
      if (last?.of === 'objects' && isSameList(last.keys, keys)) return last
      return groupFor(groups, keys.length > MAX_KEYS ? 'records' : 'objects', keys)
    }
    const { length } = value as readonly unknown[]
    return length > MAX_TUPLE ? groupFor(groups, 'arrays') : groupFor(groups, 'tuples', NO_KEYS, length)
  }

  #encodeGroup({ of, keys, length, values }: Group, depth: number): Column {
    switch (of) {
      case 'primitives':
        return encodePrimitives(values)
      case 'leaves':
        return { of, values }
      case 'objects': {
        for (const key of keys) if (isReservedKey(key)) throw new TypeError('a reserved key')
        const rows = values as Readonly<Record<string, unknown>>[]
        const column = (key: string) =>
          this.encode(
            rows.map((row) => row[key]),
            depth + 1,
          )
        return { of, keys, columns: keys.map(column) }
      }
      case 'tuples': {
        const rows = values as (readonly unknown[])[]
        for (const row of rows) assertDense(row)
        const column = (_: unknown, at: number) =>
          this.encode(
            rows.map((row) => row[at]),
            depth + 1,
          )
        return { of, columns: Array.from({ length }, column) }
      }
      case 'arrays':
      case 'sets': {
        const rows = values as (readonly unknown[] | ReadonlySet<unknown>)[]
        const items: unknown[] = []
        const lengths = Uint32Array.from(rows, (row) => {
          if (Array.isArray(row)) assertDense(row)
          const before = items.length
          for (const item of row as Iterable<unknown>) items.push(item)
          return items.length - before
        })
        return { of, lengths, items: this.encode(items, depth + 1) }
      }
      default: {
        const ofAll: unknown[] = []
        const items: unknown[] = []
        const lengths = Uint32Array.from(values, (value) => {
          const before = items.length
          for (const [key, item] of value instanceof Map ? value : Object.entries(value as object)) {
            if (of === 'records' && isReservedKey(key)) throw new TypeError('a reserved key')
            ofAll.push(key)
            items.push(item)
          }
          return items.length - before
        })
        return { of, lengths, keys: this.encode(ofAll, depth + 1), items: this.encode(items, depth + 1) }
      }
    }
  }
}

function groupFor(groups: Group[], of: Container, keys: readonly string[] = NO_KEYS, length = 0): Group {
  const known = groups.find((group) => group.of === of && group.length === length && isSameList(group.keys, keys))
  if (known !== undefined) return known
  if (of === 'objects' && groups.length >= MAX_SHAPES) return groupFor(groups, 'records')
  const group: Group = { of, keys: of === 'records' ? NO_KEYS : keys, length, values: [] }
  groups.push(group)
  return group
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}

/**
 * Throws for what structured clone refuses although it looks plain: parts of a state, observables of others.
 * @throws TypeError
 */
export function assertPlain(container: object): void {
  if (partOf(container) !== undefined || Object.getOwnPropertySymbols(container).length > 0) {
    throw new TypeError('no plain data')
  }
}

/** @throws TypeError for an array with holes, or with keys that are no indexes */
export function assertDense(array: readonly unknown[]): void {
  const { length } = array
  for (let i = 0; i < length; i++) {
    if (array[i] === undefined && !Object.hasOwn(array, i)) throw new TypeError('an array with holes')
  }
  if (length <= MAX_LISTED && Object.keys(array).length > length) throw new TypeError('an array with names')
}

function encodePrimitives(values: readonly unknown[]): Column {
  const first = values[0]
  let isSame = true
  let isOfType = true
  for (const value of values) {
    if (isSame && !Object.is(value, first)) isSame = false
    if (isOfType && typeof value !== typeof first) isOfType = false
    if (!isSame && !isOfType) break
  }
  if (isSame) return { of: 'same', value: first }
  if (isOfType && typeof first === 'number') return { of: 'numbers', values: new Float64Array(values as number[]) }
  if (isOfType && typeof first === 'boolean') {
    return { of: 'booleans', values: new Uint8Array(values as number[]) }
  }
  return { of: 'primitives', values }
}

/** Values of a column: a list of them, or numbers as they came. */
export type Values = readonly unknown[] | Float64Array

/** Decodes what is said to be columns. */
export class ColumnDecoder {
  /** Whether all that was made is certainly fit for a state. */
  clean = true
  #left: number

  /** @param most how many values it makes, those within others among them */
  constructor(most: number) {
    this.#left = most
  }

  /** How many values it may still make. */
  get left(): number {
    return this.#left
  }

  /** @throws TypeError for anything but a column of that many values */
  decode(column: unknown, count: number, depth = 0): Values {
    if (depth > MAX_COLUMN_DEPTH) throw new TypeError('a column is too deep')
    this.#left -= count + 1 // a column of nothing has its price: one may stand in very many places
    if (!(this.#left >= 0)) throw new TypeError('a column has too many values')
    const of = own(column, 'of')
    switch (of) {
      case 'same': {
        const value = own(column, 'value')
        assert(isPrimitive(value), 'a repeated value is no primitive')
        return new Array<unknown>(count).fill(value)
      }
      case 'numbers':
        return typed(own(column, 'values'), 'Float64Array', count)
      case 'booleans':
        return Array.from(typed(own(column, 'values'), 'Uint8Array', count), Boolean)
      case 'primitives': {
        const values = list(own(column, 'values'), count)
        for (const value of values) assert(isPrimitive(value), 'a value is no primitive')
        return values
      }
      case 'leaves': {
        const values = list(own(column, 'values'), count)
        for (const value of values) if (!isPrimitive(value) && !isLeaf(value)) this.clean = false
        return values
      }
      case 'objects':
        return this.#objects(column, count, depth)
      case 'tuples': {
        const columns = this.#columns(column, MAX_TUPLE, count, depth)
        return Array.from({ length: count }, (_, i) => columns.map((values) => values[i]))
      }
      case 'arrays':
      case 'sets':
      case 'records':
      case 'maps':
        return this.#lists(column, of, count, depth)
      case 'mixed':
        return this.#mixed(column, count, depth)
      default:
        throw new TypeError('a column is of no known kind')
    }
  }

  #columns(column: unknown, most: number, count: number, depth: number): readonly Values[] {
    const columns = own(column, 'columns')
    assert(Array.isArray(columns) && columns.length <= most, 'columns are missing')
    return Array.from(columns, (one: unknown) => this.decode(one, count, depth + 1))
  }

  #objects(column: unknown, count: number, depth: number): readonly unknown[] {
    const keys = own(column, 'keys')
    assert(Array.isArray(keys) && keys.length <= MAX_KEYS && keys.every(isKey), 'the keys of objects are not fit')
    const columns = this.#columns(column, keys.length, count, depth)
    assert(columns.length === keys.length, 'columns are missing')
    const rows: Record<string, unknown>[] = []
    for (let i = 0; i < count; i++) rows.push({})
    for (let k = 0; k < keys.length; k++) {
      const key = keys[k] as string
      const values = columns[k] as Values
      for (let i = 0; i < count; i++) (rows[i] as Record<string, unknown>)[key] = values[i]
    }
    return rows
  }

  #lists(column: unknown, of: 'arrays' | 'sets' | 'records' | 'maps', count: number, depth: number): unknown[] {
    const lengths = typed(own(column, 'lengths'), 'Uint32Array', count)
    let total = 0
    for (const length of lengths) total += length
    const isKeyed = of === 'records' || of === 'maps'
    const keys = isKeyed ? this.decode(own(column, 'keys'), total, depth + 1) : undefined
    const items = this.decode(own(column, 'items'), total, depth + 1)
    let at = 0
    return Array.from(lengths, (length) => {
      const ownItems: Values = items.slice(at, at + length)
      const ownKeys = keys?.slice(at, at + length)
      at += length
      if (of === 'arrays') return Array.isArray(ownItems) ? ownItems : Array.from(ownItems)
      const container = of === 'sets' ? new Set() : of === 'maps' ? new Map() : {}
      this.fill(container, ownItems, ownKeys)
      if (of === 'records') noteWide(container, length)
      return container
    })
  }

  #mixed(column: unknown, count: number, depth: number): readonly unknown[] {
    const tags = typed(own(column, 'tags'), 'Uint8Array', count)
    const columns = own(column, 'columns')
    assert(Array.isArray(columns) && columns.length <= 256, 'columns are missing')
    const counts = new Uint32Array(columns.length)
    for (const tag of tags) {
      assert(tag < counts.length, 'a tag names no column')
      counts[tag] = (counts[tag] as number) + 1
    }
    const parts = Array.from(columns, (one: unknown, tag) => this.decode(one, counts[tag] as number, depth + 1))
    counts.fill(0)
    return Array.from(tags, (tag) => {
      const next = counts[tag] as number
      counts[tag] = next + 1
      return parts[tag]?.[next]
    })
  }

  /**
   * Puts values in a container that is being made.
   * @param keys of an object or map
   * @throws TypeError for a key that it cannot have
   */
  fill(container: object, items: Values, keys: Values = []): void {
    if (Array.isArray(container)) for (const item of items) container.push(item)
    else if (container instanceof Set) {
      for (const item of items) {
        if (!isPrimitive(item)) this.clean = false
        container.add(item)
      }
    } else if (container instanceof Map) {
      for (let i = 0; i < items.length; i++) {
        if (!isPrimitive(keys[i])) this.clean = false
        container.set(keys[i], items[i])
      }
    } else {
      for (let i = 0; i < items.length; i++) {
        const key = keys[i]
        assert(isKey(key), 'a key is not fit')
        ;(container as Record<string, unknown>)[key] = items[i]
      }
    }
  }
}

function own(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null ? Object.getOwnPropertyDescriptor(object, key)?.value : undefined
}

function assert(condition: boolean, fault: string): asserts condition {
  if (!condition) throw new TypeError(fault)
}

export function isPrimitive(value: unknown): boolean {
  return typeof value !== 'object' ? typeof value !== 'function' && typeof value !== 'symbol' : value === null
}

/** Whether it may be the key of an object. */
export function isKey(key: unknown): key is string {
  return typeof key === 'string' && !isReservedKey(key)
}

function isLeaf(value: unknown): boolean {
  return containerKind(value) === undefined && leafKind(value as object) !== undefined
}

function list(values: unknown, count: number): readonly unknown[] {
  assert(Array.isArray(values) && values.length === count, 'a column has another length than was said')
  return Array.from(values) // without holes
}

interface Typed {
  readonly Float64Array: Float64Array
  readonly Uint8Array: Uint8Array
  readonly Uint32Array: Uint32Array
}

/** Typed values of that class, whatever the realm. */
function typed<Name extends keyof Typed>(values: unknown, name: Name, count: number): Typed[Name] {
  assert(typeof values === 'object' && values !== null && leafKind(values) === name, `a column is no ${name}`)
  const known = values as Typed[Name] // the engine says so
  assert(known.length === count, 'a column has another length than was said')
  return known
}
