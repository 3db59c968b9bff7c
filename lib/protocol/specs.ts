/*
 * Specs: what a handler wants done after it, told by returning or yielding it; and what a lease or task wants done.
 *
 * - A spec is inert. It leaves after the commit of the handler that gave it, in order.
 * - Its arguments are detached when it is made: parts of a draft arrive as plain data of the receiver's own.
 */

import { UnusedSpecError } from '../errors.js'
import { development } from '../state/development.js'
import { detachMarked } from './transfer.js'

declare const resultType: unique symbol

/** Starts a background task once the handler that returns it has committed. */
export interface TaskSpec<R = unknown> {
  readonly kind: 'task'
  readonly name: string
  readonly args: readonly unknown[]
  readonly [resultType]?: R
}

/** Runs another event once the handler that returns it has committed. */
export interface EventSpec {
  readonly kind: 'event'
  readonly name: string
  readonly args: readonly unknown[]
}

export type Spec = TaskSpec | EventSpec

class MadeSpec {
  readonly kind: 'task' | 'event'
  readonly name: string
  readonly args: readonly unknown[]

  constructor(kind: 'task' | 'event', name: string, args: readonly unknown[]) {
    this.kind = kind
    this.name = name
    this.args = args
  }
}

/** The functions of a contract, called for what they set off. */
export type CallsOf<Contract, Result> = {
  readonly [Name in keyof Contract]: Contract[Name] extends (...args: infer Args) => unknown
    ? (...args: Args) => Result
    : never
}

export function isSpec(value: unknown): value is Spec {
  return value instanceof MadeSpec
}

/** Watches the specs that are made while a handler runs, to find those that it drops. */
export class SpecWatch {
  #made: Set<Spec> | undefined

  /** Specs made from now on, in this turn, go into `made`; gives where they went before, to be handed back. */
  enter(made: Set<Spec> | undefined): Set<Spec> | undefined {
    const before = this.#made
    this.#made = made
    return before
  }

  /** The object that is handed to the events as `start` or `emit`: a spec for each name. */
  factory(kind: 'task' | 'event'): object {
    return specCalls(kind, (spec) => {
      this.#made?.add(spec)
      return spec
    })
  }
}

/**
 * An object with a function for any name, whose types know which names there are: each makes a spec. Parts of drafts and views
 * in its arguments become plain data.
 * @param take is given the spec; what it gives is what the function gives
 * @param more what the object has besides
 */
export function specCalls(kind: 'task' | 'event', take: (spec: Spec) => unknown, more: object = {}): object {
  const target = Object.freeze(Object.assign(Object.create(null) as object, more))
  return new Proxy(target, {
    get: (_, name) => {
      // What `await` asks any object for is no name of an event.
      if (typeof name === 'symbol' || name === 'then' || name in target) return Reflect.get(target, name)
      return (...args: readonly unknown[]) => take(new MadeSpec(kind, name, detachMarked(args)) as Spec)
    },
  })
}

const NO_SPECS: { readonly specs: readonly Spec[]; readonly rest: undefined } = { specs: [], rest: undefined }

/** Takes specs out of what a handler returned or yielded: one, or arrays of them, however nested. */
export function takeSpecs(value: unknown): { readonly specs: readonly Spec[]; readonly rest: unknown } {
  if (value === undefined) return NO_SPECS
  if (isSpec(value)) return { specs: [value], rest: undefined }
  if (!Array.isArray(value) || !holdsSpec(value)) return { specs: [], rest: value }
  return { specs: (value.flat(Number.POSITIVE_INFINITY) as unknown[]).filter(isSpec), rest: undefined }
}

function holdsSpec(items: readonly unknown[]): boolean {
  return items.some((item) => isSpec(item) || (Array.isArray(item) && holdsSpec(item)))
}

/**
 * The error for specs that were made and neither returned nor yielded; undefined in production.
 * @param name of the event or task that made them
 */
export function unusedSpecs(
  name: string,
  made: ReadonlySet<Spec> | undefined,
  used: ReadonlySet<Spec> | undefined,
  kind: 'event' | 'task' = 'event',
): UnusedSpecError | undefined {
  if (!development || made === undefined) return undefined
  const dropped = [...made].filter((spec) => used?.has(spec) !== true)
  if (dropped.length === 0) return undefined
  const make = kind === 'event' ? { task: 'start.', event: 'emit.' } : { task: 'start.spec.', event: 'emit.spec.' }
  const names = dropped.map((spec) => `${make[spec.kind]}${spec.name}()`).join(', ')
  const instead =
    kind === 'event' ? 'Return or yield it.' : 'Return or yield it, or leave out ".spec" to send it at once.'
  return new UnusedSpecError(
    `The ${kind} "${name}" made ${names} and neither returned nor yielded it, so nothing was started. ${instead}`,
  )
}
