/*
 * Whether two values that a function has given are the same for whoever shows them.
 *
 * - `Object.is` decides between primitives, and between parts of the state: two rows that look the same are two rows.
 * - Arrays and plain objects are compared by their content, so a function may make one each time.
 * - Of anything else that is made anew (a `Map`, an element, a closure) nothing can be said.
 */

import { isObservable } from 'mobx'
import { unwrap } from '../state/plain.js'

export type Comparison = 'same' | 'different' | 'unknown'

/** Deep enough for lists of records with lists in them. A cycle ends here too. */
const DEPTH = 6

export function compareValues(before: unknown, now: unknown, depth: number = DEPTH): Comparison {
  if (Object.is(before, now)) return 'same'
  if (!isMade(before) || !isMade(now)) return 'different'
  const isArray = Array.isArray(before)
  if (isArray !== Array.isArray(now)) return 'different'
  if (depth === 0 || (!isArray && !(isRecord(before) && isRecord(now)))) return 'unknown'
  const keys = Object.keys(now)
  if (keys.length !== Object.keys(before).length) return 'different'
  let result: Comparison = 'same'
  for (const key of keys) {
    if (!Object.hasOwn(before, key)) return 'different'
    const part = compareValues(entryOf(before, key), entryOf(now, key), depth - 1)
    if (part === 'different') return part
    if (part === 'unknown') result = part
  }
  return result
}

/** Whether it may have been made by the function, with another identity each time. */
function isMade(value: unknown): value is object {
  if (typeof value === 'function') return true
  return typeof value === 'object' && value !== null && unwrap(value) === value && !isObservable(value)
}

/** Plain data, but not a React element, which knows the whole tree. */
function isRecord(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype && !('$$typeof' in value)
}

function entryOf(value: object, key: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[key]
}
