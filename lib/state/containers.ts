/*
 * Writing in plain containers: what the tree does to its data once it may.
 */

import type { Key, Mutation, Path, Ref } from './mutation.js'
import { entryOf, shallowCopy } from './values.js'

/** An empty container of that kind; undefined where it is none. */
export function emptyOf(kind: unknown): object | undefined {
  if (kind === 'array') return []
  if (kind === 'map') return new Map()
  if (kind === 'set') return new Set()
  return kind === 'object' ? {} : undefined
}

/** The number of elements, where it can be had without a walk. */
export function sizeOf(container: object): number {
  if (Array.isArray(container)) return container.length
  return container instanceof Map || container instanceof Set ? container.size : 0
}

export function putEntry(holder: object, key: Key, value: unknown): void {
  if (holder instanceof Map) holder.set(key, value)
  else (holder as Record<string, unknown>)[key as string] = value
}

/** Sets a key of an object or an index of an array, whatever its name: `__proto__` by an assignment would be the prototype. */
export function defineEntry(holder: object, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, configurable: true, enumerable: true, writable: true })
}

/** `Array.prototype.splice` for any number of values: spreading some 100,000 arguments overflows the stack. */
export function spliceArray(array: unknown[], index: number, remove: number, values: readonly unknown[]): unknown[] {
  if (values.length <= 10_000) return array.splice(index, remove, ...values)
  const removed = array.slice(index, index + remove)
  const tail = array.slice(index + remove)
  array.length = index
  for (const value of values) array.push(value)
  for (const value of tail) array.push(value)
  return removed
}

/** Puts what moved into its places in a value. The value of the mutation itself keeps its placeholders. */
export function fillRefs(value: unknown, refs: readonly Ref[] | undefined, moved: ReadonlyMap<Ref, unknown>): unknown {
  if (refs === undefined) return value
  const copied = new Set<object>()
  let result = value
  for (const ref of refs) {
    const fill = (part: unknown, depth: number): unknown => {
      if (depth === ref.at.length) return moved.get(ref)
      const holder = copied.has(part as object) ? (part as object) : shallowCopy(part as object)
      copied.add(holder)
      const key = ref.at[depth] as Key
      putEntry(holder, key, fill(entryOf(holder, key), depth + 1))
      return holder
    }
    result = fill(result, 0)
  }
  return result
}

/** The rearrangement that leads back to `before`. */
export function inverseArrange(path: Path, keep: readonly number[], before: readonly unknown[]): Mutation {
  const back = new Array<number>(before.length).fill(-1)
  keep.forEach((from, i) => {
    if (from >= 0) back[from] = i
  })
  return { op: 'arrange', path, keep: back, values: before.filter((_, i) => back[i] === -1) }
}
