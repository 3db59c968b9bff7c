/*
 * Copies of this realm.
 *
 * - The surroundings of tests have classes of their own: what structured clone gives there has the `Map`, `Date` and `Object`
 *   of another realm, and of their `Blob` it makes an empty object.
 */

import { defineEntry } from '../state/containers.js'
import { tagOf } from '../state/leaves.js'

/**
 * What structured clone makes of a value, in this realm. Blobs, which nobody can change, are the same.
 * @throws DOMException of the name `DataCloneError`
 */
export function cloneHere(value: unknown): unknown {
  structuredClone(value) // refuses what has no copy
  return toOwn(value)
}

/** A copy in this realm of what structured clone makes, or has made in another. */
export function toOwn(value: unknown, seen: Map<unknown, unknown> = new Map()): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (seen.has(value)) return seen.get(value)
  const keep = <T>(copy: T): T => {
    seen.set(value, copy)
    return copy
  }
  if (Array.isArray(value)) return copyKeys(value, keep(new Array(value.length)), seen)
  if (ArrayBuffer.isView(value)) return keep(toOwnView(value, seen))
  const tag = tagOf(value)
  // The tag is that of a built-in class, whose methods work on instances of any realm.
  if (tag === 'Object') return copyKeys(value, keep({}), seen)
  if (tag === 'Date') return keep(new Date((value as Date).getTime()))
  if (tag === 'RegExp') return keep(new RegExp((value as RegExp).source, (value as RegExp).flags))
  if (tag === 'ArrayBuffer') return keep(Uint8Array.from(new Uint8Array(value as ArrayBuffer)).buffer)
  if (tag === 'Error') return toOwnError(value as Error, keep, seen)
  if (tag === 'Map') {
    const copy = keep(new Map())
    for (const [key, item] of value as Map<unknown, unknown>) copy.set(toOwn(key, seen), toOwn(item, seen))
    return copy
  }
  if (tag === 'Set') {
    const copy = keep(new Set())
    for (const item of value as Set<unknown>) copy.add(toOwn(item, seen))
    return copy
  }
  return value // a port, a blob: of the platform, and the same in every realm
}

function copyKeys(from: object, to: object, seen: Map<unknown, unknown>): object {
  for (const [key, value] of Object.entries(from)) {
    defineEntry(to, key, toOwn(value, seen))
  }
  return to
}

function toOwnView(view: ArrayBufferView, seen: Map<unknown, unknown>): ArrayBufferView {
  const buffer = toOwn(view.buffer, seen) as ArrayBuffer
  const length = 'length' in view ? (view.length as number) : view.byteLength
  type ViewClass = new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView
  // The tag of a view is the name of its class.
  const View = (globalThis as unknown as Record<string, ViewClass>)[tagOf(view)] as ViewClass
  return new View(buffer, view.byteOffset, length)
}

function toOwnError(error: Error, keep: <T>(copy: T) => T, seen: Map<unknown, unknown>): Error {
  const known = (globalThis as unknown as Record<string, ErrorConstructor | undefined>)[error.name]
  const copy = keep(new (known ?? Error)(error.message))
  if (error.stack !== undefined) copy.stack = error.stack
  if ('cause' in error) copy.cause = toOwn(error.cause, seen)
  return copy
}
