/*
 * Parts: what a guarded proxy stands for, one container of a state.
 *
 * - A part says which container it shows, gives the parts inside it, and hears what a reader of it depends on. The guards
 *   read through it alone: a replica's parts hear nothing, those of the page tell MobX.
 * - Every write through a guarded proxy ends in `refuse`: it throws, names the place, and nothing has changed.
 */

import { ImmutableStateError } from '../errors.js'
import type { StateShape } from './define-state.js'
import type { Key } from './mutation.js'
import { formatPath } from './mutation.js'
import { plainOf } from './plain.js'
import type { ContainerKind } from './values.js'

export abstract class Part {
  abstract readonly kind: ContainerKind | 'state'
  /** The container as it is now. */
  abstract readonly raw: object
  /** What the user calls the whole: `store.state`. */
  abstract readonly label: string
  /** Where it stands now, for messages; undefined where that cannot be said at little cost. */
  abstract path(): readonly Key[] | undefined
  /** What a reader gets for the object that stands at `key`: a guarded proxy, or the object itself if it is a leaf. */
  abstract child(key: Key, value: object): unknown

  /** The reader depends on what stands at a key of an object or a map, and on whether anything does. */
  onKey(_key: Key): void {}
  /** The reader depends on which keys there are, or how many entries. */
  onKeys(): void {}
  /** The reader depends on the elements of an array, or the members of a set. */
  onContent(): void {}
  /** The reader depends on everything in it. */
  onAll(): void {}
}

/** The top level of a state or of a substate. */
export interface StatePart extends Part {
  readonly shape: StateShape
  /** Its proxy with backend fields, `this` of the getters. */
  readonly inner: object
  /** Its proxy for those who see no backend fields. */
  readonly outer: object
  /** The value of a getter. */
  getter(name: string): unknown
  substate(name: string): StatePart
}

/** The target of a guarded proxy. Over the data itself a `get` that gives another value would throw where it is frozen. */
export interface Shadow<P extends Part = Part> {
  readonly part: P
}

/** Asked of a guarded proxy: the part that it stands for. */
export const partSymbol: unique symbol = Symbol('leasehold.part')

/** The part that a value stands for, if it is a guarded proxy. */
export function partOf(value: unknown): Part | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as { readonly [partSymbol]?: Part })[partSymbol]
}

/** What a reader gets for a value at `key`. */
export function guarded(part: Part, key: Key, value: unknown): unknown {
  return typeof value === 'object' && value !== null ? part.child(key, value) : value
}

/**
 * Refuses a write.
 * @param deed what was tried: `write`, `delete`, `call`
 * @param key at which key of the part; a method's name for `call`
 */
export function refuse(part: Part, deed: string, ...key: readonly [unknown?]): never {
  const shown = key.map((one) =>
    part.kind === 'array' && typeof one === 'string' && /^\d+$/.test(one) ? Number(one) : one,
  )
  const place = formatPath([...(part.path() ?? []), ...shown])
  throw new ImmutableStateError(
    `Cannot ${deed} ${place}${deed === 'call' ? '()' : ''}: ${part.label} is read-only here, and nothing has changed. ` +
      'Write inside an event or a lease, on the draft that it is given.',
  )
}

/** The traps of every guard that are writes. */
export const refusals: Pick<
  Required<ProxyHandler<Shadow>>,
  'set' | 'defineProperty' | 'deleteProperty' | 'setPrototypeOf' | 'preventExtensions'
> = {
  set: ({ part }, key) => refuse(part, 'write', key),
  defineProperty: ({ part }, key) => refuse(part, 'define', key),
  deleteProperty: ({ part }, key) => refuse(part, 'delete', key),
  setPrototypeOf: ({ part }) => refuse(part, 'change the prototype of'),
  preventExtensions: ({ part }) => refuse(part, 'freeze or seal'),
}

/** The methods of a kind of container, as its guard has them. */
export type Methods = Readonly<Record<PropertyKey, unknown>>

/**
 * @param reading methods that replace the data's own
 * @param writing names of methods that are refused
 */
export function methodTable(reading: object, writing: readonly string[]): Methods {
  const refused = writing.map((name) => [
    name,
    function (this: object): never {
      return refuse(partBehind(this, name), 'call', name)
    },
  ])
  return Object.assign(Object.create(null), reading, Object.fromEntries(refused))
}

/** The part behind the `this` of a method. */
export function partBehind(view: object, method: PropertyKey): Part {
  const part = partOf(view)
  if (part !== undefined) return part
  throw new TypeError(`${String(method)}() was taken from a part of the state and called on something else.`)
}

/** What a guard gives for the library's own symbols, for methods, and for what the prototype has besides. */
export function inherited(
  part: Part,
  key: PropertyKey,
  prototype: object,
  receiver: unknown,
  methods?: Methods,
): unknown {
  if (key === partSymbol) return part
  if (key === plainOf) {
    part.onAll()
    return part.raw
  }
  return methods?.[key] ?? Reflect.get(prototype, key, receiver)
}
