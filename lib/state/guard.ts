/*
 * Guards: read-only proxies over the plain data of a state.
 *
 * - Reading works as on the data, writing throws ImmutableStateError and changes nothing, at any depth, however reached.
 * - A state's top level shows its declared fields, its substates and, not enumerable, its getters. Backend fields (`_name`)
 *   are there for tasks and for `this` of getters alone; below the top level a name is only a name.
 * - Which keys there are is tracked where they are listed, values only where they are read: `Object.keys` asks for the
 *   descriptor of each key, and would else depend on every value.
 * - A guarded proxy cannot be posted or given to `structuredClone`: `toPlain` makes what can.
 */

import type { StateShape } from './define-state.js'
import { arrayGuard } from './guarded-array.js'
import { mapGuard, setGuard } from './guarded-collections.js'
import type { Part, Shadow, StatePart } from './part.js'
import { guarded, inherited, partOf, refusals } from './part.js'
import { plainOf, unwrap } from './plain.js'
import type { ContainerKind } from './values.js'

const objectGuard: ProxyHandler<Shadow> = {
  ...refusals,
  getPrototypeOf: () => Object.prototype,
  get({ part }, key, receiver) {
    if (typeof key === 'symbol' || key === '__proto__') return inherited(part, key, Object.prototype, receiver)
    part.onKey(key)
    return guarded(part, key, (part.raw as Record<string, unknown>)[key])
  },
  has({ part }, key) {
    if (typeof key === 'string') part.onKey(key)
    return key in part.raw
  },
  ownKeys({ part }) {
    part.onKeys()
    return Reflect.ownKeys(part.raw)
  },
  getOwnPropertyDescriptor({ part }, key) {
    part.onKeys()
    if (typeof key === 'symbol' || !Object.hasOwn(part.raw, key)) return undefined
    const value = guarded(part, key, (part.raw as Record<string, unknown>)[key])
    return { value, writable: true, enumerable: true, configurable: true }
  },
}

/** True for the names that `store.state`, snapshots and persistence leave out at the top of a state. */
export function isBackend(name: string): boolean {
  return name.startsWith('_')
}

/** The data of a state and its substates without their backend fields. What is below is the data itself. */
export function shownData(shape: StateShape, raw: object): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(raw)) {
    const substate = shape.substates.get(key)
    if (substate !== undefined) shown[key] = shownData(substate, value as object)
    else if (!isBackend(key)) shown[key] = value
  }
  return shown
}

function isField({ shape }: StatePart, name: string): boolean {
  return shape.fields.has(name) || shape.substates.has(name)
}

/** A getter that gives a state itself, or a substate, gives it as its caller sees states. */
function outward(value: unknown): unknown {
  const part = partOf(value)
  return part?.kind === 'state' ? (part as StatePart).outer : value
}

function stateGuard(backend: boolean): ProxyHandler<Shadow<StatePart>> {
  const shows = (key: PropertyKey): key is string => typeof key === 'string' && (backend || !isBackend(key))
  const fieldOf = (part: StatePart, name: string): unknown => {
    if (!part.shape.substates.has(name)) return guarded(part, name, (part.raw as Record<string, unknown>)[name])
    const substate = part.substate(name)
    return backend ? substate.inner : substate.outer
  }
  const getterOf = (part: StatePart, name: string): unknown =>
    backend ? part.getter(name) : outward(part.getter(name))
  return {
    ...(refusals as ProxyHandler<Shadow<StatePart>>), // they ask for no more than a part
    getPrototypeOf: () => Object.prototype,
    get({ part }, key, receiver) {
      if (shows(key)) {
        if (part.shape.getters.has(key)) return getterOf(part, key)
        if (isField(part, key)) {
          part.onKey(key)
          return fieldOf(part, key)
        }
      }
      if (key === plainOf && !backend) {
        part.onAll()
        return shownData(part.shape, part.raw)
      }
      return inherited(part, key, Object.prototype, receiver)
    },
    has: ({ part }, key) =>
      (shows(key) && (isField(part, key) || part.shape.getters.has(key))) || key in Object.prototype,
    // The top level is closed: its keys are nothing to depend on.
    ownKeys: ({ part }) => [...Object.keys(part.raw), ...part.shape.getters.keys()].filter(shows),
    getOwnPropertyDescriptor({ part }, key) {
      if (!shows(key)) return undefined
      if (part.shape.getters.has(key)) return { get: () => getterOf(part, key), enumerable: false, configurable: true }
      if (!isField(part, key)) return undefined
      return { value: fieldOf(part, key), writable: true, enumerable: true, configurable: true }
    },
  }
}

const innerGuard = stateGuard(true)
const outerGuard = stateGuard(false)

// Node prints the target of a proxy unless the target says what to print.
const inspect = Symbol.for('nodejs.util.inspect.custom')

class PlainShadow<P extends Part> implements Shadow<P> {
  readonly part: P
  constructor(part: P) {
    this.part = part
  }
  [inspect](): unknown {
    return unwrap(this) // `this` is the proxy
  }
}

class ListShadow extends Array<unknown> implements Shadow {
  readonly part: Part // an array for its target is what makes `Array.isArray` true
  constructor(part: Part) {
    super()
    this.part = part
  }
  [inspect](): unknown {
    return unwrap(this)
  }
}

const guards = { object: objectGuard, map: mapGuard, set: setGuard }

/** The guarded proxy of a container. */
export function createGuard(part: Part, kind: ContainerKind): object {
  return kind === 'array'
    ? new Proxy<Shadow>(new ListShadow(part), arrayGuard)
    : new Proxy<Shadow>(new PlainShadow(part), guards[kind])
}

/** A guarded proxy of a state or substate. */
export function createStateGuard(part: StatePart, options: { readonly backend: boolean }): object {
  return new Proxy<Shadow<StatePart>>(new PlainShadow(part), options.backend ? innerGuard : outerGuard)
}
