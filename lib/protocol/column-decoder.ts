import { containerKind } from '../state/container-kind.js'
import { leafKind } from '../state/leaves.js'
import { isPrimitive, noteWide } from '../state/values.js'
import { isKey, MAX_COLUMN_DEPTH, MAX_KEYS, MAX_TUPLE } from './columns.js'

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
      case 'rows':
        return this.#rows(column, count, depth)
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
    const keys = keysOf(column)
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

  #rows(column: unknown, count: number, depth: number): readonly unknown[] {
    const keys = keysOf(column)
    const values = this.decode(own(column, 'values'), count * keys.length, depth + 1)
    const rows: object[] = []
    let at = 0
    for (let i = 0; i < count; i++) {
      const row: Record<string, unknown> = {}
      for (let k = 0; k < keys.length; k++) row[keys[k] as string] = values[at++]
      rows.push(row)
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

function keysOf(column: unknown): readonly string[] {
  const keys = own(column, 'keys')
  assert(Array.isArray(keys) && keys.length <= MAX_KEYS && keys.every(isKey), 'the keys of objects are not fit')
  return keys
}

function assert(condition: boolean, fault: string): asserts condition {
  if (!condition) throw new TypeError(fault)
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
