/*
 * What leads from one value to another, as mutations: so that what is the same keeps its identity, and whoever reads it is
 * left alone.
 *
 * - Rows that are the same at both ends of a list stay; what is left between is compared one by one, or replaced.
 * - What is given as the new value is taken over, part by part: it is nobody else's afterwards.
 * - It gives `undefined` now and then, where it may be interrupted.
 */

import { containerKind } from '../state/container-kind.js'
import type { Key, Mutation, Path } from '../state/mutation.js'
import { entryOf } from '../state/values.js'
import { countIn, hasKey, keysIn } from './entries.js'

export type Differences = Generator<Mutation | undefined, void>

/** Entries that are compared without a pause. */
const STRIDE = 256

/** The two are of the same keys in another order, or of keys that come in where they cannot be put. */
export class OrderError extends Error {}

/** Leads from `before`, which stands at `path`, to `after`. */
export function* differences(path: Path, before: unknown, after: unknown): Differences {
  if (isSame(before, after)) return
  const kind = containerKind(before)
  if (kind === undefined || kind !== containerKind(after)) {
    yield { op: 'set', path, value: after }
  } else if (kind === 'array') {
    yield* differencesOfLists(path, 0, before as unknown[], after as unknown[])
  } else {
    try {
      yield* differencesOfKeys(path, before as object, after as object)
    } catch (error) {
      if (!(error instanceof OrderError)) throw error
      yield { op: 'set', path, value: after }
    }
  }
}

/**
 * Leads from one part of the list at `path` to another.
 * @param at the index of the part's first element
 */
export function* differencesOfLists(
  path: Path,
  at: number,
  before: readonly unknown[],
  after: readonly unknown[],
): Differences {
  const shorter = Math.min(before.length, after.length)
  let first = 0
  for (; first < shorter && isSame(before[first], after[first]); first++) if (first % STRIDE === 0) yield undefined
  let last = 0
  for (; last < shorter - first && isSame(before.at(-1 - last), after.at(-1 - last)); last++) {
    if (last % STRIDE === 0) yield undefined
  }
  if (before.length === after.length) {
    for (let i = first; i < after.length - last; i++) {
      if (i % STRIDE === 0) yield undefined
      yield* differences([...path, at + i], before[i], after[i])
    }
    return
  }
  const values = after.slice(first, after.length - last)
  yield { op: 'splice', path, index: at + first, remove: before.length - first - last, values }
}

/**
 * Leads from some entries of the map, object or set at `path` to others.
 * @param isLast nothing stands behind them: then there may be more of them afterwards
 * @throws OrderError before it has given anything
 */
export function* differencesOfKeys(path: Path, before: object, after: object, isLast = true): Differences {
  const kept = new Set<Key>()
  for (const key of keysIn(before)) if (hasKey(after, key)) kept.add(key)
  if (!isInOrder(kept, after) || (!isLast && kept.size < countIn(after))) throw new OrderError()
  const isSet = before instanceof Set
  for (const key of keysIn(before)) {
    if (kept.has(key)) continue
    yield isSet ? { op: 'remove', path, value: key } : { op: 'delete', path: [...path, key] }
  }
  let count = 0
  for (const key of keysIn(after)) {
    if (count++ % STRIDE === 0) yield undefined
    if (isSet) {
      if (!kept.has(key)) yield { op: 'add', path, value: key }
    } else if (!kept.has(key)) yield { op: 'set', path: [...path, key], value: entryOf(after, key) }
    else yield* differences([...path, key], entryOf(before, key), entryOf(after, key))
  }
}

/** Whether those that were kept come first, in their order. */
function isInOrder(kept: ReadonlySet<Key>, after: object): boolean {
  const isObject = containerKind(after) === 'object'
  // An object has its numbers in front, whenever they were put there.
  const ordered = (keys: Iterable<Key>) => (isObject ? [...keys].filter((key) => !isIndex(key as string)) : [...keys])
  const keys = ordered(keysIn(after))
  return ordered(kept).every((key, i) => Object.is(key, keys[i]))
}

function isIndex(key: string): boolean {
  return String(Number(key) >>> 0) === key
}

function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  const kind = containerKind(one)
  if (kind === undefined) {
    // Other leaves are replaced each time: to compare them costs more.
    return one instanceof Date && other instanceof Date && Object.is(one.getTime(), other.getTime())
  }
  if (kind !== containerKind(other)) return false
  if (kind === 'array') {
    const [mine, theirs] = [one as unknown[], other as unknown[]]
    return mine.length === theirs.length && mine.every((element, i) => isSame(element, theirs[i]))
  }
  if (countIn(one) !== countIn(other)) return false
  const theirs = keysIn(other)[Symbol.iterator]()
  for (const key of keysIn(one)) {
    if (!Object.is(key, theirs.next().value)) return false
    if (kind !== 'set' && !isSame(entryOf(one, key), entryOf(other, key))) return false
  }
  return true
}
