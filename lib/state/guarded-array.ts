/*
 * The guard over arrays.
 *
 * - Reading works as on the data: indices, `length`, methods, iterators, `Array.isArray`.
 * - Whatever is handed out, to callbacks too, is guarded; writing methods throw ImmutableStateError.
 * - A list that changes under an iteration is read as it is at each step, as in plain JavaScript.
 */

import type { Part, Shadow } from './part.js'
import { guarded, inherited, methodTable, partBehind, partOf, refusals } from './part.js'

type Visit = (this: unknown, element: unknown, index: number, list: object) => unknown

/** The elements are asked for at each step: a commit may replace the container between two of them. */
function listBehind(view: object, method: string): { part: Part; list: () => readonly unknown[] } {
  const part = partBehind(view, method)
  part.onContent()
  return { part, list: () => part.raw as readonly unknown[] }
}

/** Calls `fn` with each element until `take` says that it has enough. */
function visit(
  view: object,
  method: string,
  fn: Visit,
  self: unknown,
  take: (result: unknown, element: unknown, index: number) => boolean,
): void {
  const { part, list } = listBehind(view, method)
  if (typeof fn !== 'function') throw new TypeError(`${String(fn)} is not a function`)
  const { length } = list()
  for (let index = 0; index < length && index < list().length; index++) {
    const element = guarded(part, index, list()[index])
    if (take(fn.call(self, element, index, view), element, index)) return
  }
}

function* elements(view: object, method: string): Generator<unknown> {
  const { part, list } = listBehind(view, method)
  for (let index = 0; index < list().length; index++) yield guarded(part, index, list()[index])
}

function* numbered(view: object): Generator<[number, unknown]> {
  let index = 0
  for (const element of elements(view, 'entries')) yield [index++, element]
}

function indexIn(view: object, method: 'indexOf' | 'lastIndexOf', sought: unknown, from: readonly number[]): number {
  const { part, list } = listBehind(view, method)
  // The data holds containers, the caller a proxy: look for the container, then see whether it is shown by that proxy.
  const raw = partOf(sought)?.raw ?? sought
  const index = list()[method](raw, ...(from as [number])) // a second argument counts by being there
  return index < 0 || raw === sought || guarded(part, index, raw) === sought ? index : -1
}

// The engine's own methods work on a proxy, but ask two traps, with a string, for each element: those that are not here.
const methods = methodTable(
  {
    forEach(this: object, fn: Visit, self?: unknown): void {
      visit(this, 'forEach', fn, self, () => false)
    },
    map(this: object, fn: Visit, self?: unknown): unknown[] {
      const results: unknown[] = []
      visit(this, 'map', fn, self, (result) => {
        results.push(result)
        return false
      })
      return results
    },
    filter(this: object, fn: Visit, self?: unknown): unknown[] {
      const kept: unknown[] = []
      visit(this, 'filter', fn, self, (result, element) => {
        if (result) kept.push(element)
        return false
      })
      return kept
    },
    find(this: object, fn: Visit, self?: unknown): unknown {
      let found: unknown
      visit(this, 'find', fn, self, (result, element) => {
        if (result) found = element
        return Boolean(result)
      })
      return found
    },
    findIndex(this: object, fn: Visit, self?: unknown): number {
      let found = -1
      visit(this, 'findIndex', fn, self, (result, _element, index) => {
        if (result) found = index
        return Boolean(result)
      })
      return found
    },
    some(this: object, fn: Visit, self?: unknown): boolean {
      let some = false
      visit(this, 'some', fn, self, (result) => {
        some = Boolean(result)
        return some
      })
      return some
    },
    every(this: object, fn: Visit, self?: unknown): boolean {
      let every = true
      visit(this, 'every', fn, self, (result) => {
        every = Boolean(result)
        return !every
      })
      return every
    },
    includes(this: object, sought: unknown, ...from: number[]): boolean {
      if (partOf(sought) !== undefined) return indexIn(this, 'indexOf', sought, from) >= 0
      return listBehind(this, 'includes')
        .list()
        .includes(sought, ...from) // unlike indexOf it finds NaN
    },
    indexOf(this: object, sought: unknown, ...from: number[]): number {
      return indexIn(this, 'indexOf', sought, from)
    },
    lastIndexOf(this: object, sought: unknown, ...from: number[]): number {
      return indexIn(this, 'lastIndexOf', sought, from)
    },
    values(this: object): Iterator<unknown> {
      return elements(this, 'values')
    },
    entries(this: object): Iterator<unknown> {
      return numbered(this)
    },
    [Symbol.iterator](this: object): Iterator<unknown> {
      return elements(this, 'values')
    },
  },
  ['push', 'pop', 'shift', 'unshift', 'splice', 'sort', 'reverse', 'fill', 'copyWithin'],
)

export const arrayGuard: ProxyHandler<Shadow> = {
  ...refusals,
  getPrototypeOf: () => Array.prototype,
  get({ part }, key, receiver) {
    if (typeof key === 'string') {
      const first = key.charCodeAt(0)
      if (first >= 48 && first <= 57) {
        part.onContent()
        return guarded(part, Number(key), (part.raw as Record<string, unknown>)[key])
      }
      if (key === 'length') {
        part.onKeys()
        return (part.raw as unknown[]).length
      }
    }
    return inherited(part, key, Array.prototype, receiver, methods)
  },
  has({ part }, key) {
    if (typeof key === 'string') part.onKeys()
    return key in part.raw
  },
  ownKeys({ part }) {
    part.onKeys()
    return Reflect.ownKeys(part.raw)
  },
  getOwnPropertyDescriptor({ part }, key) {
    part.onKeys()
    const list = part.raw as unknown[]
    // Exactly as the target has it, or the engine objects.
    if (key === 'length') return { value: list.length, writable: true, enumerable: false, configurable: false }
    if (typeof key === 'symbol' || !Object.hasOwn(list, key)) return undefined
    const value = guarded(part, Number(key), list[Number(key)])
    return { value, writable: true, enumerable: true, configurable: true }
  },
}
