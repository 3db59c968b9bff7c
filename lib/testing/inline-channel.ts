/*
 * The channel of inline tasks: two ports in this thread.
 *
 * - It is the platform's own, wherever what arrives over that is of the realm of the tests.
 * - A test runner that gives each file a `vm` context leaves the platform outside of it: what arrives has the `Map`, `Date`
 *   and `Object` of another realm, and `instanceof` and deep equality fail on it; or there is no `MessageChannel` at all.
 *   There, two ports of our own pass copies of this realm, in order, each in a later turn, as the platform's do.
 */

import { pageClock } from '../store/clock.js'
import { toOwn } from './own-copy.js'

/** Two ports: what is posted to one arrives at the other, as a copy. */
export function createInlineChannel(): { readonly port1: MessagePort; readonly port2: MessagePort } {
  const isForeign = Object.getPrototypeOf(structuredClone({})) !== Object.prototype
  if (typeof MessageChannel === 'function' && !isForeign) return new MessageChannel()
  const port1 = new InlinePort()
  const port2 = new InlinePort()
  port1.peer = port2
  port2.peer = port1
  // A link posts, listens, starts and closes, and asks for nothing else.
  return { port1: port1 as unknown as MessagePort, port2: port2 as unknown as MessagePort }
}

type Listener = (event: { readonly data: unknown }) => void

class InlinePort {
  peer: InlinePort | undefined
  readonly #listeners = new Set<Listener>()
  /** What has arrived, and waits for its turn. */
  #messages: unknown[] = []
  #started = false
  #timed = false

  addEventListener(type: string, listener: Listener): void {
    if (type === 'message') this.#listeners.add(listener)
  }

  removeEventListener(_type: string, listener: Listener): void {
    this.#listeners.delete(listener)
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.peer?.arrive(toOwn(structuredClone(message, { transfer })))
  }

  start(): void {
    this.#started = true
    this.#serve()
  }

  close(): void {
    if (this.peer !== undefined) this.peer.peer = undefined
    this.peer = undefined
    this.#messages = []
  }

  arrive(message: unknown): void {
    this.#messages.push(message)
    this.#serve()
  }

  #serve(): void {
    if (!this.#started || this.#timed || this.#messages.length === 0) return
    this.#timed = true
    pageClock.setTimer(() => {
      this.#timed = false
      const data = this.#messages.shift()
      this.#serve() // before a listener that may throw
      if (data !== undefined) for (const listener of this.#listeners) listener({ data })
    }, 0)
  }
}
