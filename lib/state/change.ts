/*
 * Changes: mutations as drafts, trees and workers hand them to each other.
 *
 * - A field that is written in many rows of a list is one column, of indexes and values: 100,000 writes are no 100,000 objects on their
 *   way from one thread to the other and into the tree.
 * - A column is a mutation like any other in what it does; it is shown to nobody outside. `spread` gives the mutations that it stands for.
 * - Columns are bounded, so that a turn of the page takes whole ones.
 */

import type { Mutation, Path } from './mutation.js'

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
export const MIN_COLUMN = 16

/** What was written in the rows of one array, by their fields. */
export type WrittenFields = Map<string, { readonly indexes: number[]; readonly values: unknown[] }>

/** Adds changes that write the fields in the rows of the array at `path`. */
export function recordColumns(path: Path, fields: WrittenFields, changes: Change[]): void {
  for (const [field, { indexes, values }] of fields) {
    for (let start = 0; start < indexes.length; start += MAX_COLUMN) {
      const end = start + MAX_COLUMN
      const column: ColumnMutation = {
        op: 'column',
        path,
        field,
        indexes: Uint32Array.from(indexes.slice(start, end)),
        values: compact(values.slice(start, end)),
      }
      if (indexes.length < MIN_COLUMN) changes.push(...spread([column]))
      else changes.push(column)
    }
  }
}

function compact(values: readonly unknown[]): ColumnValues {
  if (!values.every((value) => typeof value === 'number')) return values
  const isSmall = values.every((value) => Object.is(value | 0, value)) // −0 is not
  return isSmall ? Int32Array.from(values) : Float64Array.from(values)
}

/** The mutations that changes stand for, in their order. */
export function spread(changes: readonly Change[]): readonly Mutation[] {
  if (!changes.some(isColumn)) return changes as readonly Mutation[]
  return changes.flatMap((change) => (isColumn(change) ? setsOf(change) : change))
}

function setsOf({ path, field, indexes, values }: ColumnMutation): Mutation[] {
  return Array.from(indexes, (index, i) => ({ op: 'set', path: [...path, index, field], value: values[i] }))
}

function isColumn(change: Change): change is ColumnMutation {
  return change.op === 'column'
}
