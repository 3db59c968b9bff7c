/*
 * A link: Comlink over one port, behind an allow-list.
 *
 * - What comes in is a call of one listed method with at most four small primitives. All else is refused before Comlink sees
 *   it, and counted; the hundredth refused message closes the port.
 * - Calls are not replied to: nothing waits for a reply, and one for each call would double the messages.
 * - Handlers run in the order of the messages: inside the message event, or, behind many slices, in a turn of their own. What
 *   they throw goes to `onFault`, never to the peer.
 * - `send` throws at once what can't be cloned, with its path, and then nothing was sent.
 * - Comlink's transfer handlers, which any code on the page may add to, are neither asked nor obeyed: arguments are put on the
 *   wire here, in Comlink's own format, and data rides beside its message in an envelope.
 * - What every lease and run sends crosses as a frame, `[name, payload, ...arguments]`, and is not given to Comlink: its nested
 *   messages take twice as long to clone, and its own handling of one as long as the rest. A frame is held to the same rules as
 *   a call. An answer may come together with the frame behind it, `[answer, frame]`.
 * - Large payloads go ahead of their call in slices, `{ s, of }`, and the call names them: `{ m, of }`. One is under way at a
 *   time; one that is given up is taken back by `{ of, drop }`.
 */

import { expose } from 'comlink'
import type { Frame } from './caller.js'
import { Caller } from './caller.js'
import { ANSWERS, FRAMES } from './messages.js'
import { toNotCloneable } from './not-cloneable.js'
import type { Paced } from './outbox.js'
import { Outbox } from './outbox.js'
import type { Bulk } from './slices.js'
import { Assembly, DEFAULT_BULK } from './slices.js'
import { isDetached } from './transfer.js'
import type { Primitive } from './wire-arguments.js'
import { fromRaw, isShort, isSmallPrimitive, MAX_ID_LENGTH, toRaw, toRecord } from './wire-arguments.js'

/** After so many refused messages the peer is broken or hostile, and its port is closed. */
const MAX_REFUSED = 100
const MAX_ARGUMENTS = 4

/** The arguments of a method of a facade. */
export type ArgumentsOf<Method> = Method extends (...args: infer Args) => unknown ? Args : never

/** What each method of the local facade does. The arguments are primitives, but not yet checked to be of their types. */
export type Handlers<Local> = {
  readonly [K in keyof Local]: (payload: unknown, ...args: ArgumentsOf<Local[K]>) => void
}

/** Options of {@link createLink}. */
export interface LinkOptions<Local, Remote = unknown> {
  /** The methods that the peer may call: names of `handlers`. */
  readonly methods: readonly (keyof Local & string)[]
  readonly handlers: Handlers<Local>
  /** Told of each refused message and of whatever a handler throws. `closed`: it was one too many, the port is closed. */
  onFault(error: unknown, closed: boolean): void
  /** Told of each slice that has arrived. */
  onSlice?(): void
  /** How this side sends large payloads and takes them, if it must not block. @default all of it at once */
  readonly paced?: Paced<keyof Remote & string> | undefined
  /** What is large. @default DEFAULT_BULK */
  readonly bulk?: Bulk | undefined
  /** Methods of either side whose calls cross as frames, unless their payload goes in slices. @default FRAMES */
  readonly frames?: readonly string[]
  /** Frames of either side that wait for another while a message is dealt with, if they have no payload. @default ANSWERS */
  readonly answers?: readonly string[]
  /** Calls whose payload is data of this library: plain, and each container in one place. @default none */
  isTree?(name: string, payload: unknown): boolean
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
  /** Whether calls wait behind a large payload that is being sent. */
  readonly isSending: boolean
  /** Calls back when all calls before have gone out: at once, if they have. Never, if the link is closed before. */
  afterSent(run: () => void): void
  /**
   * Of the payload of the call that is being handled: its large containers that nobody else has, and that are certainly fit for
   * a state, with all that is in them. None, if it did not come in slices.
   */
  readonly opened: Set<object>
  /** Closes the port. Messages that are on their way to this end, or wait for their turn, are dropped. */
  close(): void
}

type Listener = (event: { readonly data: unknown }) => void

/** A payload of which slices have come. */
interface Arriving {
  readonly of: number
  readonly parts: Assembly
}

/** Puts a link on a port, and starts the port. */
export function createLink<Remote, Local>(port: MessagePort, options: LinkOptions<Local, Remote>): Link<Remote> {
  const {
    handlers,
    methods,
    onFault,
    onSlice,
    paced,
    bulk = DEFAULT_BULK,
    frames = FRAMES,
    answers = ANSWERS,
    isTree = () => false,
  } = options
  const inbox = paced?.inbox
  const onArrival = inbox === undefined ? onMessage : (event: MessageEvent) => inbox.add(() => onMessage(event))
  const caller = new Caller(port, frames, answers)
  const outbox = new Outbox(port, (outgoing, of) => caller.call(outgoing, of), { bulk, isTree }, paced)
  let assembly: Arriving | undefined
  /** Number of the last payload of which a slice came. */
  let lastOf = 0
  let opened: Set<object> | undefined
  let incoming: unknown
  let refused = 0
  let closed = false
  let deliverCall: Listener | undefined

  const facade = Object.create(null) as Record<string, (...args: Primitive[]) => Promise<never>>
  for (const name of methods) {
    facade[name] = (...args) => {
      run(name, args)
      // Never settles, so Comlink writes no reply, for which it would ask every transfer handler on the page.
      return new Promise(() => {})
    }
  }

  expose(Object.freeze(facade), {
    postMessage() {}, // never: no call is replied to
    addEventListener: (_type, listener: unknown) => {
      deliverCall = listener as Listener // Comlink adds functions
    },
    removeEventListener() {},
  })

  function run(name: string, args: readonly Primitive[]): void {
    try {
      // The facade has the listed names alone, and `Handlers` has a function for each of them.
      const handle = handlers[name as keyof Local] as (payload: unknown, ...args: readonly Primitive[]) => void
      handle(incoming, ...args)
    } catch (error) {
      refuse(error)
    }
  }

  function refuse(error: unknown): void {
    refused += 1
    if (refused >= MAX_REFUSED) close()
    onFault(error, closed)
  }

  function onMessage(event: MessageEvent): void {
    if (closed) return
    caller.beginHandling()
    try {
      const { data } = event
      if (Array.isArray(data)) {
        onList(data)
        return
      }
      const envelope = toRecord(data)
      if (envelope.m === undefined && envelope.of !== undefined) {
        onPart(envelope)
        return
      }
      const parts = envelope.of === undefined ? undefined : takeAssembly(envelope.of)
      const message = toRecord(envelope.m)
      const id = message.id
      if (typeof id !== 'string' || id.length > MAX_ID_LENGTH) throw new TypeError('it has no id')
      if (message.type !== 'APPLY') throw new TypeError('it is no call')
      onCall(id, message, envelope.p, parts)
    } catch (error) {
      refuse(new TypeError(`Refused a message: ${error instanceof Error ? error.message : 'it is malformed'}.`))
    } finally {
      caller.endHandling()
    }
  }

  /** A slice, or word that no more of its payload is coming. */
  function onPart({ s, of, drop }: Record<string, unknown>): void {
    inbox?.noteSlice()
    if (drop === true) takeAssembly(of)
    else {
      const arriving = assembly ?? beginAssembly(of)
      if (arriving.of !== of) throw new TypeError('its slice is of another payload than the one under way')
      assembly = undefined // after a bad slice it does not go on
      arriving.parts.add(s)
      assembly = arriving
    }
    onSlice?.()
  }

  function beginAssembly(of: unknown): Arriving {
    if (!Number.isSafeInteger(of) || (of as number) <= lastOf) throw new TypeError('its slice is of no new payload')
    lastOf = of as number
    return { of: lastOf, parts: new Assembly() }
  }

  function takeAssembly(of: unknown): Assembly {
    if (assembly === undefined || assembly.of !== of) throw new TypeError('there are no slices of its payload')
    const { parts } = assembly
    assembly = undefined
    return parts
  }

  function onCall(id: string, message: Record<string, unknown>, payload: unknown, parts: Assembly | undefined): void {
    const { path, argumentList } = message
    const name: unknown = Array.isArray(path) && path.length === 1 ? path[0] : undefined
    const args = isShort(argumentList, MAX_ARGUMENTS) ? argumentList.map(fromRaw) : undefined
    assertCall(name, args)
    incoming = parts === undefined ? payload : parts.finish()
    opened = parts?.opened
    try {
      // A fresh message: nothing that the peer made is walked by Comlink.
      deliverCall?.({ data: { id, type: 'APPLY', path: [name], argumentList: args?.map(toRaw) } })
    } finally {
      incoming = undefined
      opened = undefined
    }
  }

  /** A frame, or an answer and a frame. */
  function onList(list: readonly unknown[]): void {
    const [first, second] = list
    if (!Array.isArray(first)) {
      onFrame(list)
      return
    }
    if (list.length !== 2 || !Array.isArray(second) || !answers.includes(first[0]))
      throw new TypeError('it is no frame')
    onFrame(first)
    if (!closed) onFrame(second)
  }

  function onFrame(frame: Frame): void {
    const [name, payload] = frame
    const args = isShort(frame, 2 + MAX_ARGUMENTS) ? frame.slice(2) : undefined
    assertCall(frames.includes(name as string) ? name : undefined, args)
    incoming = payload
    try {
      run(name as string, args as Primitive[]) // both are checked
    } finally {
      incoming = undefined
    }
  }

  function assertCall(name: unknown, args: readonly unknown[] | undefined): void {
    if (typeof name !== 'string' || !(name in facade)) throw new TypeError('it calls no method of the allow-list')
    if (args?.every(isSmallPrimitive) === true) return
    throw new TypeError(`its call of "${name}" takes more than ${MAX_ARGUMENTS} small primitives`)
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
    outbox.send({ name, args, payload, transfer })
  }

  function onMessageError(): void {
    if (!closed) refuse(new TypeError('Refused a message: it could not be deserialized.'))
  }

  function close(): void {
    if (closed) return
    caller.endHandling()
    closed = true
    outbox.close()
    inbox?.close()
    assembly = undefined
    port.removeEventListener('message', onArrival)
    port.removeEventListener('messageerror', onMessageError)
    port.close()
  }

  port.addEventListener('message', onArrival)
  port.addEventListener('messageerror', onMessageError)
  port.start()
  // The public signature ties arguments to methods; inside they are a list of primitives.
  return {
    send: send as Link<Remote>['send'],
    get isSending() {
      return outbox.isSending
    },
    afterSent: (run) => outbox.afterSent(run),
    get opened() {
      return opened ?? new Set()
    },
    close,
  }
}
