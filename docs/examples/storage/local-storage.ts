import { StorageError } from 'leasehold'
import type { StateStorage } from 'leasehold/persist'
import { assertExpected } from 'leasehold/persist'

/**
 * A storage over `localStorage`: all records in one item, so that a write is stored whole or not at all. For small states, as
 * it is read and written whole, on the page. Regular expressions, buffers, blobs and errors are refused.
 */
export function localStateStorage(item: string): StateStorage {
  const load = () => new Map<string, unknown>(JSON.parse(localStorage.getItem(item) ?? '[]'))
  return {
    async read(keys) {
      const records = load()
      return keys.map((key) => decode(records.get(key) ?? ['undefined']))
    },
    async keys(prefix) {
      return [...load().keys()].filter((key) => key.startsWith(prefix))
    },
    async write(change, { expect } = {}) {
      const records = load()
      if (expect) assertExpected(decode(records.get(expect.key) ?? ['undefined']), expect)
      for (const [key, value] of change.set) records.set(key, encode(value))
      for (const key of change.delete) records.delete(key)
      try {
        localStorage.setItem(item, JSON.stringify([...records]))
      } catch (cause) {
        throw new StorageError(`localStorage has no space for "${item}". Nothing was stored.`, {
          cause,
          reason: 'quota',
        })
      }
    },
  }
}

/** What JSON has no form for becomes an array that begins with its kind, and so do arrays. */
function encode(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : ['number', Object.is(value, -0) ? '-0' : `${value}`]
  }
  if (value === undefined) return ['undefined']
  if (typeof value === 'bigint') return ['bigint', `${value}`]
  if (Array.isArray(value)) return ['array', ...value.map(encode)]
  if (value instanceof Date) return ['date', encode(value.getTime())]
  if (value instanceof Map) return ['map', ...[...value].map((entry) => entry.map(encode))]
  if (value instanceof Set) return ['set', ...[...value].map(encode)]
  if (Object.prototype.toString.call(value) === '[object Object]' && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, encode(part)]))
  }
  throw new StorageError(`${value} has no form in localStorage. Nothing was stored.`, { reason: 'value' })
}

function decode(code: unknown): unknown {
  if (typeof code !== 'object' || code === null) return code
  if (!Array.isArray(code)) return Object.fromEntries(Object.entries(code).map(([key, part]) => [key, decode(part)]))
  const [kind, ...parts] = code
  switch (kind) {
    case 'number':
      return Number(parts[0])
    case 'bigint':
      return BigInt(parts[0])
    case 'array':
      return parts.map(decode)
    case 'date':
      return new Date(decode(parts[0]) as number)
    case 'map':
      return new Map(parts.map((entry) => entry.map(decode)))
    case 'set':
      return new Set(parts.map(decode))
    default:
      return undefined
  }
}
