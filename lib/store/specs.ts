/*
 * Specs: what a handler wants done after it, told by returning or yielding it.
 *
 * - A spec is inert. It leaves after the commit of the handler that gave it, in order.
 * - Its arguments are detached when it is made: parts of a draft arrive as plain data of the receiver's own.
 */

import { UnusedSpecError } from '../errors.js'
import { detach } from '../state/detach.js'
import { development } from '../state/development.js'

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

export function isSpec(value: unknown): value is Spec {
  return value instanceof MadeSpec
}

/** Watches the specs that are made while a handler runs, to find those that it drops. */
export class SpecWatch {
  #made: Set<Spec> | undefined

  /** Specs made from now on, in this turn, belong to the caller; gives the way back. */
  open(made: Set<Spec>): () => void {
    const before = this.#made
    this.#made = made
    return () => {
      this.#made = before
    }
  }

  /** The object that is handed to the events as `start` or `emit`: a spec for each name. */
  factory(kind: 'task' | 'event'): object {
    return new Proxy(Object.create(null) as object, {
      get: (_target, name) => {
        if (typeof name === 'symbol') return undefined
        return (...args: unknown[]) => {
          const spec = new MadeSpec(kind, name, detach(args)) as Spec
          this.#made?.add(spec)
          return spec
        }
      },
    })
  }
}

/** Takes specs out of what a handler returned or yielded: one, or arrays of them, however nested. */
export function takeSpecs(value: unknown): { readonly specs: readonly Spec[]; readonly rest: unknown } {
  if (isSpec(value)) return { specs: [value], rest: undefined }
  if (!Array.isArray(value) || !holdsSpec(value)) return { specs: [], rest: value }
  return { specs: (value.flat(Number.POSITIVE_INFINITY) as unknown[]).filter(isSpec), rest: undefined }
}

function holdsSpec(items: readonly unknown[]): boolean {
  return items.some((item) => isSpec(item) || (Array.isArray(item) && holdsSpec(item)))
}

/** The error for specs that were made and neither returned nor yielded; undefined in production. */
export function unusedSpecs(
  handler: string,
  made: ReadonlySet<Spec>,
  used: ReadonlySet<Spec>,
): UnusedSpecError | undefined {
  if (!development) return undefined
  const dropped = [...made].filter((spec) => !used.has(spec))
  if (dropped.length === 0) return undefined
  const names = dropped.map((spec) => `${spec.kind === 'task' ? 'start' : 'emit'}.${spec.name}()`).join(', ')
  return new UnusedSpecError(
    `The event "${handler}" made ${names} and neither returned nor yielded it, so nothing was started. Return or yield it.`,
  )
}
