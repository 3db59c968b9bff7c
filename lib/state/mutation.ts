/*
 * Mutations: what was done to a state, as plain data.
 *
 * - A batch is a list of them; each `path` holds at the moment at which its mutation is applied, in order.
 * - A value is its content at the end of the batch. A container of the state that moved is not sent again: its place in a
 *   value is listed in `refs` and holds `undefined` until the batch is applied.
 * - A ref names a place in the state *before* the batch. In what a draft records, a container named by a ref has left that
 *   place; in a batch from elsewhere it may still be there, and the second place gets a copy.
 */

/** One step of a path: a field or record key, an array index, or the key of a `Map`. */
export type Key = string | number | bigint | boolean | null | undefined

/** Keys from the root of the state inwards. */
export type Path = readonly Key[]

/** A place inside the value (or the `values`) of a mutation, taken by a container that stood at `from` before the batch. */
export interface Ref {
  /** Path inside the value; `[]` is the value itself. In `values`, the first key is the index. */
  readonly at: Path
  readonly from: Path
}

/** Writes a field, record key, map entry or array element; `path` ends with its key. */
export interface SetMutation {
  readonly op: 'set'
  readonly path: Path
  readonly value: unknown
  readonly refs?: readonly Ref[]
}

/** Removes a record key or a map entry; `path` ends with its key. */
export interface DeleteMutation {
  readonly op: 'delete'
  readonly path: Path
}

/** Replaces `remove` elements of the array at `path`, from `index` on, by `values`. */
export interface SpliceMutation {
  readonly op: 'splice'
  readonly path: Path
  readonly index: number
  readonly remove: number
  readonly values: readonly unknown[]
  readonly refs?: readonly Ref[]
}

/** Rebuilds the array at `path`: position i takes the element that stood at `keep[i]`, or, for −1, the next of `values`. */
export interface ArrangeMutation {
  readonly op: 'arrange'
  readonly path: Path
  readonly keep: readonly number[]
  readonly values: readonly unknown[]
  readonly refs?: readonly Ref[]
}

/** Takes the element at `from` out of the array at `path` and puts it in again at `at` (an index after the removal). */
export interface MoveMutation {
  readonly op: 'move'
  readonly path: Path
  readonly at: number
  readonly from: number
}

/** Adds a member to, or removes one from, the `Set` at `path`. */
export interface MemberMutation {
  readonly op: 'add' | 'remove'
  readonly path: Path
  readonly value: Key
}

/** Empties the `Map` or `Set` at `path`. */
export interface ClearMutation {
  readonly op: 'clear'
  readonly path: Path
}

/** One recorded change. */
export type Mutation =
  | SetMutation
  | DeleteMutation
  | SpliceMutation
  | ArrangeMutation
  | MoveMutation
  | MemberMutation
  | ClearMutation

/** What a mutation brings into the state, all of it or in a list; undefined for one that brings no containers. */
export function valueBrought(mutation: Mutation): unknown {
  return mutation.op === 'set' ? mutation.value : 'values' in mutation ? mutation.values : undefined
}

/** How many elements a mutation of an array brings. */
export function countBrought(mutation: Mutation): number {
  return 'values' in mutation ? mutation.values.length : 0
}

/** Texts are for people: what is longer, in all or as a key, came from nobody who will read it. */
const MAX_TEXT = 4096
const MAX_KEY = 200

/** Writes a path the way a person would: `rows[3].name`, `byId.get("a").x`. Cut where it is very long. */
export function formatPath(path: readonly unknown[]): string {
  if (path.length === 0) return '(root)'
  let text = ''
  for (const key of path) {
    if (text.length > MAX_TEXT) return `${text}…`
    if (typeof key === 'number') text += `[${key}]`
    else if (typeof key === 'string') {
      const shown = key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}…` : key
      if (/^[A-Za-z_$][\w$]*$/.test(shown)) text += text === '' ? shown : `.${shown}`
      else text += `[${JSON.stringify(shown)}]`
    } else if (typeof key === 'bigint' && BigInt.asIntN(512, key) !== key) text += '[a very large bigint]'
    else text += `[${String(key)}]`
  }
  return text
}
