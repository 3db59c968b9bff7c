/*
 * The overlay of an array: where each element of the written array comes from.
 *
 * - An element is an index of the base array or a new value. A write costs the same at 100 and at 1,000,000 elements: the
 *   array is a short list of pieces, as text editors keep their text (the piece table of J S. Moore and C. Crowley).
 * - Above some pieces, or when the order is rebuilt, it becomes a flat list with one entry for each element.
 * - The base array is never looked at: this knows positions only.
 */

/** A run of base elements (`values` undefined), or of new values. */
export interface Piece {
  readonly start: number
  length: number
  readonly values: unknown[] | undefined
}

// A look-up walks the pieces: beyond this many a flat list is faster.
const MAX_PIECES = 128

export class PieceTable {
  length: number
  readonly #baseLength: number
  #pieces: Piece[] | undefined
  // The flat form: base index or -1, and the value for -1.
  #from: number[] = []
  #values: unknown[] = []
  // The piece that the last look-up ended in, and the index of its first element: loops over neighbours cost one step.
  #piece = 0
  #first = 0

  constructor(baseLength: number) {
    this.#baseLength = baseLength
    this.length = baseLength
    this.#pieces = baseLength === 0 ? [] : [{ start: 0, length: baseLength, values: undefined }]
  }

  /** The base index of the element at `index`, or -1 for a new value. */
  baseIndexAt(index: number): number {
    if (this.#pieces === undefined) return this.#from[index] as number
    const piece = this.#find(index)
    return piece.values === undefined ? piece.start + index - this.#first : -1
  }

  /** The new value at `index`, where `baseIndexAt` says -1. */
  valueAt(index: number): unknown {
    if (this.#pieces === undefined) return this.#values[index]
    return this.#find(index).values?.[index - this.#first]
  }

  /** Puts a new value at an index below `length`. */
  set(index: number, value: unknown): void {
    if (this.#pieces === undefined) {
      this.#from[index] = -1
      this.#values[index] = value
      return
    }
    const { values } = this.#find(index)
    if (values === undefined) this.splice(index, 1, [value])
    else values[index - this.#first] = value
  }

  splice(index: number, remove: number, values: readonly unknown[]): void {
    if (this.#pieces === undefined) {
      insertInto(this.#from, index, remove, new Array<number>(values.length).fill(-1))
      insertInto(this.#values, index, remove, values)
      this.length = this.#from.length
      return
    }
    const before = index === 0 ? undefined : this.#pieceEndingAt(index)
    if (remove === 0 && before?.values !== undefined) {
      // Typing at the end of a list: the values join the piece before them.
      for (const value of values) before.values.push(value)
      before.length += values.length
    } else {
      const first = this.#split(index)
      const last = this.#split(index + remove)
      const piece = { start: -1, length: values.length, values: values.slice() }
      this.#pieces.splice(first, last - first, ...(values.length === 0 ? [] : [piece]))
    }
    this.length += values.length - remove
    this.#piece = 0
    this.#first = 0
    if (this.#pieces.length > MAX_PIECES) this.#flatten()
  }

  /** Takes the element at `from` out and puts it in again at `at`. */
  move(from: number, at: number): void {
    const base = this.baseIndexAt(from)
    const value = base < 0 ? this.valueAt(from) : undefined
    this.splice(from, 1, [])
    this.splice(at, 0, [value])
    if (base >= 0) this.#restore(at, base)
  }

  /** Rebuilds the order: position i takes what was at `keep[i]`, or the next of `values` for -1. */
  arrange(keep: ArrayLike<number>, values: readonly unknown[]): void {
    this.#flatten()
    const from = new Array<number>(keep.length)
    const next = new Array<unknown>(keep.length)
    let used = 0
    for (let i = 0; i < keep.length; i++) {
      const old = keep[i] as number
      from[i] = old < 0 ? -1 : (this.#from[old] as number)
      next[i] = old < 0 ? values[used++] : this.#values[old]
    }
    this.#from = from
    this.#values = next
    this.length = keep.length
  }

  /** The written array as runs of base elements and of new values, in order. */
  runs(): readonly Piece[] {
    if (this.#pieces !== undefined) return this.#pieces
    const runs: Piece[] = []
    for (let i = 0; i < this.#from.length; i++) {
      const base = this.#from[i] as number
      const last = runs.at(-1)
      if (base < 0) {
        if (last?.values !== undefined) {
          last.values.push(this.#values[i])
          last.length += 1
        } else runs.push({ start: -1, length: 1, values: [this.#values[i]] })
      } else if (last !== undefined && last.values === undefined && last.start + last.length === base) last.length += 1
      else runs.push({ start: base, length: 1, values: undefined })
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
    const runs = this.#pieces.filter((piece) => piece.values === undefined)
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
      if (piece.values === undefined && baseIndex >= piece.start && baseIndex < piece.start + piece.length) {
        return first + baseIndex - piece.start
      }
      first += piece.length
    }
    return -1
  }

  #restore(index: number, base: number): void {
    if (this.#pieces === undefined) {
      this.#from[index] = base
      this.#values[index] = undefined
      return
    }
    const first = this.#split(index)
    this.#split(index + 1)
    this.#pieces[first] = { start: base, length: 1, values: undefined }
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
    const { start, length, values } = piece
    const head: Piece = { start, length: offset, values: values?.slice(0, offset) }
    const tail: Piece = {
      start: values === undefined ? start + offset : -1,
      length: length - offset,
      values: values?.slice(offset),
    }
    pieces.splice(this.#piece, 1, head, tail)
    return this.#piece + 1
  }

  #flatten(): void {
    if (this.#pieces === undefined) return
    const from = new Array<number>(this.length)
    const flat = new Array<unknown>(this.length)
    let i = 0
    for (const { start, length, values } of this.#pieces) {
      for (let offset = 0; offset < length; offset++, i++) {
        from[i] = values === undefined ? start + offset : -1
        flat[i] = values?.[offset]
      }
    }
    this.#from = from
    this.#values = flat
    this.#pieces = undefined
  }
}

function insertInto<T>(array: T[], index: number, remove: number, values: readonly T[]): void {
  if (values.length < 10_000) {
    array.splice(index, remove, ...values)
    return
  }
  const tail = array.splice(index).slice(remove) // spreading so many arguments would overflow the stack
  for (const value of values) array.push(value)
  for (const value of tail) array.push(value)
}
