/*
 * What is in a container of plain data, alike for all kinds.
 */

import { containerKind } from '../state/container-kind.js'
import { putEntry, sizeOf } from '../state/containers.js'
import type { Key, Path } from '../state/mutation.js'
import { entryOf } from '../state/values.js'

/** How many entries there are; of an object only a walk can say. */
export function countIn(container: object): number {
  return containerKind(container) === 'object' ? Object.keys(container).length : sizeOf(container)
}

/** The keys of a map or plain object, the members of a set. */
export function keysIn(container: object): Iterable<Key> {
  return container instanceof Map || container instanceof Set ? container.keys() : Object.keys(container)
}

export function hasKey(container: object, key: Key): boolean {
  return container instanceof Map || container instanceof Set
    ? container.has(key)
    : Object.hasOwn(container, key as string)
}

/** Puts what `from` has at a key into another container of its kind. */
export function putIn(into: object, key: Key, from: object): void {
  if (into instanceof Set) into.add(key)
  else putEntry(into, key, entryOf(from, key))
}

/** What stands at a path; undefined where it leads nowhere. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? entryOf(at, key) : undefined), root)
}
