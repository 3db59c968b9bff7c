/*
 * What was written in a container, by its keys, in the order of the first writes.
 *
 * - Most rows are written in one field: that needs no `Map`, which takes more than the row.
 */

import { keepShape } from './keep-shape.js'
import type { Key } from './mutation.js'

export class Slots implements Iterable<readonly [Key, unknown]> {
  /** The only key, a name; undefined if there is none, or `all` holds them. */
  #key: string | undefined
  #value: unknown
  #all: Map<Key, unknown> | undefined

  has(key: Key): boolean {
    return this.#all === undefined ? key !== undefined && key === this.#key : this.#all.has(key)
  }

  /** What stands under a key that it has. */
  get(key: Key): unknown {
    return this.#all === undefined ? this.#value : this.#all.get(key)
  }

  set(key: Key, value: unknown): void {
    if (this.#all === undefined) {
      if (typeof key === 'string' && (this.#key ?? key) === key) {
        this.#key = key
        this.#value = value
        return
      }
      this.#all = new Map(this)
    }
    this.#all.set(key, value)
  }

  delete(key: Key): void {
    if (key === this.#key) this.#key = undefined
    this.#all?.delete(key)
  }

  [Symbol.iterator](): Iterator<readonly [Key, unknown]> {
    return (this.#all ?? this.#one())[Symbol.iterator]()
  }

  #one(): Iterable<readonly [Key, unknown]> {
    return this.#key === undefined ? [] : [[this.#key, this.#value]]
  }
}

const specimen = new Slots()
specimen.set('', 0)
keepShape(new Slots(), specimen)
