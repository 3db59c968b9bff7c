/*
 * What a recipe sees of a draft: proxies that behave as the plain containers do.
 *
 * - Targets are shadows of the right kind and never hold data: over the data itself, which may be frozen, a trap could not
 *   give anything else than what is there.
 * - Methods that would touch every element through traps (`splice`, `sort`, …) act on the overlay instead.
 * - The top level of a state is closed; its getters run with a read-only `this`.
 */

import { ImmutableStateError, InvalidMutationError, NotCloneableError } from '../errors.js'
import type { ArrayNode, MapNode, ObjectNode, SetNode, Stored } from './draft-node.js'
import { DraftNode, plainOfStored } from './draft-node.js'
import type { Key } from './mutation.js'
import { formatPath } from './mutation.js'
import { plainOf } from './plain.js'
import { isReservedKey } from './values.js'

/** Asked of a proxy: its node. */
export const nodeOf: unique symbol = Symbol('leasehold.node')

/** The node behind a part of a draft. */
export function nodeBehind(proxy: object): DraftNode {
  const node = (proxy as { readonly [nodeOf]?: DraftNode })[nodeOf]
  if (node === undefined) throw new TypeError('This belongs to a draft, and was used on something else.')
  return node
}

/** Makes the proxy by which a recipe reads and writes a node. */
export function createDraftProxy(node: DraftNode): object {
  switch (node.kind) {
    case 'object':
      return new Proxy({}, new ObjectTraps(node as ObjectNode))
    case 'array':
      return new Proxy([], new ArrayTraps(node as ArrayNode))
    case 'map':
      return new Proxy(new Map(), new CollectionTraps(node, mapMethods as Methods))
    case 'set':
      return new Proxy(new Set(), new CollectionTraps(node, setMethods as Methods))
  }
}

function expose(stored: Stored): unknown {
  return stored instanceof DraftNode ? stored.proxy : stored
}

function assertOpen(node: DraftNode): void {
  if (node.context.closed !== undefined) throw node.context.closed
}

function assertWritable(node: DraftNode, key?: unknown): void {
  assertOpen(node)
  if (node.context.evaluating === 0) return
  const path = key === undefined ? node.path() : [...node.path(), key]
  throw new ImmutableStateError(
    `A getter wrote ${formatPath(path)}. Getters only compute: write in the event or lease itself.`,
  )
}

/** The answers that all four kinds give alike. */
abstract class Traps<Node extends DraftNode> {
  readonly node: Node

  constructor(node: Node) {
    this.node = node
  }

  /** The plain data or the node itself, for the library's own questions. */
  internal(key: string | symbol): { readonly answer: unknown } | undefined {
    if (key === plainOf) return { answer: plainOfStored(this.node.context, this.node) }
    if (key === nodeOf) return { answer: this.node }
    return undefined
  }

  refuse(what: string, key?: string | symbol): never {
    const path = formatPath(key === undefined ? this.node.path() : [...this.node.path(), String(key)])
    throw new InvalidMutationError(
      `${what} is not possible at ${path}. State is plain data: assign values to fields and elements.`,
    )
  }

  preventExtensions(): boolean {
    return this.refuse('Freezing or sealing a draft')
  }

  setPrototypeOf(): boolean {
    return this.refuse('Setting a prototype')
  }

  /** `Object.defineProperty` with a plain value is an assignment; anything else is none. */
  defineProperty(target: object, key: string | symbol, property: PropertyDescriptor): boolean {
    const plain = property.enumerable === true && property.configurable === true && property.writable === true
    if (!('value' in property) || !plain) this.refuse('Defining an accessor, or a hidden or read-only property,', key)
    return this.set(target, key, property.value)
  }

  abstract set(target: object, key: string | symbol, value: unknown): boolean
}

class ObjectTraps extends Traps<ObjectNode> implements ProxyHandler<object> {
  get(_target: object, key: string | symbol, receiver: unknown): unknown {
    if (typeof key === 'symbol') {
      const known = this.internal(key)
      if (known !== undefined) return known.answer
    }
    assertOpen(this.node)
    const { node } = this
    if (typeof key === 'string') {
      if (node.has(key)) return expose(node.get(key))
      const getter = node.shape?.getters.get(key)
      if (getter !== undefined) return this.#evaluate(getter, receiver as object)
    }
    return Reflect.get(Object.prototype, key, receiver)
  }

  #evaluate(getter: (this: object) => unknown, receiver: object): unknown {
    const { context } = this.node
    context.evaluating += 1
    try {
      return getter.call(receiver)
    } finally {
      context.evaluating -= 1
    }
  }

  set(_target: object, key: string | symbol, value: unknown): boolean {
    const { node } = this
    assertWritable(node, key)
    if (typeof key === 'symbol') this.refuse('A symbol as a key', key)
    if (isReservedKey(key)) this.refuse('This key', key)
    assertField(node, key)
    node.set(key, node.context.toStored(value, node, key))
    return true
  }

  deleteProperty(_target: object, key: string | symbol): boolean {
    const { node } = this
    assertWritable(node, key)
    if (typeof key === 'symbol') return true
    if (node.shape !== undefined) {
      this.refuse(`Deleting a field of "${node.shape.definition.fullName}"`, key)
    }
    node.delete(key)
    return true
  }

  has(_target: object, key: string | symbol): boolean {
    assertOpen(this.node)
    if (typeof key === 'string' && (this.node.has(key) || this.node.shape?.getters.has(key) === true)) return true
    return Reflect.has(Object.prototype, key)
  }

  ownKeys(): string[] {
    assertOpen(this.node)
    const keys = this.node.orderedKeys()
    return this.node.shape === undefined ? keys : [...keys, ...this.node.shape.getters.keys()]
  }

  getOwnPropertyDescriptor(_target: object, key: string | symbol): PropertyDescriptor | undefined {
    assertOpen(this.node)
    if (typeof key === 'symbol') return undefined
    const { node } = this
    if (node.has(key)) {
      return { value: expose(node.get(key)), writable: true, enumerable: true, configurable: true }
    }
    const getter = node.shape?.getters.get(key)
    if (getter === undefined) return undefined
    return { get: () => this.#evaluate(getter, node.proxy), enumerable: false, configurable: true }
  }
}

/** The top level of a state is closed: only its fields can be written. */
export function assertField(node: DraftNode, key: Key): void {
  const { shape } = node
  if (shape === undefined || shape.fields.has(key as string)) return
  const { fullName } = shape.definition
  if (shape.getters.has(key as string)) {
    throw new ImmutableStateError(
      `"${String(key)}" is a getter of "${fullName}": write the fields that it computes from.`,
    )
  }
  throw new InvalidMutationError(
    shape.substates.has(key as string)
      ? `"${String(key)}" is a substate of "${fullName}" and cannot be replaced: write its fields.`
      : `"${String(key)}" is not a field of "${fullName}". Its fields: ${[...shape.fields].join(', ')}. Declare it in defineState.`,
  )
}

/** The index that a property key names; undefined for other keys. */
function toIndex(key: string | symbol): number | undefined {
  if (typeof key === 'symbol') return undefined
  const first = key.charCodeAt(0)
  if (!(first >= 48 && first <= 57)) return undefined
  const index = Number(key)
  return Number.isInteger(index) && index < 4_294_967_295 && String(index) === key ? index : undefined
}

class ArrayTraps extends Traps<ArrayNode> implements ProxyHandler<unknown[]> {
  get(_target: unknown[], key: string | symbol, receiver: unknown): unknown {
    if (typeof key === 'symbol') {
      const known = this.internal(key)
      if (known !== undefined) return known.answer
    }
    assertOpen(this.node)
    const { node } = this
    const index = toIndex(key)
    if (index !== undefined) return index < node.length ? expose(node.at(index)) : undefined
    if (key === 'length') return node.length
    const method = Object.hasOwn(arrayMethods, key) ? arrayMethods[key as string] : undefined
    return method ?? Reflect.get(Array.prototype, key, receiver)
  }

  set(_target: unknown[], key: string | symbol, value: unknown): boolean {
    const { node } = this
    assertWritable(node, key)
    if (key === 'length') {
      this.#setLength(value)
      return true
    }
    const index = toIndex(key)
    if (index === undefined) return this.refuse('A named property on an array', key)
    const stored = node.context.toStored(value, node, index)
    if (index < node.length) node.set(index, stored)
    else {
      if (index > node.length) this.#grow(index)
      node.splice(index, 0, [stored])
    }
    return true
  }

  #setLength(value: unknown): void {
    const length = Number(value)
    if (!Number.isInteger(length) || length < 0 || length > 4_294_967_295) throw new RangeError('Invalid array length')
    const { node } = this
    if (length < node.length) node.splice(length, node.length - length, [])
    else this.#grow(length)
  }

  /** No holes: what plain JavaScript leaves open holds `undefined`. */
  #grow(length: number): void {
    const { node } = this
    if (length > node.length) node.splice(node.length, 0, new Array<undefined>(length - node.length).fill(undefined))
  }

  deleteProperty(_target: unknown[], key: string | symbol): boolean {
    const { node } = this
    assertWritable(node, key)
    const index = toIndex(key)
    if (index !== undefined && index < node.length) node.set(index, undefined)
    return true
  }

  has(_target: unknown[], key: string | symbol): boolean {
    assertOpen(this.node)
    const index = toIndex(key)
    return index === undefined ? Reflect.has(Array.prototype, key) : index < this.node.length
  }

  ownKeys(): string[] {
    assertOpen(this.node)
    const keys = Array.from({ length: this.node.length }, (_, index) => String(index))
    keys.push('length')
    return keys
  }

  getOwnPropertyDescriptor(_target: unknown[], key: string | symbol): PropertyDescriptor | undefined {
    assertOpen(this.node)
    const { node } = this
    if (key === 'length') return { value: node.length, writable: true, enumerable: false, configurable: false }
    const index = toIndex(key)
    if (index === undefined || index >= node.length) return undefined
    return { value: expose(node.at(index)), writable: true, enumerable: true, configurable: true }
  }

  override defineProperty(target: object, key: string | symbol, property: PropertyDescriptor): boolean {
    if (key === 'length' && 'value' in property) return this.set(target as unknown[], key, property.value)
    return super.defineProperty(target, key, property)
  }
}

type Methods = Readonly<Record<string | symbol, (this: object, ...args: never[]) => unknown>>

function readable<Node extends DraftNode>(proxy: object): Node {
  const node = nodeBehind(proxy)
  assertOpen(node)
  return node as Node
}

function writable<Node extends DraftNode>(proxy: object): Node {
  const node = readable<Node>(proxy)
  assertWritable(node)
  return node
}

/** A relative index, as array methods take them: from the end where negative, within the array. */
function clampIndex(value: unknown, length: number, fallback: number): number {
  if (value === undefined) return fallback
  const index = Math.trunc(Number(value)) || 0
  return index < 0 ? Math.max(length + index, 0) : Math.min(index, length)
}

function spliceNode(node: ArrayNode, index: number, remove: number, values: readonly unknown[]): unknown[] {
  const removed: unknown[] = []
  const stored = values.map((value, i) => node.context.toStored(value, node, index + i))
  for (let i = index; i < index + remove; i++) removed.push(expose(node.at(i)))
  node.splice(index, remove, stored)
  return removed
}

const arrayMethods: Methods = {
  push(this: object, ...values: unknown[]): number {
    const node = writable<ArrayNode>(this)
    spliceNode(node, node.length, 0, values)
    return node.length
  },
  pop(this: object): unknown {
    const node = writable<ArrayNode>(this)
    return node.length === 0 ? undefined : spliceNode(node, node.length - 1, 1, [])[0]
  },
  shift(this: object): unknown {
    const node = writable<ArrayNode>(this)
    return node.length === 0 ? undefined : spliceNode(node, 0, 1, [])[0]
  },
  unshift(this: object, ...values: unknown[]): number {
    const node = writable<ArrayNode>(this)
    spliceNode(node, 0, 0, values)
    return node.length
  },
  splice(this: object, ...args: unknown[]): unknown[] {
    const node = writable<ArrayNode>(this)
    const { length } = node
    const index = args.length === 0 ? 0 : clampIndex(args[0] ?? 0, length, 0)
    const count =
      args.length < 2 ? length - index : Math.min(Math.max(Math.trunc(Number(args[1])) || 0, 0), length - index)
    return spliceNode(node, index, args.length === 0 ? 0 : count, args.slice(2))
  },
  reverse(this: object): object {
    const node = writable<ArrayNode>(this)
    const { length } = node
    if (length > 1)
      node.arrange(
        Array.from({ length }, (_, i) => length - 1 - i),
        [],
      )
    return this
  },
  sort(this: object, compare?: (a: unknown, b: unknown) => number): object {
    const node = writable<ArrayNode>(this)
    if (compare !== undefined && typeof compare !== 'function') {
      throw new TypeError('The comparison function must be either a function or undefined')
    }
    const items = Array.from({ length: node.length }, (_, i) => ({ i, value: expose(node.at(i)) }))
    const last = items.filter((item) => item.value === undefined) // always behind the others, and never compared
    const rest = items.filter((item) => item.value !== undefined)
    rest.sort(compare === undefined ? byText : (a, b) => compare(a.value, b.value))
    assertOpen(node)
    const order = [...rest, ...last].map((item) => item.i)
    if (order.some((from, i) => from !== i)) node.arrange(order, [])
    return this
  },
  fill(this: object, value: unknown, start?: unknown, end?: unknown): object {
    const node = writable<ArrayNode>(this)
    const from = clampIndex(start, node.length, 0)
    const to = clampIndex(end, node.length, node.length)
    if (from >= to) return this
    const stored = node.context.toStored(value, node, from)
    const item = node.wrap(stored) ?? stored // the same container everywhere, as in plain JavaScript
    for (let i = from; i < to; i++) node.set(i, item)
    return this
  },
  copyWithin(this: object, target: unknown, start: unknown, end?: unknown): object {
    const node = writable<ArrayNode>(this)
    const to = clampIndex(target, node.length, 0)
    const from = clampIndex(start, node.length, 0)
    const count = Math.min(clampIndex(end, node.length, node.length) - from, node.length - to)
    const items = Array.from({ length: Math.max(count, 0) }, (_, i) => node.at(from + i))
    for (const [i, item] of items.entries()) node.set(to + i, item)
    return this
  },
  // Iteration without a trap for each index and for each look at the length.
  *values(this: object): Generator<unknown> {
    const node = readable<ArrayNode>(this)
    for (let i = 0; i < node.length; i++) {
      yield expose(node.at(i))
      assertOpen(node)
    }
  },
  [Symbol.iterator](this: object): Iterator<unknown> {
    return (arrayMethods.values as (this: object) => Iterator<unknown>).call(this)
  },
}

function byText(a: { value: unknown }, b: { value: unknown }): number {
  const [x, y] = [String(a.value), String(b.value)]
  return x < y ? -1 : x > y ? 1 : 0
}

class CollectionTraps extends Traps<DraftNode> implements ProxyHandler<object> {
  readonly #methods: Methods

  constructor(node: DraftNode, methods: Methods) {
    super(node)
    this.#methods = methods
  }

  get(target: object, key: string | symbol): unknown {
    if (typeof key === 'symbol') {
      const known = this.internal(key)
      if (known !== undefined) return known.answer
    }
    assertOpen(this.node)
    if (key === 'size') return (this.node as MapNode | SetNode).size
    if (Object.hasOwn(this.#methods, key)) return this.#methods[key]
    const inherited: unknown = Reflect.get(Object.getPrototypeOf(target) as object, key, target)
    // Methods newer than this library (`union`, …) only read: they work on plain data.
    if (typeof inherited !== 'function' || key === 'constructor' || key in Object.prototype) return inherited
    return (...args: unknown[]) =>
      Reflect.apply(inherited as (...args: unknown[]) => unknown, plainOfStored(this.node.context, this.node), args)
  }

  set(_target: object, key: string | symbol): boolean {
    assertWritable(this.node, key)
    return this.refuse('A property on a Map or Set', key)
  }

  deleteProperty(_target: object, _key: string | symbol): boolean {
    assertOpen(this.node)
    return true
  }
}

function primitiveKey(node: DraftNode, key: unknown, role: string): Key {
  if ((typeof key === 'object' && key !== null) || typeof key === 'function' || typeof key === 'symbol') {
    throw new NotCloneableError(
      `A ${role} at ${formatPath(node.path())} must be a primitive, and no symbol: objects lose their identity on the way to a worker.`,
      { path: node.path() },
    )
  }
  return key as Key
}

const mapMethods = {
  get(this: object, key: unknown): unknown {
    const node = readable<MapNode>(this)
    return expose(node.get(key as Key))
  },
  has(this: object, key: unknown): boolean {
    return readable<MapNode>(this).has(key as Key)
  },
  set(this: object, key: unknown, value: unknown): object {
    const node = writable<MapNode>(this)
    const name = primitiveKey(node, key, 'Map key')
    node.set(name, node.context.toStored(value, node, name))
    return this
  },
  delete(this: object, key: unknown): boolean {
    return writable<MapNode>(this).delete(key as Key)
  },
  clear(this: object): void {
    writable<MapNode>(this).clear()
  },
  forEach(this: object, visit: (value: unknown, key: unknown, map: object) => void, self?: unknown): void {
    const node = readable<MapNode>(this)
    for (const key of node.keys()) visit.call(self, expose(node.get(key)), key, this)
  },
  *keys(this: object): Generator<unknown> {
    yield* readable<MapNode>(this).keys()
  },
  *values(this: object): Generator<unknown> {
    const node = readable<MapNode>(this)
    for (const key of node.keys()) yield expose(node.get(key))
  },
  *entries(this: object): Generator<unknown> {
    const node = readable<MapNode>(this)
    for (const key of node.keys()) yield [key, expose(node.get(key))]
  },
  [Symbol.iterator](this: object): Iterator<unknown> {
    return mapMethods.entries.call(this)
  },
}

const setMethods = {
  has(this: object, member: unknown): boolean {
    return readable<SetNode>(this).has(member as Key)
  },
  add(this: object, member: unknown): object {
    const node = writable<SetNode>(this)
    node.add(primitiveKey(node, member, 'Set member'))
    return this
  },
  delete(this: object, member: unknown): boolean {
    return writable<SetNode>(this).delete(member as Key)
  },
  clear(this: object): void {
    writable<SetNode>(this).clear()
  },
  forEach(this: object, visit: (value: unknown, key: unknown, set: object) => void, self?: unknown): void {
    for (const member of readable<SetNode>(this).values()) visit.call(self, member, member, this)
  },
  *values(this: object): Generator<unknown> {
    yield* readable<SetNode>(this).values()
  },
  keys(this: object): Iterator<unknown> {
    return setMethods.values.call(this)
  },
  *entries(this: object): Generator<unknown> {
    for (const member of readable<SetNode>(this).values()) yield [member, member]
  },
  [Symbol.iterator](this: object): Iterator<unknown> {
    return setMethods.values.call(this)
  },
}
