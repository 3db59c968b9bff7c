/*
 * Proxies over maps and sets.
 *
 * - Methods, iterators, `size`, `instanceof`: as on the data, also while an iteration goes on. What is handed out is what
 *   the part gives.
 * - `Map.prototype.set.call(proxy)` throws the engine's own TypeError.
 */

import { NotCloneableError } from '../errors.js'
import type { Key } from './mutation.js'
import { formatPath } from './mutation.js'
import type { Part, Shadow } from './part.js'
import { partBehind, writablePart } from './part.js'
import type { Methods } from './proxy-traps.js'
import { commonTraps, inherited, methodTable, refuse, setElsewhere } from './proxy-traps.js'
import { isPrimitive } from './values.js'

type Visit = (this: unknown, value: unknown, key: unknown, collection: object) => unknown

/** Objects lose their identity on the way to a worker, so they are no keys and no members. */
function primitive(part: Part, key: unknown, role: string): Key {
  if (!isPrimitive(key)) {
    const path = part.path()
    throw new NotCloneableError(`A ${role} at ${formatPath(path)} must be a primitive, and no symbol.`, { path })
  }
  return key as Key
}

/** The keys of a map, the members of a set. */
function* keys(proxy: object): Generator<Key> {
  const part = partBehind(proxy, 'keys')
  for (const key of part.keys()) {
    yield key
    part.assertReadable()
  }
}

function* entries(proxy: object): Generator<[Key, unknown]> {
  const part = partBehind(proxy, 'entries')
  for (const key of keys(proxy)) {
    const value = part.get(key)
    // One that has gone since the iteration began is not visited. Where a value stands there is no need to ask.
    if (value !== undefined || part.has(key)) yield [key, value]
  }
}

function* values(proxy: object): Generator<unknown> {
  for (const [, value] of entries(proxy)) yield value
}

function clear(this: object): void {
  writablePart(this, 'clear').clear()
}

function remove(this: object, key: Key): boolean {
  return writablePart(this, 'delete').delete(key)
}

function has(this: object, key: Key): boolean {
  return partBehind(this, 'has').has(key)
}

const mapMethods = methodTable({
  has,
  delete: remove,
  clear,
  get(this: object, key: Key): unknown {
    return partBehind(this, 'get').get(key)
  },
  set(this: object, key: unknown, value: unknown): object {
    const part = writablePart(this, 'set')
    part.set(primitive(part, key, 'Map key'), value)
    return this
  },
  // Newer than some engines, so that code which uses them does not write on a copy.
  getOrInsert(this: object, key: Key, value: unknown): unknown {
    const part = writablePart(this, 'getOrInsert')
    if (!part.has(key)) part.set(primitive(part, key, 'Map key'), value)
    return part.get(key)
  },
  getOrInsertComputed(this: object, key: Key, compute: (key: Key) => unknown): unknown {
    const part = writablePart(this, 'getOrInsertComputed')
    if (!part.has(key)) part.set(primitive(part, key, 'Map key'), compute(key))
    return part.get(key)
  },
  keys(this: object): Iterator<Key> {
    return keys(this)
  },
  values(this: object): Iterator<unknown> {
    return values(this)
  },
  entries(this: object): Iterator<unknown> {
    return entries(this)
  },
  forEach(this: object, fn: Visit, self?: unknown): void {
    for (const [key, value] of entries(this)) fn.call(self, value, key, this)
  },
  [Symbol.iterator](this: object): Iterator<unknown> {
    return entries(this)
  },
})

function* pairs(proxy: object): Generator<[Key, Key]> {
  for (const member of keys(proxy)) yield [member, member]
}

/** The set algebra of newer engines makes new sets: it works on plain data. */
const algebra = Object.fromEntries(
  ['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom']
    .filter((name) => name in Set.prototype)
    .map((name) => [
      name,
      function (this: object, other: unknown): unknown {
        return Reflect.apply(Reflect.get(Set.prototype, name), partBehind(this, name).plain(), [other])
      },
    ]),
)

const setMethods = methodTable(algebra, {
  has,
  delete: remove,
  clear,
  add(this: object, member: unknown): object {
    const part = writablePart(this, 'add')
    part.add(primitive(part, member, 'Set member'))
    return this
  },
  keys(this: object): Iterator<Key> {
    return keys(this)
  },
  values(this: object): Iterator<Key> {
    return keys(this)
  },
  entries(this: object): Iterator<unknown> {
    return pairs(this)
  },
  forEach(this: object, fn: Visit, self?: unknown): void {
    for (const member of keys(this)) fn.call(self, member, member, this)
  },
  [Symbol.iterator](this: object): Iterator<Key> {
    return keys(this)
  },
})

function collectionTraps(prototype: object, methods: Methods): ProxyHandler<Shadow> {
  return {
    ...commonTraps,
    getPrototypeOf: () => prototype,
    get({ part }, key, receiver) {
      if (key !== 'size') return inherited(part, key, prototype, receiver, methods)
      part.assertReadable()
      return part.size
    },
    set({ part }, key, value, receiver) {
      if (!part.isShownBy(receiver)) return setElsewhere(key, value, receiver)
      part.assertWritable('write', key)
      return refuse(part, 'A property on a Map or Set', key)
    },
    defineProperty({ part }, key) {
      part.assertWritable('define', key)
      return refuse(part, 'A property on a Map or Set', key)
    },
    deleteProperty({ part }, key) {
      part.assertWritable('delete', key)
      return true
    },
    has: (_, key) => key in prototype,
    ownKeys: () => [],
    getOwnPropertyDescriptor: () => undefined,
  }
}

export const mapTraps: ProxyHandler<Shadow> = collectionTraps(Map.prototype, mapMethods)
export const setTraps: ProxyHandler<Shadow> = collectionTraps(Set.prototype, setMethods)
