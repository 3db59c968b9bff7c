/*
 * A link: Comlink over one port, behind an allow-list.
 *
 * - What comes in is a call of one listed method with at most four small primitives. All else is refused before Comlink sees
 *   it, and counted; the hundredth refused message closes the port.
 * - Calls are not replied to: nothing waits for a reply, and one for each call would double the messages. So they are written
 *   here, in Comlink's format, and not by `wrap`: the random id and the promise that it makes for each cost nearly as much as
 *   its message.
 * - Handlers run inside the message event, in the order of the messages. What they throw goes to `onFault`, never to the peer.
 * - `send` throws at once what can't be cloned, with its path, and then nothing was sent.
 * - Comlink's transfer handlers, which any code on the page may add to, are neither asked nor obeyed: arguments are put on the
 *   wire here, in Comlink's own format, and data rides beside its message in an envelope.
 */

import { expose } from 'comlink'
import { toNotCloneable } from './not-cloneable.js'
import { isDetached } from './transfer.js'

/** After so many refused messages the peer is broken or hostile, and its port is closed. */
const MAX_REFUSED = 100
const MAX_ARGUMENTS = 4
/** Of the id of a call, and of a string among its arguments. */
const MAX_ID_LENGTH = 128

/** The arguments of a method of a facade. */
export type ArgumentsOf<Method> = Method extends (...args: infer Args) => unknown ? Args : never

/** What each method of the local facade does. The arguments are primitives, but not yet checked to be of their types. */
export type Handlers<Local> = {
  readonly [K in keyof Local]: (payload: unknown, ...args: ArgumentsOf<Local[K]>) => void
}

/** Options of {@link createLink}. */
export interface LinkOptions<Local> {
  /** The methods that the peer may call: names of `handlers`. */
  readonly methods: readonly (keyof Local & string)[]
  readonly handlers: Handlers<Local>
  /** Told of each refused message and of whatever a handler throws. `closed`: it was one too many, the port is closed. */
  onFault(error: unknown, closed: boolean): void
}

/** One end of a port: calls the methods of `Remote` on the other. */
export interface Link<Remote> {
  /**
   * Calls a method of the peer; does nothing once the link is closed.
   * @param payload data for it, by structured clone
   * @throws NotCloneableError, at once, with the path in `payload`; then nothing was sent
   */
  send<Name extends keyof Remote & string>(
    name: Name,
    args: ArgumentsOf<Remote[Name]>,
    payload?: unknown,
    transfer?: readonly Transferable[],
  ): void
  /** Closes the port. Messages that are on their way to this end are dropped. */
  close(): void
}

type Primitive = string | number | bigint | boolean | null | undefined
type Listener = (event: { readonly data: unknown }) => void

/** Puts a link on a port, and starts the port. */
export function createLink<Remote, Local>(port: MessagePort, options: LinkOptions<Local>): Link<Remote> {
  const { handlers, methods, onFault } = options
  let incoming: unknown
  let sent = 0
  let refused = 0
  let closed = false
  let deliverCall: Listener | undefined

  const facade = Object.create(null) as Record<string, (...args: Primitive[]) => Promise<never>>
  for (const name of methods) facade[name] = (...args) => run(name, args)

  expose(Object.freeze(facade), {
    postMessage() {}, // never: see `run`
    addEventListener: (_type, listener: unknown) => {
      deliverCall = listener as Listener // Comlink adds functions
    },
    removeEventListener() {},
  })

  function run(name: string, args: readonly Primitive[]): Promise<never> {
    try {
      // The facade has the listed names alone, and `Handlers` has a function for each of them.
      const handle = handlers[name as keyof Local] as (payload: unknown, ...args: readonly Primitive[]) => void
      handle(incoming, ...args)
    } catch (error) {
      refuse(error)
    }
    // Never settles, so Comlink writes no reply, for which it would ask every transfer handler on the page.
    return new Promise(() => {})
  }

  function refuse(error: unknown): void {
    refused += 1
    if (refused >= MAX_REFUSED) close()
    onFault(error, closed)
  }

  function onMessage(event: MessageEvent): void {
    if (closed) return
    try {
      const envelope = toRecord(event.data)
      const message = toRecord(envelope.m)
      const id = message.id
      if (typeof id !== 'string' || id.length > MAX_ID_LENGTH) throw new TypeError('it has no id')
      if (message.type !== 'APPLY') throw new TypeError('it is no call')
      onCall(id, message, envelope.p)
    } catch (error) {
      refuse(new TypeError(`Refused a message: ${error instanceof Error ? error.message : 'it is malformed'}.`))
    }
  }

  function onCall(id: string, message: Record<string, unknown>, payload: unknown): void {
    const { path, argumentList } = message
    const name: unknown = Array.isArray(path) && path.length === 1 ? path[0] : undefined
    if (typeof name !== 'string' || !(name in facade)) throw new TypeError('it calls no method of the allow-list')
    if (!Array.isArray(argumentList) || argumentList.length > MAX_ARGUMENTS || !argumentList.every(isRawPrimitive)) {
      throw new TypeError(`its call of "${name}" takes more than ${MAX_ARGUMENTS} small primitives`)
    }
    incoming = payload
    try {
      // A fresh message: nothing that the peer made is walked by Comlink.
      const args = argumentList.map(({ value }) => toRaw(value))
      deliverCall?.({ data: { id, type: 'APPLY', path: [name], argumentList: args } })
    } finally {
      incoming = undefined
    }
  }

  function send(
    name: string,
    args: readonly Primitive[],
    payload?: unknown,
    transfer: readonly Transferable[] = [],
  ): void {
    if (closed) return
    // Not every platform refuses a buffer that has moved before.
    if (transfer.some(isDetached)) throw toNotCloneable(payload, `the payload of "${name}"`, undefined, transfer)
    const call = { id: String(++sent), type: 'APPLY', path: [name], argumentList: args.map(toRaw) }
    try {
      port.postMessage(payload === undefined ? { m: call } : { m: call, p: payload }, [...transfer])
    } catch (cause) {
      throw toNotCloneable(payload, `the payload of "${name}"`, cause, transfer)
    }
  }

  function onMessageError(): void {
    if (!closed) refuse(new TypeError('Refused a message: it could not be deserialized.'))
  }

  function close(): void {
    if (closed) return
    closed = true
    port.removeEventListener('message', onMessage)
    port.removeEventListener('messageerror', onMessageError)
    port.close()
  }

  port.addEventListener('message', onMessage)
  port.addEventListener('messageerror', onMessageError)
  port.start()
  // The public signature ties arguments to methods; inside they are a list of primitives.
  return { send: send as Link<Remote>['send'], close }
}

function toRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new TypeError('it is no envelope')
  return value as Record<string, unknown>
}

function toRaw<T>(value: T): { readonly type: 'RAW'; readonly value: T } {
  return { type: 'RAW', value }
}

/** A small one: arguments become keys of maps, and stand in messages. */
function isRawPrimitive(wire: unknown): wire is { readonly value: Primitive } {
  const { type, value } = toRecord(wire)
  if (type !== 'RAW') return false
  if (typeof value === 'string') return value.length <= MAX_ID_LENGTH
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value
  return value === null || ['number', 'boolean', 'undefined'].includes(typeof value)
}
