/*
 * What may be in state.
 *
 * - Containers: plain objects, arrays, maps with primitive keys, sets of primitives. Leaves: dates, regular expressions,
 *   typed arrays, buffers, blobs, files, errors; they are replaced whole. And every primitive but symbols.
 * - Values enter by value: what the caller does to its object afterwards does not reach the state.
 * - A state is a tree of this realm's plain data: a null prototype becomes a plain one, holes become `undefined`.
 * - What is refused is refused whole, with the path to it.
 */

import { NotCloneableError } from '../errors.js'
import type { ContainerKind } from './container-kind.js'
import { containerKind } from './container-kind.js'
import type { Leaf } from './define-state.js'
import { warnOnce } from './development.js'
import { copyLeaf, leafKind, tagOf } from './leaves.js'
import type { Key, Path } from './mutation.js'
import { formatPath } from './mutation.js'
import { partOf } from './part.js'
import { unwrap } from './plain.js'
import { HEAVY, MAX_WEIGHT, weigh, weightOf } from './weight.js'

/** Keys that lead to, or make, a prototype: refused everywhere. */
export function isReservedKey(key: unknown): boolean {
  return key === '__proto__' || key === 'prototype' || key === 'constructor'
}

// Deeper data is a cycle or a mistake; structured clone itself fails at some 20,000 levels in one engine.
const MAX_DEPTH = 1_000
// Containers up to this size are copied when a commit writes them, larger ones are written in place.
const SMALL = 64
const MANY_KEYS = 10_000

// Holes cost nothing to send, and as `undefined` each its place: there are four billion of them in the emptiest array.
const MAX_HOLES = 100_000

const wide = new WeakSet<object>()

/**
 * True for a container too large to copy at each write. A plain object has no cheap size: it counts as large once a copy
 * was made of it that had to walk all of its keys.
 */
export function isLarge(container: object): boolean {
  if (Array.isArray(container)) return container.length > SMALL
  if (container instanceof Map || container instanceof Set) return container.size > SMALL
  return wide.has(container)
}

/** Remembers a plain object that was made with so many keys, if it is large. */
export function noteWide(object: object, keys: number): void {
  if (keys > SMALL) wide.add(object)
}

/** Puts something in the place of a proxy of this library; undefined: its plain data is copied instead. */
export type Adopt = (proxy: object) => unknown

class Copier {
  readonly #trail: Key[]
  readonly #base: number
  readonly #holders: object[] = []
  readonly #adopt: Adopt | undefined
  #weight = 0

  constructor(path: Path, adopt: Adopt | undefined) {
    this.#trail = [...path]
    this.#base = path.length
    this.#adopt = adopt
  }

  copy(value: unknown): unknown {
    if (isPrimitive(value)) return value
    const object = value as object // or a function or symbol, which is refused like any object that is no plain data
    return partOf(object) === undefined
      ? this.#copyContainer(object)
      : (this.#adopt?.(object) ?? this.#copyContainer(unwrap(object) as object))
  }

  #copyContainer(value: object): object {
    const kind = containerKind(value)
    if (kind === undefined) {
      const leaf = leafKind(value)
      if (leaf === undefined) return this.#refuse(describe(value))
      this.#weigh(value, kind)
      return copyLeaf(leaf, value)
    }
    if (kind === 'array' && (value as unknown[]).length > MAX_HOLES) this.#assertNotHollow(value as unknown[])
    this.#weigh(value, kind)
    const depth = this.#holders.length
    if (depth > MAX_DEPTH) this.#refuse(`nested more than ${MAX_DEPTH} levels deep`)
    // A cycle grows the stack of holders without end: looking for it from here on costs shallow values nothing.
    if (depth > 30 && this.#holders.includes(value)) this.#refuseCycle()
    this.#holders.push(value)
    const copy = this.#copyEntries(kind, value)
    this.#holders.pop()
    return copy
  }

  /** Refuses what would be too large as the tree that it becomes. */
  #weigh(value: object, kind: ContainerKind | undefined): void {
    const before = this.#weight
    this.#weight += weightOf(value, kind)
    if (before >= HEAVY || this.#weight < HEAVY) return
    const outermost = this.#holders[0] ?? value
    const whole = weigh(outermost, MAX_DEPTH)
    if (whole === Number.POSITIVE_INFINITY) {
      this.#refuse(`a circular reference, or nested more than ${MAX_DEPTH} levels deep`)
    }
    if (whole > MAX_WEIGHT) this.#refuse('too large: the same containers stand in very many of its places')
  }

  #assertNotHollow(array: readonly unknown[]): void {
    let holes = 0
    for (let i = 0; i < array.length; i++) {
      if (array[i] === undefined && !Object.hasOwn(array, i) && ++holes > MAX_HOLES) {
        this.#refuse(`an array of length ${array.length} with more than ${MAX_HOLES} holes`)
      }
    }
  }

  #copyEntries(kind: ContainerKind, value: object): object {
    if (kind === 'array') {
      const source = value as unknown[]
      if (!isPlainArray(source)) this.#refuse(describe(source))
      if (Object.getOwnPropertySymbols(source).length > 0) this.#refuse('an observable or an array with symbol keys')
      const copy = new Array<unknown>(source.length)
      let areRows = true
      for (let i = 0; i < copy.length; i++) {
        const item = source[i]
        const row: object | undefined = areRows ? copyRow(item) : undefined
        areRows = row !== undefined
        if (row !== undefined) this.#weigh(row, 'object')
        copy[i] = row ?? this.#entry(i, item)
      }
      return copy
    }
    if (kind === 'map') {
      const copy = new Map<unknown, unknown>()
      for (const [key, item] of value as Map<unknown, unknown>)
        copy.set(this.#primitive(key, 'key'), this.#entry(key as Key, item))
      return copy
    }
    if (kind === 'set') {
      const copy = new Set<unknown>()
      for (const member of value as Set<unknown>) copy.add(this.#primitive(member, 'member'))
      return copy
    }
    if (Object.getOwnPropertySymbols(value).length > 0) this.#refuse('an observable or an object with symbol keys')
    // Engines copy an object as a whole faster than key by key, and a plain one has no more keys than its own.
    const copy: Record<string, unknown> = { ...value }
    let count = 0
    for (const key in copy) {
      if (isReservedKey(key)) this.#refuse(`an object with the key "${key}"`)
      count += 1
      const item = copy[key]
      // Somebody may have given all objects another key.
      if (!isPrimitive(item) && Object.hasOwn(copy, key)) copy[key] = this.#entry(key, item)
    }
    noteWide(copy, count)
    if (count > MANY_KEYS) {
      warnOnce(
        `The object at ${formatPath(this.#trail)} has ${count} keys. Use a Map: engines are slow with large objects.`,
      )
    }
    return copy
  }

  #entry(key: Key, value: unknown): unknown {
    // Most entries are primitives: they need no trail.
    if (isPrimitive(value)) return value
    this.#trail.push(key)
    const copy = this.copy(value)
    this.#trail.pop()
    return copy
  }

  #primitive(key: unknown, role: string): unknown {
    if (!isPrimitive(key)) this.#refuse(`a Map or Set with ${describe(key)} as ${role}`)
    return key
  }

  /** Names the first place at which a container comes again. */
  #refuseCycle(): never {
    const first = this.#holders.findIndex((holder, i) => this.#holders.indexOf(holder) < i)
    if (first > 0) this.#trail.length = this.#base + first
    return this.#refuse('a circular reference')
  }

  #refuse(what: string): never {
    throw new NotCloneableError(
      `The value at ${formatPath(this.#trail)} cannot be in state: it is ${what}. ` +
        'State holds plain objects, arrays, maps and sets with primitive keys, primitives, dates, buffers, blobs and errors.',
      { path: this.#trail.slice() },
    )
  }
}

/** A primitive that may be in state: nothing to look at, nothing to copy. */
export function isPrimitive(value: unknown): boolean {
  return typeof value !== 'object' ? typeof value !== 'function' && typeof value !== 'symbol' : value === null
}

/**
 * A checked copy of a small plain object that holds primitives alone, as most elements of long lists do: without the steps that
 * others need, which code that is not compiled yet is slow in. Undefined for anything else.
 */
function copyRow(value: unknown): object | undefined {
  if (containerKind(value) !== 'object' || partOf(value) !== undefined) return undefined
  if (Object.getOwnPropertySymbols(value).length > 0) return undefined
  const copy: Record<string, unknown> = { ...(value as object) }
  let count = 0
  for (const key in copy) {
    if (++count > SMALL || !isPrimitive(copy[key]) || isReservedKey(key)) return undefined
  }
  return copy
}

/** False for an instance of a class that extends Array. The prototype of plain ones is an array itself, in every realm. */
function isPlainArray(array: unknown[]): boolean {
  const prototype: unknown = Object.getPrototypeOf(array)
  return prototype === Array.prototype || prototype === null || Array.isArray(prototype)
}

/** What a value is, for messages: `null`, `a number`, `an instance of Row`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  const kind = containerKind(value)
  if (kind === 'array' && isPlainArray(value as unknown[])) return 'an array'
  if (kind === 'object') return 'an object'
  if (kind === 'map' || kind === 'set') return kind === 'map' ? 'a Map' : 'a Set'
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name
  if (typeof (value as { then?: unknown }).then === 'function') return 'a promise'
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : `a ${tagOf(value)}`
}

/**
 * A checked deep copy of a value that is to enter the state.
 *
 * @param path where the value is to stand; it leads the path in the message
 * @param adopt asked first about each proxy of this library in the value
 * @throws NotCloneableError with the path of the first thing that cannot be in state
 */
export function copyIn(value: unknown, path: Path, adopt?: Adopt): unknown {
  return isPrimitive(value) ? value : new Copier(path, adopt).copy(value)
}

/** Takes `readonly` off every level: what a copy of one's own may be changed in. Leaves come first, so that types end. */
export type Plain<T> = T extends Leaf | ((...args: never) => unknown)
  ? T
  : T extends ReadonlyMap<infer K, infer V>
    ? Map<K, Plain<V>>
    : T extends ReadonlySet<infer V>
      ? Set<Plain<V>>
      : T extends readonly (infer U)[]
        ? number extends T['length']
          ? Plain<U>[]
          : { -readonly [K in keyof T]: Plain<T[K]> }
        : T extends object
          ? { -readonly [K in keyof T]: Plain<T[K]> }
          : T

/**
 * Makes plain data of any part of `store.state`, a draft or `task.state`: a deep copy that belongs to the caller.
 * Read in a reaction or computed, it depends on the part as one.
 */
export function toPlain<T>(part: T): Plain<T> {
  return copyIn(unwrap(part), []) as Plain<T>
}

/** A shallow copy of a container; a plain object found to be wide is remembered as such. */
export function shallowCopy<T extends object>(container: T): T {
  const kind = containerKind(container)
  if (kind === 'array') return (container as unknown as unknown[]).slice() as unknown as T
  if (kind === 'map') return new Map(container as unknown as Map<unknown, unknown>) as unknown as T
  if (kind === 'set') return new Set(container as unknown as Set<unknown>) as unknown as T
  // Engines copy an object as a whole faster than key by key, and count its keys faster than they list them.
  const copy = { ...container }
  let count = 0
  for (const _ in copy) count++
  noteWide(copy, count)
  return copy
}

/** The entry of a container under a key; undefined where there is none. */
export function entryOf(container: object, key: Key): unknown {
  if (container instanceof Map) return container.get(key)
  if (Array.isArray(container)) return container[key as number]
  return Object.hasOwn(container, key as string) ? (container as Record<string, unknown>)[key as string] : undefined
}
