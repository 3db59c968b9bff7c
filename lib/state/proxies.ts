/*
 * Proxies over parts: what recipes, readers and reactions see of a state. They behave as the plain containers do.
 *
 * - A state's top level shows its declared fields, its substates and, not enumerable, its getters. Backend fields (`_name`)
 *   are there for handlers, tasks and getters alone; below the top level a name is only a name.
 * - Which keys there are is told apart from what stands there: `Object.keys` asks for the descriptor of each key, and would
 *   else depend on every value.
 * - A proxy cannot be posted or given to `structuredClone`: `toPlain` makes what can.
 */

import { InvalidMutationError } from '../errors.js'
import { arrayTraps } from './array-proxy.js'
import { mapTraps, setTraps } from './collection-proxies.js'
import type { StateShape } from './define-state.js'
import { formatPath } from './mutation.js'
import type { Shadow, StatePart } from './part.js'
import { isBackend, Part, partOf } from './part.js'
import { plainOf, unwrap } from './plain.js'
import { commonTraps, inherited } from './proxy-traps.js'
import { assertInScope } from './scope.js'

const objectTraps: ProxyHandler<Shadow> = {
  ...commonTraps,
  getPrototypeOf: () => Object.prototype,
  get({ part }, key, receiver) {
    if (typeof key !== 'symbol' && key !== '__proto__') {
      part.assertReadable()
      const value = part.get(key)
      if (value !== undefined || !(key in Object.prototype) || part.has(key)) return value
    }
    return inherited(part, key, Object.prototype, receiver)
  },
  has({ part }, key) {
    part.assertReadable()
    return (typeof key === 'string' && part.has(key)) || key in Object.prototype
  },
  ownKeys({ part }) {
    part.assertReadable()
    return [...(part.keys() as Iterable<string>)]
  },
  getOwnPropertyDescriptor({ part }, key) {
    part.assertReadable()
    const own = typeof key === 'symbol' ? undefined : part.own(key)
    return own && { value: own.value, writable: true, enumerable: true, configurable: true }
  },
}

/** A getter that gives a state itself, or a substate, gives it as its caller sees states. */
function outward(value: unknown): unknown {
  return (partOf(value) as Partial<StatePart> | undefined)?.outer ?? value
}

function stateTraps(backend: boolean): ProxyHandler<Shadow<StatePart>> {
  const shows = (key: PropertyKey): key is string => typeof key === 'string' && (backend || !isBackend(key))
  const substateOf = (part: StatePart, name: string): object => {
    const substate = part.substate(name)
    return backend ? substate.inner : substate.outer
  }
  const getterOf = (part: StatePart, name: string): unknown =>
    backend ? part.getter(name) : outward(part.getter(name))
  return {
    ...(commonTraps as ProxyHandler<Shadow<StatePart>>), // they ask for no more than a part
    getPrototypeOf: () => Object.prototype,
    get({ part }, key, receiver) {
      if (shows(key)) {
        part.assertReadable()
        const role = part.shape.roles.get(key)
        if (role === 'field') return part.get(key)
        if (role === 'getter') return getterOf(part, key)
        if (role === 'substate') return substateOf(part, key)
        assertInScope(part.shape, key)
      }
      if (key === plainOf && !backend) return shownData(part.shape, part.plain() as Record<string, unknown>)
      return inherited(part, key, Object.prototype, receiver)
    },
    has({ part }, key) {
      part.assertReadable()
      return (shows(key) && part.shape.roles.has(key)) || key in Object.prototype
    },
    // The top level is closed: its keys are nothing to depend on.
    ownKeys({ part }) {
      part.assertReadable()
      return [...part.shape.roles.keys()].filter(shows)
    },
    getOwnPropertyDescriptor({ part }, key) {
      part.assertReadable()
      if (!shows(key)) return undefined
      const role = part.shape.roles.get(key)
      if (role === undefined) return undefined
      if (role === 'getter') return { get: () => getterOf(part, key), enumerable: false, configurable: true }
      const value = role === 'substate' ? substateOf(part, key) : part.own(key)?.value
      return { value, writable: true, enumerable: true, configurable: true }
    },
    deleteProperty({ part }, key) {
      part.assertWritable('delete', key)
      throw new InvalidMutationError(
        `${formatPath([...part.path(), String(key)])} cannot be deleted: the fields of "${part.shape.definition.fullName}" stay. Set it to undefined.`,
      )
    },
  }
}

/** The data of a state and its substates without their backend fields. What is below is the data itself. */
function shownData(shape: StateShape, whole: Record<string, unknown>): object {
  const shown: Record<string, unknown> = {}
  for (const key of Object.keys(whole)) {
    const substate = shape.substates.get(key)
    if (substate !== undefined) shown[key] = shownData(substate, whole[key] as Record<string, unknown>)
    else if (!isBackend(key)) shown[key] = whole[key]
  }
  return shown
}

const innerTraps = stateTraps(true)
const outerTraps = stateTraps(false)

/** An array for its target is what makes `Array.isArray` true of a proxy. */
class ListShadow extends Array<unknown> implements Shadow {
  readonly part: Part
  constructor(part: Part) {
    super()
    this.part = part
  }
}

// Node prints the target of a proxy, unless the target says what to print; it is asked with the proxy for `this`.
for (const { prototype } of [Part, ListShadow]) {
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: object): unknown {
      return unwrap(this)
    },
  })
}

const traps = { object: objectTraps, map: mapTraps, set: setTraps }

/** The proxy of a part. */
export function createProxy(part: Part): object {
  return part.kind === 'array'
    ? new Proxy<Shadow>(new ListShadow(part), arrayTraps)
    : new Proxy<Shadow>(part, traps[part.kind])
}

/** A proxy of a state or substate. */
export function createStateProxy(part: StatePart, options: { readonly backend: boolean }): object {
  return new Proxy<Shadow<StatePart>>(part, options.backend ? innerTraps : outerTraps)
}
