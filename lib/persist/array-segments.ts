/*
 * The segments of an array: how long each is, and so which elements are in it.
 *
 * - Found by going on from where the last one was found: mutations mostly come in the order of their places.
 * - A change of length takes hold of the segments that it touches and divides what is left among as few.
 */

import type { Mutation } from '../state/mutation.js'
import { countBrought } from '../state/mutation.js'
import type { Segment } from './segments.js'
import { SEGMENT_SIZE, Segments } from './segments.js'

const MAX = 2 * SEGMENT_SIZE
/** Shorter ones are joined with a neighbour. */
const MIN = SEGMENT_SIZE / 4

class Run implements Segment {
  readonly id: number
  readonly key: string
  readonly #owner: ArraySegments
  length: number

  constructor(owner: ArraySegments, id: number, key: string, length: number) {
    this.#owner = owner
    this.id = id
    this.key = key
    this.length = length
  }

  encode(root: object): unknown {
    const start = this.#owner.startOf(this)
    return (this.#owner.owner.valueIn(root) as unknown[]).slice(start, start + this.length)
  }
}

export class ArraySegments extends Segments<Run> {
  readonly kind = 'array'
  size = 0
  /** A place in the list, and the index of the first element there. */
  #at = 0
  #start = 0

  split(container: object): void {
    this.#splice(0, 0, (container as unknown[]).length)
  }

  restore(container: object, id: number, part: object): number {
    const { length } = part as unknown[]
    for (const value of part as unknown[]) (container as unknown[]).push(value)
    this.claimId(id)
    this.list.push(new Run(this, id, this.keyOf(id), length))
    this.size += length
    return length
  }

  follow(mutation: Mutation, depth: number): boolean {
    const { op, path } = mutation
    if (path.length > depth) {
      this.#find(path[depth] as number)
      this.write(this.list[this.#at] as Run)
      return false
    }
    if (op === 'splice') this.#splice(mutation.index, mutation.remove, countBrought(mutation))
    else if (op === 'move') {
      this.#splice(mutation.from, 1, 0)
      this.#splice(mutation.at, 0, 1)
    } else if (op === 'arrange') this.#arrange(mutation.keep)
    return true
  }

  /** The index of the first element of a segment. */
  startOf(run: Run): number {
    while (this.list[this.#at] !== run) this.#step()
    return this.#start
  }

  /** What stays where it was at both ends is not written. */
  #arrange(keep: readonly number[]): void {
    const shift = this.size - keep.length
    let first = 0
    while (first < keep.length && keep[first] === first) first++
    let last = keep.length
    while (last > first && keep[last - 1] === last - 1 + shift) last--
    this.#splice(first, last + shift - first, last - first)
  }

  #splice(index: number, remove: number, insert: number): void {
    const { list } = this
    this.#find(index)
    const first = list[this.#at]
    // At the end of a full one: it stays as it is.
    const isNew = first === undefined || (index === this.size && remove === 0 && first.length >= SEGMENT_SIZE)
    let from = isNew ? list.length : this.#at
    let to = from
    let length = insert - remove
    const end = index + remove
    for (let reached = this.#start; to < list.length && (to === from || reached < end); to++) {
      const run = list[to] as Run
      reached += run.length
      length += run.length
    }
    while (insert < remove && length > 0 && length < MIN && to - from < list.length) {
      // What is left is too short to stand alone.
      if (to < list.length) length += (list[to++] as Run).length
      else length += (list[--from] as Run).length
    }
    this.size += insert - remove
    this.#divide(from, to, length)
    if (from < this.#at) this.#at = this.#start = 0
  }

  /** Divides so many elements among the segments of that part of the list, and further ones where it takes them. */
  #divide(from: number, to: number, length: number): void {
    const count = length === 0 ? 0 : length <= MAX ? 1 : Math.ceil(length / SEGMENT_SIZE)
    const before = this.list.slice(from, to)
    const after = before.slice(0, count)
    for (const run of before.slice(count)) this.owner.dirty.drop(run)
    while (after.length < count) {
      const id = this.freshId()
      after.push(new Run(this, id, this.keyOf(id), 0))
    }
    after.forEach((run, i) => {
      run.length = Math.floor(((i + 1) * length) / count) - Math.floor((i * length) / count)
      this.write(run)
    })
    if (before.length !== count) this.list.splice(from, to - from, ...after)
  }

  /** Goes to the segment of an element; to the last one, for the place behind all. */
  #find(index: number): void {
    if (index < this.#start) this.#at = this.#start = 0
    for (;;) {
      const run = this.list[this.#at]
      if (run === undefined || index < this.#start + run.length || this.#at === this.list.length - 1) return
      this.#step()
    }
  }

  #step(): void {
    this.#start += (this.list[this.#at] as Run).length
    this.#at++
    if (this.#at >= this.list.length) this.#at = this.#start = 0
  }
}
