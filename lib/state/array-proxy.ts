/*
 * Proxies over arrays.
 *
 * - Indices, `length`, every method, iterators, `Array.isArray`: as on the data. What is handed out, to callbacks too, is
 *   what the part gives.
 * - Methods that would touch every element through traps act on the part instead: a `shift` is one splice.
 * - A list that changes under an iteration is read as it is at each step, as in plain JavaScript. There are no holes: what
 *   plain JavaScript leaves open holds `undefined`.
 */

import type { Part, Shadow } from './part.js'
import { partBehind, writablePart } from './part.js'
import { assigned, commonTraps, indexOfKey, inherited, methodTable, refuse, setElsewhere } from './proxy-traps.js'

/** What the part of an array is besides. */
export interface ArrayPart extends Part {
  /** What a reader gets at an index below `size`; `onContent` was called before. */
  at(index: number): unknown
  /** The engine's own search: for a proxy, where its container stands. */
  search(method: 'indexOf' | 'lastIndexOf', sought: unknown, from: readonly number[]): number
}

function listBehind(proxy: object, method: string): ArrayPart {
  const part = partBehind(proxy, method) as ArrayPart
  part.onContent()
  return part
}

function writableList(proxy: object, method: string): ArrayPart {
  return writablePart(proxy, method) as ArrayPart
}

function* elements(proxy: object): Generator<unknown> {
  const part = listBehind(proxy, 'values')
  for (let index = 0; index < part.size; index++) {
    yield part.at(index)
    part.assertReadable()
  }
}

/** A relative index, as array methods take them: from the end where negative, within the array. */
function clampIndex(value: unknown, length: number, fallback: number): number {
  if (value === undefined) return fallback
  const index = Math.trunc(Number(value)) || 0
  return index < 0 ? Math.max(length + index, 0) : Math.min(index, length)
}

function spliceList(part: ArrayPart, index: number, remove: number, values: readonly unknown[]): unknown[] {
  const removed = Array.from({ length: remove }, (_, i) => part.at(index + i))
  part.splice(index, remove, values)
  return removed
}

// The engine's own methods run on the proxy, and so give callbacks and results what the part gives. These go by the part.
const reading = {
  indexOf(this: object, sought: unknown, ...from: number[]): number {
    return listBehind(this, 'indexOf').search('indexOf', sought, from)
  },
  lastIndexOf(this: object, sought: unknown, ...from: number[]): number {
    return listBehind(this, 'lastIndexOf').search('lastIndexOf', sought, from)
  },
  includes(this: object, sought: unknown, ...from: number[]): boolean {
    // Unlike `indexOf` it finds NaN, which is nothing to look for among containers.
    if (Number.isNaN(sought)) return Array.prototype.includes.call(this, sought, ...from)
    return listBehind(this, 'includes').search('indexOf', sought, from) >= 0
  },
  values(this: object): Iterator<unknown> {
    return elements(this)
  },
  [Symbol.iterator](this: object): Iterator<unknown> {
    return elements(this)
  },
}

const writing = {
  push(this: object, ...values: unknown[]): number {
    const part = writableList(this, 'push')
    part.splice(part.size, 0, values)
    return part.size
  },
  pop(this: object): unknown {
    const part = writableList(this, 'pop')
    return part.size === 0 ? undefined : spliceList(part, part.size - 1, 1, [])[0]
  },
  shift(this: object): unknown {
    const part = writableList(this, 'shift')
    return part.size === 0 ? undefined : spliceList(part, 0, 1, [])[0]
  },
  unshift(this: object, ...values: unknown[]): number {
    const part = writableList(this, 'unshift')
    part.splice(0, 0, values)
    return part.size
  },
  splice(this: object, ...args: unknown[]): unknown[] {
    const part = writableList(this, 'splice')
    const { size } = part
    const index = clampIndex(args[0] ?? 0, size, 0)
    const rest = size - index
    const count = args.length === 1 ? rest : Math.min(Math.max(Math.trunc(Number(args[1])) || 0, 0), rest)
    return spliceList(part, index, count, args.slice(2))
  },
  reverse(this: object): object {
    const part = writableList(this, 'reverse')
    const { size } = part
    if (size > 1) part.reorder(Array.from({ length: size }, (_, i) => size - 1 - i))
    return this
  },
  sort(this: object, compare?: (a: unknown, b: unknown) => number): object {
    const part = writableList(this, 'sort')
    if (compare !== undefined && typeof compare !== 'function') {
      throw new TypeError('The comparison function must be either a function or undefined')
    }
    const items = Array.from({ length: part.size }, (_, i) => ({ i, value: part.at(i) }))
    const last = items.filter((item) => item.value === undefined) // always behind the others, and never compared
    const rest = items.filter((item) => item.value !== undefined)
    rest.sort(compare === undefined ? byText : (a, b) => compare(a.value, b.value))
    part.assertReadable() // the comparison is somebody's code
    const sorted = [...rest, ...last]
    if (compare !== undefined && !holds(part, items)) {
      // It has written on this very array. As in plain JavaScript: what was sorted is put over what stands there now.
      for (const [i, { value }] of sorted.entries()) {
        if (i < part.size) part.set(i, value)
        else part.splice(i, 0, [value])
      }
      return this
    }
    const order = sorted.map((item) => item.i)
    if (order.some((from, i) => from !== i)) part.reorder(order)
    return this
  },
  fill(this: object, value: unknown, start?: unknown, end?: unknown): object {
    const part = writableList(this, 'fill')
    const { size } = part
    const from = clampIndex(start, size, 0)
    const to = clampIndex(end, size, size)
    for (let i = from; i < to; i++) part.set(i, i === from ? value : part.at(from)) // one container everywhere
    return this
  },
  copyWithin(this: object, target: unknown, start: unknown, end?: unknown): object {
    const part = writableList(this, 'copyWithin')
    const { size } = part
    const to = clampIndex(target, size, 0)
    const from = clampIndex(start, size, 0)
    const count = Math.min(clampIndex(end, size, size) - from, size - to)
    const items = Array.from({ length: Math.max(count, 0) }, (_, i) => part.at(from + i))
    for (const [i, item] of items.entries()) part.set(to + i, item)
    return this
  },
}

function holds(part: ArrayPart, items: readonly { readonly i: number; readonly value: unknown }[]): boolean {
  return part.size === items.length && items.every(({ i, value }) => Object.is(part.at(i), value))
}

function byText(a: { value: unknown }, b: { value: unknown }): number {
  const [x, y] = [String(a.value), String(b.value)]
  return x < y ? -1 : x > y ? 1 : 0
}

const methods = methodTable(reading, writing)

function setLength(part: ArrayPart, value: unknown): void {
  const length = Number(value)
  if (!Number.isInteger(length) || length < 0 || length > 4_294_967_295) throw new RangeError('Invalid array length')
  if (length < part.size) part.splice(length, part.size - length, [])
  else grow(part, length)
}

function grow(part: ArrayPart, length: number): void {
  if (length > part.size) part.splice(part.size, 0, new Array<undefined>(length - part.size).fill(undefined))
}

function setElement(part: ArrayPart, key: PropertyKey, value: unknown): boolean {
  const index = indexOfKey(key)
  if (index === undefined) {
    if (key !== 'length') return refuse(part, 'A named property on an array', key)
    setLength(part, value)
  } else if (index < part.size) part.set(index, value)
  else {
    grow(part, index)
    part.splice(index, 0, [value])
  }
  return true
}

export const arrayTraps: ProxyHandler<Shadow> = {
  ...commonTraps,
  getPrototypeOf: () => Array.prototype,
  get({ part }, key, receiver) {
    if (typeof key === 'string') {
      const index = indexOfKey(key)
      if (index !== undefined) {
        part.assertReadable()
        return part.get(index)
      }
      if (key === 'length') {
        part.assertReadable()
        return part.size
      }
    }
    return inherited(part, key, Array.prototype, receiver, methods)
  },
  set({ part }, key, value, receiver) {
    if (!part.isShownBy(receiver)) return setElsewhere(key, value, receiver)
    part.assertWritable('write', key)
    return setElement(part as ArrayPart, key, value)
  },
  defineProperty({ part }, key, property) {
    part.assertWritable('define', key)
    if (key === 'length' && 'value' in property && property.writable !== false) {
      return setElement(part as ArrayPart, key, property.value)
    }
    const index = indexOfKey(key)
    return setElement(part as ArrayPart, key, assigned(part, key, property, index !== undefined && index < part.size))
  },
  deleteProperty({ part }, key) {
    part.assertWritable('delete', key)
    const index = indexOfKey(key)
    if (index !== undefined && index < part.size) part.set(index, undefined)
    return true
  },
  has({ part }, key) {
    part.assertReadable()
    const index = indexOfKey(key)
    return index === undefined ? key in Array.prototype : index < part.size
  },
  ownKeys({ part }) {
    part.assertReadable()
    const keys = Array.from({ length: part.size }, (_, index) => String(index))
    keys.push('length')
    return keys
  },
  getOwnPropertyDescriptor({ part }, key) {
    part.assertReadable()
    const { size } = part
    // Exactly as the target has it, or the engine objects.
    if (key === 'length') return { value: size, writable: true, enumerable: false, configurable: false }
    const index = indexOfKey(key)
    if (index === undefined || index >= size) return undefined
    // Not a read of the element: `Object.keys` asks for each.
    return { value: (part as ArrayPart).at(index), writable: true, enumerable: true, configurable: true }
  },
}
