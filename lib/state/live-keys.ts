/*
 * The keys of a map or set while it is written: what an iteration that goes on meets.
 *
 * - As in plain JavaScript: a key that goes before it is met is not visited, one that comes is visited in its turn, and one
 *   that went and came again is visited once more.
 * - They outlive a flush, which makes the written keys those of the data: an iteration that was begun before goes on.
 * - `first of the keys, delete it` empties a map in linear time: what is gone at the front is passed over once.
 */

import type { Key } from './mutation.js'

export class LiveKeys implements Iterable<Key> {
  readonly #holder: { has(key: Key): boolean }
  /** The keys from before the first iteration, as far as one has gone, and the rest of them. */
  readonly #met: Key[] = []
  #rest: Iterator<Key> | undefined
  /** Below this index nothing is left. */
  #first = 0
  /** The keys that came since. A map of a commit may hold them too by now, so that the rest meets them again. */
  readonly #appended: Set<Key>

  /**
   * @param holder says whether a key is there now
   * @param before keys of the data, some of which may have gone
   * @param added keys that were written behind those
   */
  constructor(holder: { has(key: Key): boolean }, before: Iterable<Key>, added: Iterable<Key> = []) {
    this.#holder = holder
    this.#rest = before[Symbol.iterator]()
    this.#appended = new Set(added)
  }

  /** A key came that was not there. */
  append(key: Key): void {
    this.#appended.add(key)
  }

  remove(key: Key): void {
    this.#appended.delete(key)
  }

  clear(): void {
    this.#first = this.#met.length
    this.#rest = undefined
    this.#appended.clear()
  }

  *[Symbol.iterator](): Generator<Key> {
    for (let i = this.#first; i < this.#met.length || this.#meet(); i = Math.max(i + 1, this.#first)) {
      const key = this.#met[i]
      if (this.#holder.has(key) && !this.#appended.has(key)) yield key
      else if (i === this.#first) this.#first += 1
    }
    yield* this.#appended
  }

  #meet(): boolean {
    const next = this.#rest?.next()
    if (next === undefined || next.done === true) {
      this.#rest = undefined
      return false
    }
    this.#met.push(next.value)
    return true
  }
}
