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

/** Rows of one shape that go into one column. */
export class FlatRows {
  count = 0
  #keys: readonly string[] = []
  #entries: unknown[] = []

  /**
   * Adds a value, if it is a row with the keys of those that are there, and no heavier than `limit`.
   * @returns its weight; 0 if it was not added
   */
  add(value: unknown, limit: number): number {
    if (containerKind(value) !== 'object') return 0
    if (this.count === 0) {
      this.#keys = Object.keys(value as object)
      if (this.#keys.length > MAX_KEYS || this.#keys.some(isReservedKey)) return 0
    }
    const keys = this.#keys
    const entries = this.#entries
    let characters = 0
    let k = 0
    for (const key in value as object) {
      const entry = (value as Readonly<Record<string, unknown>>)[key]
      if (typeof entry === 'string') characters += entry.length
      if (key !== keys[k] || !isPrimitive(entry)) {
        k = -1
        break
      }
      entries.push(entry)
      k += 1
    }
    const weight = CONTAINER + k + characters / CHARACTERS
    if (k === keys.length && weight <= limit) {
      this.count += 1
      return weight
    }
    entries.length = this.count * keys.length
    return 0
  }

  /** The rows. From now on there are none. */
  take(): Column {
    const values = encodePrimitives(this.#entries)
    this.#entries = []
    this.count = 0
    return { of: 'rows', keys: this.#keys, values }
  }
}
