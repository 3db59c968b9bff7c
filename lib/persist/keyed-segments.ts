/*
 * The segments of a map, a plain object or a set: which keys are in each, in their order.
 *
 * - New keys go into the last one, as they go to the end of a map; a key that goes leaves its segment. So the order of keys
 *   is that of the segments.
 * - It takes an index of all keys, some twenty bytes for each.
 */

import { containerKind } from '../state/container-kind.js'
import { emptyOf } from '../state/containers.js'
import type { Key, Mutation } from '../state/mutation.js'
import { keysIn, putIn } from './entries.js'
import type { Segment, SegmentOwner } from './segments.js'
import { SEGMENT_SIZE, Segments } from './segments.js'

class Keys implements Segment {
  readonly id: number
  readonly key: string
  readonly #owner: SegmentOwner
  keys: Key[] = []

  constructor(owner: SegmentOwner, id: number, key: string) {
    this.#owner = owner
    this.id = id
    this.key = key
  }

  get length(): number {
    return this.keys.length
  }

  /** A container of the same kind. */
  encode(root: object): unknown {
    const container = this.#owner.valueIn(root) as object
    const part = emptyOf(containerKind(container)) as object
    for (const key of this.keys) putIn(part, key, container)
    return part
  }
}

export class KeyedSegments extends Segments<Keys> {
  readonly kind: 'map' | 'object' | 'set'
  readonly #index = new Map<Key, Keys>()

  constructor(owner: SegmentOwner, kind: 'map' | 'object' | 'set') {
    super(owner)
    this.kind = kind
  }

  get size(): number {
    return this.#index.size
  }

  override get keyLists(): readonly (readonly Key[])[] {
    return this.list.map(({ keys }) => keys)
  }

  split(container: object): void {
    for (const key of keysIn(container)) this.#add(key)
  }

  restore(container: object, id: number, part: object): number {
    this.claimId(id)
    const piece = this.#append(id)
    for (const key of keysIn(part)) {
      piece.keys.push(key)
      this.#index.set(key, piece)
      putIn(container, key, part)
    }
    return piece.length
  }

  follow(mutation: Mutation, depth: number): boolean {
    const { op, path } = mutation
    if (path.length === depth) {
      if (op === 'add') return this.#add(mutation.value)
      if (op === 'remove') return this.#remove(mutation.value)
      this.dropAll() // cleared
      this.#index.clear()
      return true
    }
    const key = path[depth]
    if (op === 'delete' && path.length === depth + 1) return this.#remove(key)
    const piece = this.#index.get(key)
    if (piece === undefined) return this.#add(key)
    this.write(piece)
    return false
  }

  #add(key: Key): true {
    const last = this.list.at(-1)
    const piece = last === undefined || last.length >= SEGMENT_SIZE ? this.#append(this.freshId()) : last
    piece.keys.push(key)
    this.#index.set(key, piece)
    this.write(piece)
    return true
  }

  #remove(key: Key): boolean {
    const piece = this.#index.get(key)
    if (piece === undefined) return false
    this.#index.delete(key)
    // Zero and minus zero are one key; and so is `NaN`, which equals nothing.
    piece.keys.splice(
      piece.keys.findIndex((own) => own === key || Object.is(own, key)),
      1,
    )
    this.write(piece)
    if (piece.length < SEGMENT_SIZE / 4) this.#join(this.list.indexOf(piece))
    return true
  }

  /** A short one takes in its neighbour, if that leaves none too long. */
  #join(at: number): void {
    const left = this.list[at === this.list.length - 1 ? at - 1 : at]
    const right = left && this.list[this.list.indexOf(left) + 1]
    if (left !== undefined && right !== undefined && left.length + right.length <= SEGMENT_SIZE) {
      for (const key of right.keys) {
        left.keys.push(key)
        this.#index.set(key, left)
      }
      right.keys = []
      this.write(left)
    }
    for (const piece of [left, right]) {
      if (piece === undefined || piece.length > 0) continue
      this.list.splice(this.list.indexOf(piece), 1)
      this.owner.dirty.drop(piece)
    }
  }

  #append(id: number): Keys {
    const piece = new Keys(this.owner, id, this.keyOf(id))
    this.list.push(piece)
    return piece
  }
}
