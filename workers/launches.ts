/*
 * What tasks send off at once: events, and other tasks.
 *
 * - They arrive in the order of the calls, lease or no lease, and nobody waits for a lease of their own by awaiting one.
 */

import type { SpecPayload } from '../lib/protocol/messages.js'
import type { Spec } from '../lib/protocol/specs.js'
import { createCalls, createSpec } from '../lib/protocol/specs.js'
import { fromWireError } from '../lib/protocol/wire-error.js'
import type { Send } from './replica.js'

interface Waiting {
  resolve(): void
  reject(error: unknown): void
}

/** The calls of one kind: each sends at once, and `spec` makes what a generator task may yield. */
export interface LaunchCalls {
  readonly spec: object
}

export class Launches {
  readonly #send: Send
  readonly #waiting = new Map<number, Waiting>()
  #requestId = 0

  constructor(send: Send) {
    this.#send = send
  }

  /** `task.emit` or `task.start` of a run. */
  calls(run: number, kind: 'event' | 'task'): LaunchCalls {
    const spec = createCalls((name, args) => createSpec(kind, name, args))
    return createCalls((name, args) => this.launch(run, createSpec(kind, name, args)), { spec }) as LaunchCalls
  }

  /**
   * Resolves when the page has put the event in line, or made the run of the task.
   * @throws NotCloneableError, or what the page says, to whoever awaits it
   */
  launch(run: number, { kind, name, args }: Spec): Promise<void> {
    return new Promise((resolve, reject) => {
      const requestId = ++this.#requestId
      this.#waiting.set(requestId, { resolve, reject })
      const payload: SpecPayload = { kind, name, args }
      try {
        this.#send('launch', [requestId, run], payload)
      } catch (error) {
        this.#waiting.delete(requestId)
        reject(error)
      }
    })
  }

  launched(payload: unknown, requestId: number): void {
    const waiting = this.#waiting.get(requestId)
    this.#waiting.delete(requestId)
    if (payload === undefined) waiting?.resolve()
    else waiting?.reject(fromWireError(payload))
  }
}
