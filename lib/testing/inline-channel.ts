/*
 * The channel of inline tasks: two ports in this thread.
 *
 * - It is the platform's own, wherever what arrives over that is of the realm of the tests.
 * - A test runner that gives each file a `vm` context leaves the platform outside of it: what arrives has the `Map`, `Date`
 *   and `Object` of another realm, and `instanceof` and deep equality fail on it; or there is no `MessageChannel` at all.
 *   There, two ports of our own pass copies of this realm, in order, each in a later turn, as the platform's do.
 */

import { tagOf } from '../state/leaves.js'
import { pageClock } from '../store/clock.js'

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
    this.peer?.arrive(toOwn(structuredClone(message, { transfer }), new Map()))
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

/** A copy in this realm of what structured clone has made in another. */
function toOwn(value: unknown, seen: Map<unknown, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (seen.has(value)) return seen.get(value)
  const keep = <T>(copy: T): T => {
    seen.set(value, copy)
    return copy
  }
  if (Array.isArray(value)) return copyKeys(value, keep(new Array(value.length)), seen)
  if (ArrayBuffer.isView(value)) return keep(toOwnView(value, seen))
  const tag = tagOf(value)
  // The tag is that of a built-in class, whose methods work on instances of any realm.
  if (tag === 'Object') return copyKeys(value, keep({}), seen)
  if (tag === 'Date') return keep(new Date((value as Date).getTime()))
  if (tag === 'RegExp') return keep(new RegExp((value as RegExp).source, (value as RegExp).flags))
  if (tag === 'ArrayBuffer') return keep(Uint8Array.from(new Uint8Array(value as ArrayBuffer)).buffer)
  if (tag === 'Error') return toOwnError(value as Error, keep, seen)
  if (tag === 'Map') {
    const copy = keep(new Map())
    for (const [key, item] of value as Map<unknown, unknown>) copy.set(toOwn(key, seen), toOwn(item, seen))
    return copy
  }
  if (tag === 'Set') {
    const copy = keep(new Set())
    for (const item of value as Set<unknown>) copy.add(toOwn(item, seen))
    return copy
  }
  return value // a port, a blob: of the platform, and the same in every realm
}

function copyKeys(from: object, to: object, seen: Map<unknown, unknown>): object {
  for (const [key, value] of Object.entries(from)) {
    Object.defineProperty(to, key, {
      value: toOwn(value, seen),
      configurable: true,
      enumerable: true,
      writable: true,
    })
  }
  return to
}

function toOwnView(view: ArrayBufferView, seen: Map<unknown, unknown>): ArrayBufferView {
  const buffer = toOwn(view.buffer, seen) as ArrayBuffer
  const length = 'length' in view ? (view.length as number) : view.byteLength
  type ViewClass = new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView
  // The tag of a view is the name of its class.
  const View = (globalThis as unknown as Record<string, ViewClass>)[tagOf(view)] as ViewClass
  return new View(buffer, view.byteOffset, length)
}

function toOwnError(error: Error, keep: <T>(copy: T) => T, seen: Map<unknown, unknown>): Error {
  const known = (globalThis as unknown as Record<string, ErrorConstructor | undefined>)[error.name]
  const copy = keep(new (known ?? Error)(error.message))
  if (error.stack !== undefined) copy.stack = error.stack
  if ('cause' in error) copy.cause = toOwn(error.cause, seen)
  return copy
}
