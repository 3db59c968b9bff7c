/*
 * The traps that all kinds of proxies have alike.
 */

import { InvalidMutationError } from '../errors.js'
import { formatPath } from './mutation.js'
import type { Part, Shadow } from './part.js'
import { partSymbol } from './part.js'
import { plainOf } from './plain.js'

/** Refuses what no container of a state can be made to do, though it may be written. */
export function refuse(part: Part, what: string, key?: PropertyKey): never {
  const path = formatPath(key === undefined ? part.path() : [...part.path(), String(key)])
  throw new InvalidMutationError(
    `${what} is not possible at ${path}. State is plain data: assign values to fields and elements.`,
  )
}

type WriteTraps = Pick<
  Required<ProxyHandler<Shadow>>,
  'set' | 'defineProperty' | 'deleteProperty' | 'setPrototypeOf' | 'preventExtensions'
>

export const commonTraps: WriteTraps = {
  set({ part }, key, value, receiver) {
    if (!part.isShownBy(receiver)) return setElsewhere(key, value, receiver)
    part.assertWritable('write', key)
    if (typeof key === 'symbol') return refuse(part, 'A symbol as a key', key)
    part.set(key, value)
    return true
  },
  /** `Object.defineProperty` with a plain value is an assignment; anything else is none. */
  defineProperty({ part }, key, property) {
    part.assertWritable('define', key)
    if (typeof key === 'symbol') return refuse(part, 'A symbol as a key', key)
    part.set(key, assigned(part, key, property, part.has(key)))
    return true
  },
  deleteProperty({ part }, key) {
    part.assertWritable('delete', key)
    if (typeof key === 'string') part.delete(key)
    return true
  },
  setPrototypeOf({ part }) {
    part.assertWritable('change the prototype of')
    return refuse(part, 'Setting a prototype')
  },
  preventExtensions({ part }) {
    part.assertWritable('freeze or seal')
    return refuse(part, 'Freezing or sealing')
  },
}

const plainObject = Object.freeze({})

/** A write on an object that inherits from a part: as with a plain prototype, the object gets a property of its own. */
export function setElsewhere(key: PropertyKey, value: unknown, receiver: unknown): boolean {
  return Reflect.set(plainObject, key, value, receiver)
}

/** The value that a definition assigns. Where a property is `present`, what the definition leaves out stays: all is allowed. */
export function assigned(part: Part, key: PropertyKey, property: PropertyDescriptor, present: boolean): unknown {
  const { enumerable = present, configurable = present, writable = present } = property
  if ('value' in property && enumerable && configurable && writable) return property.value
  return refuse(part, 'Defining an accessor, or a hidden or read-only property,', key)
}

/** The index that a property key names; undefined for other keys. */
export function indexOfKey(key: PropertyKey): number | undefined {
  if (typeof key !== 'string') return undefined
  const first = key.charCodeAt(0)
  if (!(first >= 48 && first <= 57)) return undefined
  const index = Number(key)
  return Number.isInteger(index) && index < 4_294_967_295 && String(index) === key ? index : undefined
}

/** The methods of a kind of container, as its proxy has them. */
export type Methods = Readonly<Record<PropertyKey, unknown>>

/** A table of methods, without a prototype in which other names would be found. */
export function methodTable(...methods: readonly object[]): Methods {
  return Object.assign(Object.create(null), ...methods)
}

/** What a proxy gives for the library's own symbols, for methods, and for what the prototype has besides. */
export function inherited(
  part: Part,
  key: PropertyKey,
  prototype: object,
  receiver: unknown,
  methods?: Methods,
): unknown {
  // What inherits from a part is none.
  if (key === partSymbol) return part.isShownBy(receiver) ? part : undefined
  if (key === plainOf) return part.plain()
  part.assertReadable()
  return methods?.[key] ?? Reflect.get(prototype, key, receiver)
}
