import { containerKind } from './container-kind.js'
import { defineEntry } from './containers.js'
import { partOf } from './part.js'
import { copyIn } from './values.js'

/**
 * Makes a value independent of the state: parts of drafts, of views and of snapshots in it, however deep, become plain
 * data of their own. What holds none of them is given back as it is, and what is no plain data is left alone. Cycles stay
 * cycles.
 */
export function detach<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  return (holdsPart(value, new Set()) ? detached(value, new Map()) : value) as T
}

function itemsOf(container: object): Iterable<unknown> {
  if (Array.isArray(container)) return container
  return container instanceof Map ? container.values() : Object.values(container)
}

function holdsPart(value: unknown, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return false
  seen.add(value)
  if (partOf(value) !== undefined) return true
  if (containerKind(value) === undefined) return false
  for (const item of itemsOf(value)) if (holdsPart(item, seen)) return true
  return false
}

function detached(value: unknown, seen: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (partOf(value) !== undefined) return copyIn(value, [])
  const kind = containerKind(value)
  if (kind === undefined || kind === 'set') return value
  const known = seen.get(value)
  if (known !== undefined) return known
  if (kind === 'map') {
    const copy = new Map<unknown, unknown>()
    seen.set(value, copy)
    for (const [key, item] of value as Map<unknown, unknown>) copy.set(key, detached(item, seen))
    return copy
  }
  const copy: object = kind === 'array' ? [] : {}
  seen.set(value, copy)
  for (const [key, item] of Object.entries(value)) {
    defineEntry(copy, key, detached(item, seen))
  }
  return copy
}
