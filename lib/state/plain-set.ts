import { containerKind } from './container-kind.js'
import type { StateShape } from './define-state.js'
import type { Key, Mutation } from './mutation.js'
import { entryOf, isReservedKey } from './values.js'

/**
 * Whether a mutation that is well formed writes a primitive over another value, at a place that is there: the one kind, and by
 * far the commonest in long batches, that needs no draft to be checked. False says nothing but that one is needed.
 * @param shape of the state, or of the scope that may be written
 */
export function isPlainSet(shape: StateShape, root: object, mutation: Mutation): boolean {
  if (mutation.op !== 'set' || mutation.refs !== undefined) return false
  const { path, value } = mutation
  if ((typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol')
    return false
  let holder = root
  let state: StateShape | undefined = shape
  const last = path.length - 1
  for (let i = 0; i < last; i++) {
    const key = path[i] as Key
    if (
      state === undefined
        ? !names(holder, key)
        : !state.fields.has(key as string) && !state.substates.has(key as string)
    )
      return false
    state = state?.substates.get(key as string)
    const next = entryOf(holder, key)
    if (containerKind(next) === undefined) return false
    holder = next as object
  }
  const key = path[last] as Key
  if (state === undefined ? !names(holder, key) : !state.fields.has(key as string)) return false
  return !Object.is(entryOf(holder, key), value)
}

/** Whether this is how mutations name an entry that a container has: `'0'` names none of an array, and 0 none of an object. */
function names(holder: object, key: Key): boolean {
  if (Array.isArray(holder)) return typeof key === 'number' && Number.isInteger(key) && key >= 0 && key < holder.length
  if (holder instanceof Map) return holder.has(key)
  return typeof key === 'string' && !isReservedKey(key) && !(holder instanceof Set) && Object.hasOwn(holder, key)
}
