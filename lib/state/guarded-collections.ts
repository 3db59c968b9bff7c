/*
 * The guards over maps and sets.
 *
 * - Reading works as on the data: methods, iterators, `size`, `instanceof`; whatever is handed out is guarded.
 * - Writing methods throw ImmutableStateError. `Map.prototype.set.call(view)` throws the engine's own TypeError.
 */

import type { Key } from './mutation.js'
import type { Methods, Part, Shadow } from './part.js'
import { guarded, inherited, methodTable, partBehind, refusals } from './part.js'

type Visit = (this: unknown, value: unknown, key: unknown, collection: object) => unknown

/** The entries are asked for at each step: a commit may replace the container between two of them. */
function mapBehind(view: object, method: string): { part: Part; map: () => ReadonlyMap<Key, unknown> } {
  const part = partBehind(view, method)
  return { part, map: () => part.raw as ReadonlyMap<Key, unknown> }
}

function* entries(view: object, method: string): Generator<[Key, unknown]> {
  const { part, map } = mapBehind(view, method)
  part.onKeys()
  for (const key of map().keys()) {
    if (!map().has(key)) continue // gone since the iteration began
    part.onKey(key)
    yield [key, guarded(part, key, map().get(key))]
  }
}

function* values(view: object): Generator<unknown> {
  for (const [, value] of entries(view, 'values')) yield value
}

const mapMethods = methodTable(
  {
    get(this: object, key: Key): unknown {
      const { part, map } = mapBehind(this, 'get')
      part.onKey(key)
      return guarded(part, key, map().get(key))
    },
    has(this: object, key: Key): boolean {
      const { part, map } = mapBehind(this, 'has')
      part.onKey(key)
      return map().has(key)
    },
    keys(this: object): Iterator<Key> {
      const { part, map } = mapBehind(this, 'keys')
      part.onKeys()
      return map().keys()
    },
    values(this: object): Iterator<unknown> {
      return values(this)
    },
    entries(this: object): Iterator<unknown> {
      return entries(this, 'entries')
    },
    forEach(this: object, fn: Visit, self?: unknown): void {
      for (const [key, value] of entries(this, 'forEach')) fn.call(self, value, key, this)
    },
    [Symbol.iterator](this: object): Iterator<unknown> {
      return entries(this, 'entries')
    },
  },
  ['set', 'delete', 'clear', 'getOrInsert', 'getOrInsertComputed'],
)

function membersBehind(view: object, method: PropertyKey): ReadonlySet<unknown> {
  const part = partBehind(view, method)
  part.onContent()
  return part.raw as ReadonlySet<unknown>
}

// Members are primitives, so what the data's own methods give may be handed out: iterators, and the set algebra of newer engines.
const setMethods = methodTable(
  {
    ...Object.fromEntries(
      [
        ...['has', 'keys', 'values', 'entries', Symbol.iterator, 'union', 'intersection', 'difference'],
        ...['symmetricDifference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom'],
      ]
        .filter((name) => name in Set.prototype)
        .map((name) => [
          name,
          function (this: object, ...args: unknown[]): unknown {
            return Reflect.apply(Reflect.get(Set.prototype, name), membersBehind(this, name), args)
          },
        ]),
    ),
    forEach(this: object, fn: Visit, self?: unknown): void {
      membersBehind(this, 'forEach').forEach((member) => {
        fn.call(self, member, member, this)
      })
    },
  },
  ['add', 'delete', 'clear'],
)

function collectionGuard(prototype: object, methods: Methods): ProxyHandler<Shadow> {
  return {
    ...refusals,
    getPrototypeOf: () => prototype,
    get({ part }, key, receiver) {
      if (key !== 'size') return inherited(part, key, prototype, receiver, methods)
      part.onKeys()
      return (part.raw as { readonly size: number }).size
    },
    has: (_, key) => key in prototype,
    ownKeys: () => [],
    getOwnPropertyDescriptor: () => undefined,
  }
}

export const mapGuard: ProxyHandler<Shadow> = collectionGuard(Map.prototype, mapMethods)
export const setGuard: ProxyHandler<Shadow> = collectionGuard(Set.prototype, setMethods)
