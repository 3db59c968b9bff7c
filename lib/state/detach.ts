import { unwrap } from './plain.js'
import { copyIn } from './values.js'

/**
 * Makes a value independent of the state: parts of drafts, of views and of snapshots in it, however deep, become plain
 * data of their own. What holds none of them is given back as it is, and what is no plain data is left alone.
 */
export function detach<T>(value: T): T {
  return detachIn(value, new Map()) as T
}

function detachIn(value: unknown, seen: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (unwrap(value) !== value) return copyIn(value, [])
  if (seen.has(value)) return seen.get(value)
  seen.set(value, value) // a cycle holds the value itself: what is in it is found where it was entered
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item) => detachIn(item, seen))
    return items.some((item, i) => item !== value[i]) ? items : value
  }
  if (value instanceof Map) {
    const entries = Array.from(value, ([key, item]) => [key, detachIn(item, seen)] as const)
    return entries.some(([key, item]) => item !== value.get(key)) ? new Map(entries) : value
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, detachIn(item, seen)] as const)
  return entries.some(([key, item]) => item !== (value as Record<string, unknown>)[key])
    ? Object.fromEntries(entries)
    : value
}
