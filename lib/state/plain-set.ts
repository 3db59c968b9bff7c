import type { ColumnMutation } from './change.js'
import { containerKind } from './container-kind.js'
import type { StateShape } from './define-state.js'
import type { Key, Mutation, Path } from './mutation.js'
import { entryOf, isPrimitive, isReservedKey } from './values.js'

/**
 * Whether a mutation that is well formed writes a primitive over another value, at a place that is there: the one kind, and by
 * far the commonest in long batches, that needs no draft to be checked. False says nothing but that one is needed.
 * @param shape of the state, or of the scope that may be written
 */
export function isPlainSet(shape: StateShape, root: object, mutation: Mutation): boolean {
  if (mutation.op !== 'set' || mutation.refs !== undefined) return false
  const { path, value } = mutation
  if (!isPrimitive(value)) return false
  const last = path.length - 1
  const found = find(shape, root, path, last)
  if (found === undefined) return false
  const { holder, state } = found
  const key = path[last] as Key
  if (state === undefined ? !names(holder, key) : !state.fields.has(key as string)) return false
  return !Object.is(entryOf(holder, key), value)
}

/** Whether a column that is well formed writes fields that are there, as a column should. See {@link isPlainSet}. */
export function fitsColumn(shape: StateShape, root: object, { path, field, indexes }: ColumnMutation): boolean {
  const rows = find(shape, root, path, path.length)?.holder
  if (!Array.isArray(rows)) return false
  return indexes.every((index) => containerKind(rows[index]) === 'object' && Object.hasOwn(rows[index], field))
}

/** The container to which the first keys of a path lead, and its shape if it is a state; undefined where they name none. */
function find(
  shape: StateShape,
  root: object,
  path: Path,
  length: number,
): { readonly holder: object; readonly state: StateShape | undefined } | undefined {
  let holder = root
  let state: StateShape | undefined = shape
  for (let i = 0; i < length; i++) {
    const key = path[i] as Key
    if (
      state === undefined
        ? !names(holder, key)
        : !state.fields.has(key as string) && !state.substates.has(key as string)
    )
      return undefined
    state = state?.substates.get(key as string)
    const next = entryOf(holder, key)
    if (containerKind(next) === undefined) return undefined
    holder = next as object
  }
  return { holder, state }
}

/** Whether this is how mutations name an entry that a container has: `'0'` names none of an array, and 0 none of an object. */
function names(holder: object, key: Key): boolean {
  if (Array.isArray(holder)) return typeof key === 'number' && Number.isInteger(key) && key >= 0 && key < holder.length
  if (holder instanceof Map) return holder.has(key)
  return typeof key === 'string' && !isReservedKey(key) && !(holder instanceof Set) && Object.hasOwn(holder, key)
}
