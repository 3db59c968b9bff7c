/*
 * The types of events: from handlers to what is called.
 */

import type { EventSpec, Spec, TaskSpec } from '../protocol/specs.js'
import type { EventRun } from './event-request.js'
import type { TaskArguments, TaskResult } from './task-starters.js'

/** A handler: gets a draft of the state and the arguments of the call. Sync, async, generator or async generator. */
export type Handler<S> = (state: S, ...args: never[]) => unknown

/** The arguments of a handler behind its draft. */
export type HandlerArguments<H> = H extends (state: never, ...args: infer Args) => unknown ? Args : never

/** Takes the specs out of what a handler returns: they are carried out, not given to the caller. */
type WithoutSpecs<R> = R extends Spec | readonly Spec[] | undefined | void ? void : Exclude<R, Spec>

/** What the caller of an event gets: what the handler returned, without its specs. */
export type HandlerResult<H> = H extends (...args: never) => infer R
  ? R extends Generator<unknown, infer Value> | AsyncGenerator<unknown, infer Value>
    ? WithoutSpecs<Awaited<Value>>
    : WithoutSpecs<Awaited<R>>
  : never

/** The events of a store, by name. */
export type EventCalls<Handlers> = {
  readonly [Name in keyof Handlers]: (
    ...args: HandlerArguments<Handlers[Name]>
  ) => EventRun<HandlerResult<Handlers[Name]>>
}

/** `start`: makes the spec of a task for a handler to return or yield. */
export type StartSpecs<Tasks> = {
  readonly [Name in keyof Tasks]: (...args: TaskArguments<Tasks[Name]>) => TaskSpec<TaskResult<Tasks[Name]>>
}

/** `emit`: makes the spec of an event of the contract. */
export type EmitSpecs<Contract> = {
  readonly [Name in keyof Contract]: Contract[Name] extends (...args: infer Args) => unknown
    ? (...args: Args) => EventSpec
    : never
}

/** What the handlers of a contract's events must take: their arguments as the contract has them. */
export type Implements<S, Contract, Handlers> = {
  [Name in keyof Handlers]: Name extends keyof Contract
    ? Contract[Name] extends (...args: infer Args) => unknown
      ? (state: S, ...args: Args) => unknown
      : never
    : unknown
}

/** Asks for the events of a contract that the handlers lack. */
export type Complete<Contract, Handlers> = [keyof Contract] extends [keyof Handlers]
  ? unknown
  : { readonly events: { readonly [Name in keyof Contract]: unknown } }

/** The fields that are not getters: a getter is a read-only property, which only an exact comparison can see. */
export type WritableFields<T> = {
  [K in keyof T as (<X>() => X extends { [Q in K]: T[K] } ? 1 : 2) extends <X>() => X extends {
    -readonly [Q in K]: T[K]
  }
    ? 1
    : 2
    ? K
    : never]: T[K]
}

/** A setter event for every field: not for getters, backend fields and substates. */
export type Setters<Fields> = {
  readonly [Name in keyof Fields]: (value: Fields[Name]) => EventRun<void>
}
