/*
 * Values on their way to a worker.
 *
 * - What structured clone takes goes as it is, copied once, by the message itself.
 * - Parts of `store.state`, of drafts and snapshots are proxies, which structured clone refuses: they become the plain data
 *   behind them, wherever in the value they stand.
 */

import { unwrap } from '../state/plain.js'

/**
 * Gives `use` the value and, if that is refused, the value with plain data in the place of proxies of this library.
 * @throws what `use` throws
 */
export function withPlain<T, R>(value: T, use: (plain: T) => R): R {
  try {
    return use(value)
  } catch {
    return use(toPlain(value, new Map()) as T) // names what is refused in its own error
  }
}

/** Copies the containers down to the proxies; cycles stay cycles. What it does not know it leaves to structured clone. */
function toPlain(value: unknown, seen: Map<unknown, unknown>): unknown {
  const plain = unwrap(value)
  if (plain !== value) return plain
  if (typeof value !== 'object' || value === null) return value
  const known = seen.get(value)
  if (known !== undefined) return known
  if (Array.isArray(value)) {
    const copy: unknown[] = []
    seen.set(value, copy)
    for (const item of value) copy.push(toPlain(item, seen))
    return copy
  }
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>()
    seen.set(value, copy)
    for (const [key, item] of value) copy.set(key, toPlain(item, seen))
    return copy
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  const copy: Record<string, unknown> = {}
  seen.set(value, copy)
  for (const key of Object.keys(value)) {
    const item = toPlain((value as Record<string, unknown>)[key], seen)
    Object.defineProperty(copy, key, { value: item, configurable: true, enumerable: true, writable: true }) // also `__proto__`
  }
  return copy
}
