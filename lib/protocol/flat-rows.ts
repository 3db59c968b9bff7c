/*
 * Rows: objects of one shape that hold primitives alone, which is what most large payloads are made of.
 *
 * - They are weighed, compared and taken apart in one walk over their keys. Engines read an entry fastest inside such a walk,
 *   and in a worker that has just begun one loop is compiled sooner than five.
 * - Their values go into one list, row by row: filling a list for each key, and cloning those, takes twice as long.
 * - Only for data of this library: nobody looks for what structured clone would refuse.
 */

import { containerKind } from '../state/container-kind.js'
import { isPrimitive, isReservedKey } from '../state/values.js'
import { encodePrimitives } from './column-encoder.js'
import type { Column } from './columns.js'
import { CHARACTERS, CONTAINER, MAX_KEYS } from './columns.js'

/** Fewer are left to whoever takes values of any kind. */
export const FEW_ROWS = 16

/** Rows that stand one behind the other. */
export interface FlatRows {
  readonly count: number
  readonly weight: number
  /** The rows. */
  readonly items: Column
}

/**
 * Takes the rows from an index on that have the keys of the first of them.
 * @param limit of their weight, which the last of them may exceed
 * @returns undefined if they are few
 */
export function flatRowsAt(values: readonly unknown[], start: number, limit: number): FlatRows | undefined {
  const first = values[start]
  if (containerKind(first) !== 'object') return undefined
  const keys = Object.keys(first as object)
  if (keys.length === 0 || keys.length > MAX_KEYS || keys.some(isReservedKey)) return undefined
  const prototype: unknown = Object.getPrototypeOf(first)
  const entries: unknown[] = []
  let count = 0
  let weight = 0
  for (; start + count < values.length && weight < limit; count++) {
    const row = values[start + count]
    if (typeof row !== 'object' || row === null || Object.getPrototypeOf(row) !== prototype) break
    const characters = takeApart(row, keys, entries)
    const rowWeight = CONTAINER + keys.length + characters / CHARACTERS
    if (characters < 0 || rowWeight > limit) break
    weight += rowWeight
  }
  if (count < FEW_ROWS) return undefined
  entries.length = count * keys.length // without what came of a row that was none
  return { count, weight, items: { of: 'rows', keys, values: encodePrimitives(entries) } }
}

/** Adds what a row has to the entries, and gives the number of characters in it: -1 for one that does not fit. */
function takeApart(row: object, keys: readonly string[], entries: unknown[]): number {
  let characters = 0
  let k = 0
  for (const key in row) {
    if (key !== keys[k]) return -1
    const value = (row as Record<string, unknown>)[key]
    if (typeof value === 'string') characters += value.length
    else if (!isPrimitive(value)) return -1
    entries.push(value)
    k += 1
  }
  return k === keys.length ? characters : -1
}
