/*
 * How an array came to be what it is: the shortest honest description.
 *
 * - Elements in their old order with gaps between them are splices, and a single replaced element is a set: what was done
 *   at one place costs the same at 100 and at 1,000,000 elements.
 * - A few elements out of order are moves (a swap, a drag). More are one rearrangement of the whole array.
 */

import { PieceTable } from './piece-table.js'

/** An element of the array as written: the index where it stood before, or a value. */
export type Kept = number | { readonly value: unknown }

/** A run of elements that stood next to each other before. */
interface Run {
  readonly start: number
  readonly length: number
}

/** Takes the description, in the order in which it is to be carried out. */
export interface ArrayChangeSink {
  /** Whether the element before at `index` is this very value. */
  same(index: number, value: unknown): boolean
  set(index: number, value: unknown): void
  splice(index: number, remove: number, values: readonly unknown[]): void
  move(from: number, at: number): void
  arrange(keep: number[], values: readonly unknown[]): void
}

const MAX_MOVES = 8
const MAX_SETS = 8
// Finding the fewest moves is quadratic in the runs.
const MAX_RUNS = 64

type Segment = { readonly start: number; length: number } | { readonly values: unknown[] }

/** Describes to `sink` how `base` becomes the elements of `kept`. */
export function compareArray(base: readonly unknown[], kept: readonly (Kept | Run)[], sink: ArrayChangeSink): void {
  const segments = join(kept)
  const runs = segments.filter((segment): segment is Run => 'start' in segment)
  if (isAscending(runs)) {
    recordGaps(base.length, segments, sink)
    return
  }
  const stay = runs.length <= MAX_RUNS ? heaviestAscending(runs) : new Set<Run>()
  const moving = runs.filter((run) => !stay.has(run))
  const moves = moving.reduce((sum, run) => sum + run.length, 0)
  if (runs.length <= MAX_RUNS && moves <= MAX_MOVES) recordMoves(base.length, segments, runs, stay, sink)
  else recordArrange(segments, sink)
}

/** Neighbours become runs, values become lists. */
function join(kept: readonly (Kept | Run)[]): Segment[] {
  const segments: Segment[] = []
  for (const item of kept) {
    const last = segments.at(-1)
    if (typeof item === 'object' && 'value' in item) {
      if (last !== undefined && 'values' in last) last.values.push(item.value)
      else segments.push({ values: [item.value] })
      continue
    }
    const run = typeof item === 'number' ? { start: item, length: 1 } : item
    if (run.length === 0) continue
    if (last !== undefined && 'start' in last && last.start + last.length === run.start) last.length += run.length
    else segments.push({ start: run.start, length: run.length })
  }
  return segments
}

function isAscending(runs: readonly Run[]): boolean {
  return runs.every((run, i) => i === 0 || run.start >= (runs[i - 1] as Run).start + (runs[i - 1] as Run).length)
}

/** Right to left, so that every index is one of the array before. */
function recordGaps(length: number, segments: readonly Segment[], sink: ArrayChangeSink): void {
  const gaps: { start: number; end: number; values: readonly unknown[] }[] = []
  let end = 0
  let values: readonly unknown[] = []
  for (const segment of segments) {
    if ('values' in segment) {
      values = segment.values
      continue
    }
    gaps.push({ start: end, end: segment.start, values })
    end = segment.start + segment.length
    values = []
  }
  gaps.push({ start: end, end: length, values })
  for (const gap of gaps.reverse()) recordGap(gap.start, gap.end, gap.values, sink)
}

function recordGap(start: number, end: number, values: readonly unknown[], sink: ArrayChangeSink): void {
  let head = 0
  while (start + head < end && head < values.length && sink.same(start + head, values[head])) head++
  let tail = 0
  while (
    start + head < end - tail &&
    head < values.length - tail &&
    sink.same(end - tail - 1, values[values.length - tail - 1])
  ) {
    tail++
  }
  const from = start + head
  const remove = end - tail - from
  const inserted = values.slice(head, values.length - tail)
  if (remove === 0 && inserted.length === 0) return
  if (remove !== inserted.length || remove > MAX_SETS) {
    sink.splice(from, remove, inserted)
    return
  }
  inserted.forEach((value, i) => {
    if (!sink.same(from + i, value)) sink.set(from + i, value)
  })
}

/** The ascending runs that hold the most elements together: they stay, the others move. */
function heaviestAscending(runs: readonly Run[]): Set<Run> {
  const best: { weight: number; before: number }[] = []
  let top = -1
  runs.forEach((run, i) => {
    let entry = { weight: run.length, before: -1 }
    for (let j = 0; j < i; j++) {
      const other = best[j] as { weight: number }
      if ((runs[j] as Run).start < run.start && other.weight + run.length > entry.weight) {
        entry = { weight: other.weight + run.length, before: j }
      }
    }
    best.push(entry)
    if (top < 0 || entry.weight > (best[top] as { weight: number }).weight) top = i
  })
  const stay = new Set<Run>()
  for (let i = top; i >= 0; i = (best[i] as { before: number }).before) stay.add(runs[i] as Run)
  return stay
}

/** First what is gone, then each moved element behind the one that is to precede it, then what is new. */
function recordMoves(
  length: number,
  segments: readonly Segment[],
  runs: readonly Run[],
  stay: ReadonlySet<Run>,
  sink: ArrayChangeSink,
): void {
  const table = new PieceTable(length)
  let end = length
  for (const run of [...runs].sort((a, b) => b.start - a.start)) {
    const gap = run.start + run.length
    if (gap < end) remove(table, gap, end - gap, sink)
    end = run.start
  }
  if (end > 0) remove(table, 0, end, sink)
  let before = -1
  for (const run of runs) {
    for (let i = 0; i < run.length; i++) {
      const element = run.start + i
      if (!stay.has(run)) {
        const from = table.indexOfBase(element)
        const target = before < 0 ? 0 : table.indexOfBase(before) + 1
        const at = target > from ? target - 1 : target
        if (at !== from) {
          table.move(from, at)
          sink.move(from, at)
        }
      }
      before = element
    }
  }
  let index = 0
  for (const segment of segments) {
    if ('values' in segment) {
      sink.splice(index, 0, segment.values)
      index += segment.values.length
    } else index += segment.length
  }
}

function remove(table: PieceTable, index: number, count: number, sink: ArrayChangeSink): void {
  table.splice(index, count, [])
  sink.splice(index, count, [])
}

function recordArrange(segments: readonly Segment[], sink: ArrayChangeSink): void {
  const keep: number[] = []
  const values: unknown[] = []
  for (const segment of segments) {
    if ('values' in segment) {
      for (const value of segment.values) {
        keep.push(-1)
        values.push(value)
      }
    } else for (let i = 0; i < segment.length; i++) keep.push(segment.start + i)
  }
  sink.arrange(keep, values)
}
