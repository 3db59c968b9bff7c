/*
 * Changes: mutations as drafts, trees and workers hand them to each other.
 *
 * - A field that is written in many rows of a list is one column, of indexes and values: 100,000 writes are no 100,000 objects on their
 *   way from one thread to the other and into the tree.
 * - A column is a mutation like any other in what it does; it is shown to nobody outside. `spread` gives the mutations that it stands for.
 * - Columns are bounded, so that a turn of the page takes whole ones.
 */

import type { Key, Mutation, Path } from './mutation.js'

/** Writes primitives over what a field has in rows of the array at `path`. The rows are objects that have the field. */
export interface ColumnMutation {
  readonly op: 'column'
  readonly path: Path
  readonly field: string
  readonly indexes: Uint32Array
  /** One for each index. */
  readonly values: ColumnValues
}

/** Numbers as their engine has them, if all are; so they cost nothing to send, and small ones stay small. */
export type ColumnValues = Int32Array | Float64Array | readonly unknown[]

/** See the head of the file. */
export type Change = Mutation | ColumnMutation

/** As many rows has one column at most. */
export const MAX_COLUMN = 4_096
/** Fewer are written one by one: a column is more than a few objects. */
const MIN_COLUMN = 16

/** Takes what was written in the rows of one array, in any order, and makes changes of it. */
export class ColumnCollector {
  readonly #fields = new Map<string, { readonly indexes: number[]; readonly values: unknown[] }>()

  add(index: number, field: string, value: unknown): void {
    let column = this.#fields.get(field)
    if (column === undefined) {
      column = { indexes: [], values: [] }
      this.#fields.set(field, column)
    }
    column.indexes.push(index)
    column.values.push(value)
  }

  /** @param path of the array */
  recordTo(changes: Change[], path: Path): void {
    for (const [field, { indexes, values }] of this.#fields) {
      if (indexes.length < MIN_COLUMN) {
        for (const [i, index] of indexes.entries())
          changes.push({ op: 'set', path: [...path, index, field], value: values[i] })
        continue
      }
      for (let start = 0; start < indexes.length; start += MAX_COLUMN) {
        const end = start + MAX_COLUMN
        changes.push({
          op: 'column',
          path,
          field,
          indexes: Uint32Array.from(indexes.slice(start, end)),
          values: compact(values.slice(start, end)),
        })
      }
    }
  }
}

function compact(values: readonly unknown[]): ColumnValues {
  let isSmall = true
  for (const value of values) {
    if (typeof value !== 'number') return values
    if (!Object.is(value | 0, value)) isSmall = false // −0 too
  }
  return isSmall ? Int32Array.from(values as number[]) : Float64Array.from(values as number[])
}

/** The mutations that changes stand for, in their order. */
export function spread(changes: readonly Change[]): readonly Mutation[] {
  if (!changes.some(isColumn)) return changes as readonly Mutation[]
  const mutations: Mutation[] = []
  for (const change of changes) {
    if (!isColumn(change)) {
      mutations.push(change)
      continue
    }
    const { path, field, indexes, values } = change
    for (let i = 0; i < indexes.length; i++) {
      mutations.push({ op: 'set', path: [...path, indexes[i] as Key, field], value: values[i] })
    }
  }
  return mutations
}

export function isColumn(change: Change): change is ColumnMutation {
  return change.op === 'column'
}

/** How many mutations a change stands for. */
export function countOf(change: Change): number {
  return change.op === 'column' ? change.indexes.length : 1
}
