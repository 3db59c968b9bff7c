import { containerKind } from '../state/container-kind.js'
import { leafKind } from '../state/leaves.js'
import { partOf } from '../state/part.js'
import { isPrimitive, isReservedKey } from '../state/values.js'
import type { Column } from './columns.js'
import { MAX_COLUMN_DEPTH, MAX_KEYS, MAX_TUPLE } from './columns.js'

/** Objects of more kinds are sent as pairs of keys and values. */
const MAX_SHAPES = 32
/** An array may have keys that are no indexes; looking for them in a long one takes too long, and nobody has any there. */
const MAX_LISTED = 1_000

type Container = Exclude<Column['of'], 'same' | 'numbers' | 'booleans' | 'rows' | 'mixed'>

/** Values of one list that go into one column. */
interface Group {
  readonly of: Container
  /** Of objects. */
  readonly keys: readonly string[]
  /** Of tuples. */
  readonly length: number
  values: unknown[]
}

const NO_KEYS: readonly string[] = []

/** Encodes the columns of one payload. */
export class ColumnEncoder {
  /** What was sent, and so was looked at. Both are half of the work, and the first a step that no slice can cut when it grows. */
  readonly #seen: Set<object> | undefined

  /** @param isTree it is data of this library: plain, and each container in one place */
  constructor(isTree = false) {
    this.#seen = isTree ? undefined : new Set()
  }

  /**
   * Notes that a container is sent.
   * @throws TypeError for one that was sent before, which would become two, and for what is no plain data
   */
  enter(container: object): void {
    if (this.#seen === undefined) return
    this.#note(container)
    assertPlain(container)
    if (Array.isArray(container)) assertDense(container)
  }

  #note(object: object): void {
    if (this.#seen?.has(object)) throw new TypeError('A container stands in two places.')
    this.#seen?.add(object)
  }

  /** @throws whatever shows that one of the values is no plain data, or too deep */
  encode(values: readonly unknown[], depth = 0): Column {
    if (depth > MAX_COLUMN_DEPTH) throw new RangeError('too deep')
    if (areAllPrimitive(values)) return encodePrimitives(values)
    const groups: Group[] = []
    /** Made when there is a second group; as long as there is one, its values are these. */
    let tags: Uint8Array | undefined
    let last: Group | undefined
    let tag = 0
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      const group = this.#groupOf(value, groups, last)
      if (group !== last) {
        if (last !== undefined && tags === undefined) {
          tags = new Uint8Array(values.length)
          last.values = values.slice(0, i)
        }
        tag = groups.indexOf(group)
        last = group
      }
      if (tags === undefined) continue
      tags[i] = tag
      group.values.push(value)
    }
    if (tags !== undefined)
      return { of: 'mixed', tags, columns: groups.map((group) => this.#encodeGroup(group, group.values, depth)) }
    return this.#encodeGroup(last as Group, values, depth) // there is a value that is no primitive
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
      if (ArrayBuffer.isView(value)) this.#note(value.buffer)
      else if (leaf === 'ArrayBuffer') this.#note(value)
      return groupFor(groups, 'leaves')
    }
    this.enter(value)
    if (kind === 'map') return groupFor(groups, 'maps')
    if (kind === 'set') return groupFor(groups, 'sets')
    if (kind === 'object') {
      if (last?.of === 'objects' && hasKeys(value, last.keys)) return last
      const keys = Object.keys(value)
      return groupFor(groups, keys.length > MAX_KEYS ? 'records' : 'objects', keys)
    }
    const { length } = value as readonly unknown[]
    return length > MAX_TUPLE ? groupFor(groups, 'arrays') : groupFor(groups, 'tuples', NO_KEYS, length)
  }

  #encodeGroup({ of, keys, length }: Group, values: readonly unknown[], depth: number): Column {
    switch (of) {
      case 'primitives':
        return encodePrimitives(values)
      case 'leaves':
        return { of, values }
      case 'objects': {
        for (const key of keys) if (isReservedKey(key)) throw new TypeError('a reserved key')
        const rows = values as Readonly<Record<string, unknown>>[]
        return { of, keys, columns: keys.map((key) => this.encode(columnOf(rows, key), depth + 1)) }
      }
      case 'tuples': {
        const rows = values as (readonly unknown[])[]
        return { of, columns: Array.from({ length }, (_, at) => this.encode(columnOf(rows, at), depth + 1)) }
      }
      case 'arrays':
      case 'sets': {
        const rows = values as (readonly unknown[] | ReadonlySet<unknown>)[]
        const items: unknown[] = []
        const lengths = Uint32Array.from(rows, (row) => {
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

function areAllPrimitive(values: readonly unknown[]): boolean {
  for (let i = 0; i < values.length; i++) {
    if (!isPrimitive(values[i])) return false
  }
  return true
}

/** What the rows have at a key. */
function columnOf<K extends PropertyKey>(rows: readonly { readonly [key in K]?: unknown }[], key: K): unknown[] {
  return rows.map((row) => row[key])
}

/** Whether an object has these keys and no others, in this order. Making a list of them takes several times as long. */
function hasKeys(object: object, keys: readonly string[]): boolean {
  let i = 0
  for (const key in object) if (key !== keys[i++]) return false
  return i === keys.length
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
function assertPlain(container: object): void {
  if (partOf(container) !== undefined || Object.getOwnPropertySymbols(container).length > 0) {
    throw new TypeError('no plain data')
  }
}

/** @throws TypeError for an array with holes, or with keys that are no indexes */
function assertDense(array: readonly unknown[]): void {
  const { length } = array
  for (let i = 0; i < length; i++) {
    if (array[i] === undefined && !Object.hasOwn(array, i)) throw new TypeError('an array with holes')
  }
  if (length <= MAX_LISTED && Object.keys(array).length > length) throw new TypeError('an array with names')
}

export function encodePrimitives(values: readonly unknown[]): Column {
  const [first] = values
  const type = typeof first
  let i = 1
  while (i < values.length && Object.is(values[i], first)) i++
  if (i >= values.length && values.length > 0) return { of: 'same', value: first }
  if (type === 'number' || type === 'boolean') {
    while (i < values.length && typeof values[i] === type) i++
    if (i === values.length) {
      if (type === 'number') return { of: 'numbers', values: new Float64Array(values as number[]) }
      return { of: 'booleans', values: new Uint8Array(values as number[]) }
    }
  }
  return { of: 'primitives', values }
}
