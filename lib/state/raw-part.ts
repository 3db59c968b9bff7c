/*
 * Parts that show plain data: those of a replica, and of the page's view.
 *
 * - They hear what is read of them; every write is refused with ImmutableStateError, and nothing has changed.
 */

import { ImmutableStateError } from '../errors.js'
import type { ArrayPart } from './array-proxy.js'
import type { Key } from './mutation.js'
import { formatPath } from './mutation.js'
import { Part, partOf } from './part.js'
import { indexOfKey } from './proxy-traps.js'
import { entryOf } from './values.js'

export abstract class RawPart extends Part implements ArrayPart {
  /** The container as it is now. */
  abstract readonly raw: object
  /** What the user calls the whole: `store.state`. */
  abstract readonly label: string
  /** What a reader gets for the object that stands at `key`: a proxy, or the object itself if it is a leaf. */
  abstract child(key: Key, value: object): unknown

  /** The reader depends on what stands at a key of an object or a map, and on whether anything does. */
  onKey(_key: Key): void {}
  /** The reader depends on whether anything stands there alone; it is told `present`. */
  onPresence(_key: Key, _present: boolean): void {}
  /** The reader depends on which keys there are, or how many entries. */
  onKeys(): void {}
  /** The reader depends on everything in it. */
  onAll(): void {}

  get size(): number {
    this.onKeys()
    const { raw } = this
    return Array.isArray(raw) ? raw.length : (raw as { readonly size: number }).size
  }

  get(key: Key): unknown {
    if (this.kind === 'array') this.onContent()
    else this.onKey(key)
    return this.#shown(key, entryOf(this.raw, key))
  }

  at(index: number): unknown {
    return this.#shown(index, (this.raw as readonly unknown[])[index])
  }

  #shown(key: Key, value: unknown): unknown {
    return typeof value === 'object' && value !== null ? this.child(key, value) : value
  }

  has(key: Key): boolean {
    const { raw } = this
    if (raw instanceof Set) {
      this.onContent()
      return raw.has(key)
    }
    const present = raw instanceof Map ? raw.has(key) : Object.hasOwn(raw, key as string)
    this.onPresence(key, present)
    return present
  }

  own(key: Key): { readonly value: unknown } | undefined {
    this.onKeys()
    if (!Object.hasOwn(this.raw, key as string)) return undefined
    return { value: this.#shown(key, entryOf(this.raw, key)) }
  }

  keys(): Iterable<Key> {
    const { raw } = this
    if (raw instanceof Set) {
      this.onContent()
      return raw
    }
    this.onKeys()
    return raw instanceof Map ? raw.keys() : Object.keys(raw)
  }

  plain(): object {
    this.onAll()
    return this.raw
  }

  search(method: 'indexOf' | 'lastIndexOf', sought: unknown, from: readonly number[]): number {
    // The data holds containers, the caller a proxy: look for the container, then see whether it is shown by that proxy.
    const part = partOf(sought)
    const container = part instanceof RawPart ? part.raw : sought
    const index = (this.raw as readonly unknown[])[method](container, ...(from as [number])) // a second argument counts by being there
    return index < 0 || container === sought || this.at(index) === sought ? index : -1
  }

  assertWritable(deed: string, ...key: readonly [unknown?]): never {
    const shown = key.map((one) => (this.kind === 'array' ? (indexOfKey(one as PropertyKey) ?? one) : one))
    const place = formatPath([...this.path(), ...shown])
    throw new ImmutableStateError(
      `Cannot ${deed} ${place}${deed === 'call' ? '()' : ''}: ${this.label} is read-only here, and nothing has changed. ` +
        'Write inside an event or a lease, on the draft that it is given.',
    )
  }
}
