/*
 * Who is running: the one thing that tells a call inside a handler from a call outside.
 *
 * - JavaScript has no context that survives an `await`. What can be known is the synchronous part of a handler or lease
 *   function; a call there would wait for its own end, so it is refused, with what to do instead.
 */

import { DirectTaskCallError, NestedLeaseError } from '../errors.js'

/** A handler or lease function, in its synchronous part. */
export interface Running {
  readonly kind: 'event' | 'lease'
  readonly name: string
}

export class Handling {
  #running: Running | undefined

  /** From now on, in this turn, that one is running; gives who was before, to be handed back. */
  enter(running: Running | undefined): Running | undefined {
    const before = this.#running
    this.#running = running
    return before
  }

  /** Runs a synchronous part of a handler or lease function. */
  run<T>(kind: 'event' | 'lease', name: string, part: () => T): T {
    const before = this.enter({ kind, name })
    try {
      return part()
    } finally {
      this.enter(before)
    }
  }

  /** Runs what is not part of the handler or lease function that has called for it: reactions to its flush. */
  outside(part: () => void): void {
    const before = this.enter(undefined)
    try {
      part()
    } finally {
      this.enter(before)
    }
  }

  /** @throws NestedLeaseError */
  assertMayCall(event: string): void {
    if (this.#running === undefined) return
    const { kind, name } = this.#running
    throw new NestedLeaseError(
      kind === 'event'
        ? `The event "${event}" was called inside the event "${name}", and would wait for its end. Return emit.${event}(…) to run it afterwards, or share a plain function that both call.`
        : `The event "${event}" was called inside the lease "${name}", and would wait for its end. Write on the draft, or call the event after the lease.`,
    )
  }

  /** @throws NestedLeaseError */
  assertMayLease(lease: string): void {
    if (this.#running === undefined) return
    const { kind, name } = this.#running
    throw new NestedLeaseError(
      `The lease "${lease}" was asked for inside the ${kind} "${name}", which holds one: it would wait for its own end. Write on the draft that it has.`,
    )
  }

  /** @throws DirectTaskCallError */
  assertMayStart(task: string): void {
    if (this.#running === undefined) return
    const { kind, name } = this.#running
    throw new DirectTaskCallError(
      kind === 'event'
        ? `The task "${task}" was started inside the event "${name}", before what it wrote is committed. Return start.${task}(…) instead, from the event's { start }.`
        : `The task "${task}" was started inside the lease "${name}", before what it wrote is committed. Start it after the lease.`,
    )
  }
}
