/*
 * What tasks send off at once: events, and other tasks.
 *
 * - They arrive in the order of the calls, lease or no lease, and nobody waits for a lease of their own by awaiting one.
 * - A spec does nothing until its task yields or returns it.
 */

import type { Deferred } from '../lib/protocol/deferred.js'
import { deferred } from '../lib/protocol/deferred.js'
import type { SpecPayload } from '../lib/protocol/messages.js'
import type { CallsOf, EventSpec, Spec, TaskSpec } from '../lib/protocol/specs.js'
import { specCalls } from '../lib/protocol/specs.js'
import { transferablesOf } from '../lib/protocol/transfer.js'
import { fromWireError } from '../lib/protocol/wire-error.js'
import type { EventContract, TaskContract } from '../lib/state/define-state.js'
import type { Send } from './replica.js'

/** `task.emit`: sends events at once. One that is named `spec` can be sent by its spec alone. */
export type EmitCalls<E extends EventContract> = CallsOf<Omit<E, 'spec'>, Promise<void>> & {
  /** Makes what an async generator may yield, and any task return. */
  readonly spec: CallsOf<E, EventSpec>
}

/** `task.start`: starts tasks at once. One that is named `spec` can be started by its spec alone. */
export type StartCalls<W extends TaskContract> = CallsOf<Omit<W, 'spec'>, Promise<void>> & {
  /** Makes what an async generator may yield, and any task return. */
  readonly spec: CallsOf<W, TaskSpec>
}

export class Launches {
  readonly #send: Send
  readonly #waiting = new Map<number, Deferred>()
  #requestId = 0
  #closed: Error | undefined

  constructor(send: Send) {
    this.#send = send
  }

  /**
   * `task.emit` or `task.start` of a run: a call for any name, and `spec`.
   * @param made told of each spec
   */
  calls(run: number, kind: 'event' | 'task', made: (spec: Spec) => void): object {
    const spec = specCalls(kind, (one) => {
      made(one)
      return one
    })
    return specCalls(kind, (one) => this.#launch(run, one), { spec })
  }

  /**
   * Sends specs, all in this turn. Resolves when the page has put the events in line and made the runs.
   * @throws NotCloneableError, or what the page says, of the first that fails
   */
  async carryOut(run: number, specs: readonly Spec[]): Promise<void> {
    await Promise.all(specs.map((spec) => this.#launch(run, spec)))
  }

  launched(payload: unknown, requestId: number): void {
    const waiting = this.#waiting.get(requestId)
    this.#waiting.delete(requestId)
    if (payload === undefined) waiting?.resolve()
    else waiting?.reject(fromWireError(payload))
  }

  /**
   * The port is closed: nothing is answered any more. Who awaits a launch hears of it; one that nobody awaits is no failure
   * of its task's.
   */
  close(error: Error): void {
    this.#closed = error
    for (const { promise, reject } of this.#waiting.values()) {
      promise.catch(() => {})
      reject(error)
    }
    this.#waiting.clear()
  }

  #launch(run: number, { kind, name, args }: Spec): Promise<void> {
    const { promise, resolve, reject } = deferred()
    if (this.#closed !== undefined) {
      promise.catch(() => {})
      reject(this.#closed)
      return promise
    }
    const requestId = ++this.#requestId
    const payload: SpecPayload = { kind, name, args }
    try {
      this.#send('launch', [requestId, run], payload, transferablesOf(args))
      this.#waiting.set(requestId, { promise, resolve, reject })
    } catch (error) {
      reject(error)
    }
    return promise
  }
}
