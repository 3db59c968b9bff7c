/*
 * Definitions: what a state is, shared by page and workers.
 *
 * - `init` makes fresh data for each store; its getters become the computeds of the state, and are not part of the data.
 * - The top level of a state and of each substate is closed: the declared fields, and no others.
 * - Types flow from here to the tasks and from the tasks to the store, never back.
 */

import { containerKind } from './container-kind.js'
import { copyIn, describe, isReservedKey } from './values.js'

declare const stateType: unique symbol
declare const eventsType: unique symbol
declare const tasksType: unique symbol

/** The values that are read as they are: everything in state that has no parts to observe. */
export type Leaf =
  | null
  | undefined
  | string
  | number
  | boolean
  | bigint
  | Date
  | RegExp
  | Error
  | Blob
  | ArrayBuffer
  | ArrayBufferView

/** Makes every level of a state read-only. Leaves come first, so that recursive types end. */
export type DeepReadonly<T> = T extends Leaf | ((...args: never) => unknown)
  ? T
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<K, DeepReadonly<V>>
    : T extends ReadonlySet<infer V>
      ? ReadonlySet<DeepReadonly<V>>
      : T extends readonly (infer U)[]
        ? number extends T['length']
          ? ReadonlyArray<DeepReadonly<U>>
          : { readonly [K in keyof T]: DeepReadonly<T[K]> }
        : T extends object
          ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
          : T

/** Drops the backend fields (`_name`) at the top of a state and of each of its substates. */
export type Shown<S> = { [K in keyof S as K extends `_${string}` ? never : K]: S[K] }

/** The events that tasks may send, by name: an interface of plain functions. */
export type EventContract = object

/** The tasks that tasks may start, by name: an interface of plain functions, without the `task` that each is given. */
export type TaskContract = object

/**
 * A definition made by {@link defineState}. `S` is the state it describes (getters and substates too), `E` the events
 * that its tasks may send, `W` the tasks that they may start.
 */
export interface StateDefinition<
  S extends object = object,
  E extends EventContract = object,
  Name extends string = string,
  W extends TaskContract = object,
> {
  /** The name given to {@link defineState}. */
  readonly name: Name
  /** The dotted path from the outermost state: `app.settings`. */
  readonly fullName: string
  /** What a worker of another build must agree on; 0 where none was given. */
  readonly version: number
  /**
   * Declares, by an interface, the events that tasks may send. `createStore` then checks its handlers against it.
   * @example const counterState = defineState('counter', init).withEvents<CounterEvents>()
   */
  withEvents<Events extends EventContract>(): StateDefinition<S, Events, Name, W>
  /**
   * Declares, by an interface of plain functions, the tasks that tasks may start. `serveTasks` then checks that it is given
   * each of them, with those arguments. What they return does not matter here: nobody who starts a task waits for its end.
   * @example
   * interface CounterWork { importCsv(url: string): void }
   * const counterState = defineState('counter', init).withTasks<CounterWork>()
   */
  withTasks<Work extends TaskContract>(): StateDefinition<S, E, Name, Work>
  readonly [stateType]?: S
  readonly [eventsType]?: E
  readonly [tasksType]?: W
}

/** The state that a definition describes, as a draft shows it. */
export type StateOf<D> = D extends StateDefinition<infer S, EventContract> ? S : never

/** The state that a definition describes, as `store.state` shows it: read-only, without backend fields. */
export type ReadonlyState<D> = DeepReadonly<Shown<StateOf<D>>>

/** Maps a list of definitions to the fields under which they stand in their parent: each under its own name. */
export type SubstateFields<Subs extends readonly StateDefinition[]> = {
  [D in Subs[number] as D['name']]: StateOf<D>
}

/** Refuses an `init` that is async, or gives a list. */
export type AtOnce<S> = S extends PromiseLike<unknown> | readonly unknown[] ? never : unknown

/** Options of {@link defineState}. */
export interface StateOptions<Subs extends readonly StateDefinition[]> {
  /** States nested in this one, each under its own name. @default [] */
  readonly substates?: Subs
  /** A number that a worker of another build must agree on. @default 0 */
  readonly version?: number
}

/** What stands under a name at the top of a state. */
export type Role = 'field' | 'getter' | 'substate'

/** What the rooms of the library know about the top level of one state. */
export interface StateShape {
  readonly definition: StateDefinition
  /** Declared data fields, backend fields too, without substates. */
  readonly fields: ReadonlySet<string>
  readonly substates: ReadonlyMap<string, StateShape>
  readonly getters: ReadonlyMap<string, (this: object) => unknown>
  /** What each of these names is, in this order. */
  readonly roles: ReadonlyMap<string, Role>
  /** Of a draft that has a scope: the names that it leaves out, and who holds the draft. */
  readonly outside?: { readonly names: ReadonlySet<string>; readonly holder: string }
}

class Definition implements StateDefinition {
  readonly name: string
  readonly version: number
  readonly init: () => object
  readonly substates: readonly Definition[]
  parent: Definition | undefined
  shape: StateShape | undefined

  constructor(name: string, init: () => object, substates: readonly Definition[], version: number) {
    this.name = name
    this.init = init
    this.substates = substates
    this.version = version
  }

  get fullName(): string {
    return this.parent === undefined ? this.name : `${this.parent.fullName}.${this.name}`
  }

  withEvents<Events extends EventContract>(): StateDefinition<object, Events> {
    return this as object as StateDefinition<object, Events> // events exist in types only: the contract is checked by `createStore`
  }

  withTasks<Work extends TaskContract>(): StateDefinition<object, object, string, Work> {
    return this as object as StateDefinition<object, object, string, Work> // in types only, as events; checked by `serveTasks`
  }
}

/**
 * Defines a state: its name, its fields with their first values, and its computed getters.
 *
 * @param name an identifier; the key under which it stands in a parent, and the first part of dotted paths
 * @param init makes fresh data for each store. A getter becomes a computed: not enumerable, `this` is read-only and shows
 *   backend fields (`_name`) too. Values may be plain objects, arrays, maps, sets, primitives and leaves such as `Date`
 * @param options `substates`: states nested in this one; `version`: a number that workers must agree on
 * @throws TypeError for a name that is no identifier, a substate that already has a parent, or two with one name; when a store
 *   is made, for an `init` that gives no plain object: a promise, a list, an instance of a class
 * @throws NotCloneableError, when a store is made, for a value that cannot be in state; its message names the path
 * @example
 * const counterState = defineState('counter', () => ({
 *   counter: 0,
 *   maxCounter: 10,
 *   get progress() { return this.counter / this.maxCounter },
 * }))
 */
export function defineState<
  const Name extends string,
  S extends object,
  const Subs extends readonly StateDefinition[] = readonly [],
>(
  name: Name,
  init: (() => S) & AtOnce<S>,
  options: StateOptions<Subs> = {},
): StateDefinition<S & SubstateFields<Subs>, object, Name> {
  if (typeof name !== 'string' || !/^[A-Za-z$][\w$]*$/.test(name)) {
    throw new TypeError(`defineState: the name must be an identifier, got ${JSON.stringify(name)}.`)
  }
  if (isReservedKey(name)) throw new TypeError(`defineState: "${name}" cannot be the name of a state.`)
  if (typeof init !== 'function') {
    throw new TypeError(`defineState("${name}"): init must be a function that returns the first state.`)
  }
  const substates = (options.substates ?? []) as readonly StateDefinition[] as readonly Definition[] // defineState alone makes definitions
  const definition = new Definition(name, init, substates, options.version ?? 0)
  for (const substate of substates) {
    if (substate.parent !== undefined) {
      throw new TypeError(
        `defineState("${name}"): "${substate.name}" is already a substate of "${substate.parent.fullName}". Define it once for each parent.`,
      )
    }
    if (substates.some((other) => other !== substate && other.name === substate.name)) {
      throw new TypeError(`defineState("${name}"): two substates are named "${substate.name}".`)
    }
    substate.parent = definition
  }
  return definition as StateDefinition as StateDefinition<S & SubstateFields<Subs>, object, Name>
}

/** @throws TypeError for what `defineState` has not made; `taker` names who takes it */
export function assertDefinition(value: unknown, taker: string): asserts value is StateDefinition {
  if (typeof (value as Partial<Definition> | null | undefined)?.init === 'function') return
  throw new TypeError(`${taker} takes what defineState gives, got ${describe(value)}.`)
}

/** The definition in which this one is a substate. */
export function parentOf(definition: StateDefinition): StateDefinition | undefined {
  return (definition as Definition).parent
}

/** The shape of a definition: `init` is called once to see its fields and getters. */
export function shapeOf(definition: StateDefinition): StateShape {
  const known = definition as Definition
  known.shape ??= readShape(known)
  return known.shape
}

function readShape(definition: Definition): StateShape {
  const fields = new Set<string>()
  const getters = new Map<string, (this: object) => unknown>()
  const substates = new Map(definition.substates.map((substate) => [substate.name, shapeOf(substate)]))
  const initial = definition.init()
  if (containerKind(initial) !== 'object') {
    throw new TypeError(
      `defineState("${definition.name}"): init must return a plain object of the fields, got ${describe(initial)}.`,
    )
  }
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(initial))) {
    if (isReservedKey(key)) {
      throw new TypeError(
        `defineState("${definition.name}"): "${key}" cannot be the name of a field: it leads to a prototype. Rename it.`,
      )
    }
    if (substates.has(key)) {
      throw new TypeError(`defineState("${definition.name}"): the field "${key}" has the name of a substate.`)
    }
    if (property.set !== undefined) {
      throw new TypeError(
        `defineState("${definition.name}"): "${key}" has a setter. Write an event instead: state changes by events and leases alone.`,
      )
    }
    if (property.get !== undefined) getters.set(key, property.get)
    else fields.add(key)
  }
  const roles = new Map<string, Role>()
  for (const name of fields) roles.set(name, 'field')
  for (const name of substates.keys()) roles.set(name, 'substate')
  for (const name of getters.keys()) roles.set(name, 'getter')
  return { definition, fields, substates, getters, roles }
}

/**
 * Makes the first data of a store: checked, copied in, substates in place, getters left out.
 * @param initial values that replace those of `init`, field by field; substates field by field too
 */
export function createInitialState(definition: StateDefinition, initial: object = {}): Record<string, unknown> {
  const { name, fullName, init } = definition as Definition
  if (containerKind(initial) !== 'object') {
    throw new TypeError(
      `initialState: the state "${fullName}" must be given as a plain object of its fields, got ${describe(initial)}.`,
    )
  }
  const shape = shapeOf(definition)
  const fresh = Object.getOwnPropertyDescriptors(init())
  const root: Record<string, unknown> = {}
  const given = initial as Record<string, unknown>
  for (const key of Object.keys(given)) {
    if (!shape.fields.has(key) && !shape.substates.has(key)) {
      throw new TypeError(
        `initialState: "${key}" is not a field of the state "${name}". Its fields: ${[...shape.fields, ...shape.substates.keys()].join(', ')}.`,
      )
    }
  }
  for (const key of shape.fields) {
    root[key] = copyIn(Object.hasOwn(given, key) ? given[key] : fresh[key]?.value, [key])
  }
  for (const [key, substate] of shape.substates) {
    root[key] = createInitialState(substate.definition, given[key] as object | undefined)
  }
  return root
}
