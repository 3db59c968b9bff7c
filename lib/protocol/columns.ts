/*
 * Columns: a list of values in one piece, each kind of them together.
 *
 * - Cloning and checking cost by the column and not by the value: a thousand rows are five lists, and their keys stand once.
 * - What is decoded is what structured clone would have given, for plain data. What is no plain data, or stands in two places,
 *   is refused by the encoder, and crosses by structured clone alone.
 * - The decoder believes nothing: lengths, tags, keys and types are checked, no key leads to a prototype, and no more values
 *   are made than it was told to expect.
 */

import { isReservedKey } from '../state/values.js'

/** See the head of the file. The number of values is not in it: whoever sends it says that. */
export type Column =
  /** One primitive, over and over. */
  | { readonly of: 'same'; readonly value: unknown }
  | { readonly of: 'numbers'; readonly values: Float64Array }
  | { readonly of: 'booleans'; readonly values: Uint8Array }
  | { readonly of: 'primitives' | 'leaves'; readonly values: readonly unknown[] }
  /** Objects with the same keys in the same order: a column for each key. */
  | { readonly of: 'objects'; readonly keys: readonly string[]; readonly columns: readonly Column[] }
  /** Objects that hold primitives alone, with the same keys in the same order: what each has, one object after the other. */
  | { readonly of: 'rows'; readonly keys: readonly string[]; readonly values: Column }
  /** Short arrays of one length: a column for each place. */
  | { readonly of: 'tuples'; readonly columns: readonly Column[] }
  | { readonly of: 'arrays' | 'sets'; readonly lengths: Uint32Array; readonly items: Column }
  | { readonly of: 'records' | 'maps'; readonly lengths: Uint32Array; readonly keys: Column; readonly items: Column }
  /** Position i takes the next value of the column that its tag names. */
  | { readonly of: 'mixed'; readonly tags: Uint8Array; readonly columns: readonly Column[] }

/** Deeper data crosses whole. */
export const MAX_COLUMN_DEPTH = 200
export const MAX_TUPLE = 8
/** Objects with more keys are sent as pairs of keys and values. */
export const MAX_KEYS = 64

/** What a container weighs; a primitive weighs 1. */
export const CONTAINER = 10
/** So many characters weigh as much as one more primitive. */
export const CHARACTERS = 128

/** Whether it may be the key of an object. */
export function isKey(key: unknown): key is string {
  return typeof key === 'string' && !isReservedKey(key)
}
