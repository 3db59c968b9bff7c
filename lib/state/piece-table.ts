/*
 * The overlay of an array: where each element of the written array comes from.
 *
 * - An element is an index of the base array or a new value. A write costs the same at 100 and at 1,000,000 elements: the
 *   array is a short list of pieces, as text editors keep their text (the piece table of J S. Moore and C. Crowley).
 * - Above some pieces, or when the order is rebuilt, it becomes a flat list with one entry for each element.
 * - New values stand in one list that only grows, whatever becomes of the pieces: cutting a piece copies none of them.
 * - The base array is never looked at: this knows positions only.
 */

import { spliceArray } from './containers.js'

/** A run of base elements from index `start` on; below 0, of new values, from number `~start` of their list on. */
export interface Piece {
  readonly start: number
  length: number
}

// A look-up walks the pieces: beyond this many a flat list is faster.
const MAX_PIECES = 128

export class PieceTable {
  length: number
  readonly #baseLength: number
  readonly #values: unknown[] = []
  #pieces: Piece[] | undefined
  /** The flat form: for each element its base index, or `~number` of a new value. */
  #from: number[] = []
  // The piece that the last look-up ended in, and the index of its first element: loops over neighbours cost one step.
  #piece = 0
  #first = 0

  constructor(baseLength: number) {
    this.#baseLength = baseLength
    this.length = baseLength
    this.#pieces = baseLength === 0 ? [] : [{ start: 0, length: baseLength }]
  }

  /** The base index of the element at `index`, or below 0 for a new value. */
  baseIndexAt(index: number): number {
    if (this.#pieces === undefined) return this.#from[index] as number
    const { start } = this.#find(index)
    return elementOf(start, index - this.#first)
  }

  /** The new value at `index`, where `baseIndexAt` is below 0. */
  valueAt(index: number): unknown {
    return this.#values[~this.baseIndexAt(index)]
  }

  /** The values of a run of new ones. */
  *valuesOf({ start, length }: Piece): Generator<unknown> {
    for (let number = ~start; number < ~start + length; number++) yield this.#values[number]
  }

  /** Puts a new value at an index below `length`. */
  set(index: number, value: unknown): void {
    const element = this.baseIndexAt(index)
    if (element < 0) this.#values[~element] = value
    else this.splice(index, 1, [value])
  }

  splice(index: number, remove: number, values: readonly unknown[]): void {
    const start = ~this.#values.length
    for (const value of values) this.#values.push(value)
    this.#insert(index, remove, { start, length: values.length })
  }

  #insert(index: number, remove: number, added: Piece): void {
    if (this.#pieces === undefined) {
      const elements = Array.from({ length: added.length }, (_, i) => elementOf(added.start, i))
      spliceArray(this.#from, index, remove, elements)
      this.length = this.#from.length
      return
    }
    const before = index === 0 || remove > 0 ? undefined : this.#pieceEndingAt(index)
    // Typing at the end of a list: the values join the piece before them.
    if (before !== undefined && before.start < 0 && elementOf(before.start, before.length) === added.start) {
      before.length += added.length
    } else {
      const first = this.#split(index)
      const last = this.#split(index + remove)
      this.#pieces.splice(first, last - first, ...(added.length === 0 ? [] : [added]))
    }
    this.length += added.length - remove
    this.#piece = 0
    this.#first = 0
    if (this.#pieces.length > MAX_PIECES) this.#flatten()
  }

  /** Takes the element at `from` out and puts it in again at `at`. */
  move(from: number, at: number): void {
    const element = this.baseIndexAt(from)
    this.#insert(from, 1, { start: element, length: 0 })
    this.#insert(at, 0, { start: element, length: 1 })
  }

  /** Rebuilds the order: position i takes what was at `keep[i]`, or the next of `values` for -1. */
  arrange(keep: ArrayLike<number>, values: readonly unknown[]): void {
    this.#flatten()
    let next = ~this.#values.length
    for (const value of values) this.#values.push(value)
    const from = new Array<number>(keep.length)
    for (let i = 0; i < keep.length; i++) {
      const old = keep[i] as number
      from[i] = old < 0 ? next-- : (this.#from[old] as number)
    }
    this.#from = from
    this.length = keep.length
  }

  /** The written array as runs of base elements and of new values, in order. */
  runs(): readonly Piece[] {
    if (this.#pieces !== undefined) return this.#pieces
    const runs: Piece[] = []
    for (const element of this.#from) {
      const last = runs.at(-1)
      if (last !== undefined && elementOf(last.start, last.length) === element) last.length += 1
      else runs.push({ start: element, length: 1 })
    }
    return runs
  }

  /** A test for whether a base element is still in the array. Holds until the next write. */
  presence(): (baseIndex: number) => boolean {
    if (this.#pieces === undefined) {
      const present = new Uint8Array(this.#baseLength)
      for (const base of this.#from) if (base >= 0) present[base] = 1
      return (baseIndex) => present[baseIndex] === 1
    }
    const runs = this.#pieces.filter((piece) => piece.start >= 0)
    return (baseIndex) => runs.some((run) => baseIndex >= run.start && baseIndex < run.start + run.length)
  }

  /** A look-up of where base elements stand now, or -1. Holds until the next write. */
  positions(): (baseIndex: number) => number {
    if (this.#pieces !== undefined) return (baseIndex) => this.indexOfBase(baseIndex)
    const positions = new Int32Array(this.#baseLength).fill(-1)
    this.#from.forEach((base, i) => {
      if (base >= 0) positions[base] = i
    })
    return (baseIndex) => positions[baseIndex] as number
  }

  /** Where a base element stands now, or -1. */
  indexOfBase(baseIndex: number): number {
    if (this.#pieces === undefined) return this.#from.indexOf(baseIndex)
    let first = 0
    for (const piece of this.#pieces) {
      if (piece.start >= 0 && baseIndex >= piece.start && baseIndex < piece.start + piece.length) {
        return first + baseIndex - piece.start
      }
      first += piece.length
    }
    return -1
  }

  #find(index: number): Piece {
    const pieces = this.#pieces as Piece[]
    if (index < this.#first) {
      this.#piece = 0
      this.#first = 0
    }
    for (;;) {
      const piece = pieces[this.#piece] as Piece
      if (index < this.#first + piece.length) return piece
      this.#first += piece.length
      this.#piece += 1
    }
  }

  #pieceEndingAt(index: number): Piece | undefined {
    const piece = this.#find(index - 1)
    return this.#first + piece.length === index ? piece : undefined
  }

  /** Makes a piece begin at `index` and gives its position in the list. */
  #split(index: number): number {
    const pieces = this.#pieces as Piece[]
    if (index >= this.length) return pieces.length
    const piece = this.#find(index)
    const offset = index - this.#first
    if (offset === 0) return this.#piece
    const { start, length } = piece
    pieces.splice(
      this.#piece,
      1,
      { start, length: offset },
      { start: elementOf(start, offset), length: length - offset },
    )
    return this.#piece + 1
  }

  #flatten(): void {
    if (this.#pieces === undefined) return
    const from = new Array<number>(this.length)
    let i = 0
    for (const { start, length } of this.#pieces) {
      for (let offset = 0; offset < length; offset++, i++) from[i] = elementOf(start, offset)
    }
    this.#from = from
    this.#pieces = undefined
  }
}

/** The element at an offset of a run: base indices count up, and so do the numbers of new values. */
function elementOf(start: number, offset: number): number {
  return start < 0 ? start - offset : start + offset
}
