/*
 * Parts: what a proxy of this library stands for, one container of a state.
 *
 * - Three kinds of part, one set of proxies: a draft's parts show what was written on them and take writes; those of a
 *   replica and of the page's view show plain data and refuse them.
 * - A part tells its values by key and hears what a reader depends on; only the page's view passes that on, to MobX.
 * - Whoever writes is asked first: `assertWritable` throws, names the place, and nothing has changed.
 */

import type { ContainerKind } from './container-kind.js'
import type { StateShape } from './define-state.js'
import type { Key } from './mutation.js'

export abstract class Part implements Shadow {
  abstract readonly kind: ContainerKind
  /** Elements or entries; of an object nobody asks. */
  abstract readonly size: number
  /** What a reader gets at a key: a primitive, a leaf, or the proxy of a part; undefined where nothing stands. */
  abstract get(key: Key): unknown
  abstract has(key: Key): boolean
  /** What stands at a key of an object, for who lists keys: depends on which keys there are, not on what stands there. */
  abstract own(key: Key): { readonly value: unknown } | undefined
  /** The keys of an object or map, the members of a set, in order; as they are at each step. */
  abstract keys(): Iterable<Key>
  /** Plain data of the whole. It may be the data of the state itself. */
  abstract plain(): object
  /** Where it stands, as far as that can be said; for messages. */
  abstract path(): readonly Key[]
  /**
   * Throws unless it may be written.
   * @param deed what is tried, as a verb: `write`, `delete`, `call`
   * @param key at which key; the name of a method for `call`
   */
  abstract assertWritable(deed: string, key?: unknown): void

  /** A part is the target of its own proxy, but for arrays. */
  get part(): this {
    return this
  }

  /**
   * False where a trap is run for another object than a proxy of this part: for one that inherits from it.
   * Parts that refuse every write need not tell.
   */
  isShownBy(_receiver: unknown): boolean {
    return true
  }

  /** Throws if it can no longer be read. */
  assertReadable(): void {}
  /** The reader depends on the elements of an array, or the members of a set. */
  onContent(): void {}

  // What follows is called after `assertWritable` alone.
  set(_key: Key, _value: unknown): void {}
  delete(_key: Key): boolean {
    return false
  }
  /** Replaces elements of an array; an index and a count that fit. */
  splice(_index: number, _remove: number, _values: readonly unknown[]): void {}
  /** Position i of the array takes the element of `order[i]`. */
  reorder(_order: readonly number[]): void {}
  add(_member: Key): void {}
  clear(): void {}
}

/** The top level of a state or of a substate. */
export interface StatePart extends Part {
  readonly part: this
  readonly shape: StateShape
  /** Its proxy with backend fields, `this` of the getters. */
  readonly inner: object
  /** Its proxy for those who see no backend fields. */
  readonly outer: object
  /** The value of a getter. */
  getter(name: string): unknown
  substate(name: string): StatePart
}

/** The target of a proxy. Over the data itself a `get` that gives another value would throw where it is frozen. */
export interface Shadow<P extends Part = Part> {
  readonly part: P
}

/** Asked of a proxy: the part that it stands for. */
export const partSymbol: unique symbol = Symbol('leasehold.part')

/** The part that a value stands for, if it is a proxy of this library. */
export function partOf(value: unknown): Part | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as { readonly [partSymbol]?: Part })[partSymbol]
}

/** The part behind the `this` of a method. */
export function partBehind(proxy: object, method: string): Part {
  const part = partOf(proxy)
  if (part === undefined) {
    throw new TypeError(`${method}() was taken from a part of the state and called on something else.`)
  }
  part.assertReadable()
  return part
}

/** The same for a method that writes. */
export function writablePart(proxy: object, method: string): Part {
  const part = partBehind(proxy, method)
  part.assertWritable('call', method)
  return part
}

/** True for the names that `store.state`, snapshots and persistence leave out at the top of a state. */
export function isBackend(name: string): boolean {
  return name.startsWith('_')
}
