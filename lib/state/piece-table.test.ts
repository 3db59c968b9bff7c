import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Kept } from './array-changes.js'
import { compareArray } from './array-changes.js'
import { spliceArray } from './containers.js'
import type { Piece } from './piece-table.js'
import { PieceTable } from './piece-table.js'

/** An element of the base, by its index, or a new value. */
type Element = number | string

class Model {
  readonly table: PieceTable
  elements: Element[]
  readonly #base: number
  #values = 0

  constructor(length: number) {
    this.table = new PieceTable(length)
    this.elements = [...Array(length).keys()]
    this.#base = length
  }

  #fresh(count: number): string[] {
    return Array.from({ length: count }, () => `v${this.#values++}`)
  }

  perform(kind: number, i: number, j: number): void {
    const { table, elements } = this
    const { length } = elements
    const at = i % (length + 1)
    if (kind < 4) {
      const remove = j % (Math.min(length - at, kind === 0 ? 40 : 3) + 1)
      const values = this.#fresh(kind === 3 ? i % 50 : j % 4)
      table.splice(at, remove, values)
      elements.splice(at, remove, ...values)
    } else if (kind < 6 && length > 0) {
      const [value] = this.#fresh(1)
      table.set(i % length, value)
      elements[i % length] = value as string
    } else if (kind < 8 && length > 0) {
      table.move(i % length, j % length)
      elements.splice(j % length, 0, ...elements.splice(i % length, 1))
    } else if (kind === 8) {
      const keep = elements.map((_, index) => index).filter((index) => index % (2 + (j % 5)) !== 0)
      if (i % 2 === 0) keep.reverse()
      const values = this.#fresh(j % 3)
      const order = values.reduce<number[]>((all) => [...all.slice(0, i % 5), -1, ...all.slice(i % 5)], keep)
      let next = 0
      table.arrange(order, values)
      this.elements = order.map((from) => (from < 0 ? (values[next++] as string) : (elements[from] as Element)))
    } else if (kind === 9) {
      const values = this.#fresh(1)
      table.splice(length, 0, values) // typing at the end
      elements.push(...values)
    }
  }

  compare(i: number): void {
    const { table, elements } = this
    expect(table.length).toBe(elements.length)
    const read = (index: number): Element => {
      const base = table.baseIndexAt(index)
      return base < 0 ? (table.valueAt(index) as string) : base
    }
    // Forwards and backwards: a look-up goes on from where the last one ended.
    const indices = [...elements.keys()]
    expect(indices.map(read)).toEqual(elements)
    expect(indices.reverse().map(read).reverse()).toEqual(elements)
    const runs = table
      .runs()
      .flatMap((run) =>
        run.start < 0
          ? [...table.valuesOf(run)]
          : Array.from({ length: run.length }, (_, offset) => run.start + offset),
      )
    expect(runs).toEqual(elements)
    const isPresent = table.presence()
    const positionOf = table.positions()
    for (const base of new Set([0, i, this.#base - 1])) {
      if (base < 0 || base >= this.#base) continue
      expect([isPresent(base), positionOf(base), table.indexOfBase(base)]).toEqual([
        elements.includes(base),
        elements.indexOf(base),
        elements.indexOf(base),
      ])
    }
  }
}

test('G6 a piece table holds what a plain array does, in pieces and flat', { timeout: 120_000 }, () => {
  const step = fc.tuple(fc.nat(9), fc.nat(999), fc.nat(999))
  fc.assert(
    fc.property(fc.nat(200), fc.array(step, { maxLength: 200, size: 'max' }), (length, steps) => {
      const model = new Model(length)
      for (const [index, [kind, i, j]] of steps.entries()) {
        model.perform(kind, i, j)
        if (index % 20 === 19) model.compare(i)
      }
      model.compare(1)
    }),
    { numRuns: 1_000 },
  )
})

test.each(['before', 'after'])('G6 12,000 values are spliced in at once %s a sort', (when) => {
  const values = Array.from({ length: 12_000 }, (_, i) => `new ${i}`)
  const table = new PieceTable(100)
  const order = [...Array(100).keys()].reverse()
  if (when === 'after') table.arrange(order, [])
  table.splice(40, 10, values)
  if (when === 'before') table.arrange([...Array(table.length).keys()].reverse(), [])
  const base: Element[] = when === 'after' ? order : [...Array(100).keys()]
  const plain = base.slice()
  spliceArray(plain, 40, 10, values)
  if (when === 'before') plain.reverse()
  const shown = table
    .runs()
    .flatMap((run) =>
      run.start < 0 ? [...table.valuesOf(run)] : Array.from({ length: run.length }, (_, offset) => run.start + offset),
    )
  expect(shown).toEqual(plain)
  const applied: Element[] = [...Array(100).keys()]
  const kept = table
    .runs()
    .flatMap((run): (Kept | Piece)[] => (run.start < 0 ? [...table.valuesOf(run)].map((value) => ({ value })) : [run]))
  compareArray(applied.slice(), kept, {
    same: () => false,
    set: () => expect.unreachable(),
    move: () => expect.unreachable(),
    splice: (index, remove, inserted) => spliceArray(applied, index, remove, inserted as string[]),
    arrange: (keep, inserted) => {
      const before = applied.slice()
      let next = 0
      applied.length = 0
      for (const from of keep) applied.push(from < 0 ? (inserted[next++] as string) : (before[from] as Element))
    },
  })
  expect(applied).toEqual(plain)
})

test('taking the values of one splice out again one by one copies none of those that are left', () => {
  const count = 50_000
  const table = new PieceTable(10)
  table.splice(5, 0, Array(count).fill('x'))
  for (let left = count - 1; left >= 0; left--) {
    table.splice(5, 1, [])
    // They are named where they have stood from the beginning: the list of the new values has not been made anew.
    const middle = left === 0 ? [] : [{ start: ~(count - left), length: left }]
    if (left % 1_000 === 0) expect(table.runs()).toEqual([{ start: 0, length: 5 }, ...middle, { start: 5, length: 5 }])
    expect(table.length).toBe(10 + left)
  }
})
