/*
 * What goes out of a link: small calls at once, large payloads in slices ahead of their call.
 *
 * - On the page a slice goes out in a turn of its own, so that no payload blocks it; whatever is sent meanwhile waits behind it,
 *   in order, but for the calls that may overtake.
 * - In a worker, which may block, all slices of a payload go out at once: what cannot be cloned is told to whoever sends it.
 * - What turns out not to be for slices goes out whole.
 */

import type { Inbox } from './inbox.js'
import type { Bulk, Slice } from './slices.js'
import { isBulky, slicesOf } from './slices.js'

/** How a side that must not block sends, and takes its turns. */
export interface Paced<Name extends string = string> {
  /** Runs something in a turn of its own, soon. */
  turn(run: () => void): void
  /** Where slices that have come wait for their turn. @default they do not */
  readonly inbox?: Inbox
  /** Calls that never wait. Their payloads are what they are at the call, and are not sliced. */
  readonly overtaking: readonly Name[]
  /** A payload is sent later than it was given: what it holds must not change from now on. */
  onDeferred(): void
  /** A slice has gone out, and more are to come. */
  onSlice?(): void
  /** A payload that was sent later could not be cloned. */
  onSendFailed(error: unknown): void
}

/** A call that is to go out. */
export interface Outgoing {
  readonly name: string
  readonly args: readonly unknown[]
  readonly payload: unknown
  readonly transfer: readonly Transferable[]
}

/** How an outbox cuts. */
export interface Cut {
  /** What is large. */
  readonly bulk: Bulk
  /** Whether the payload of a call is data of this library, plain and each container in one place: then nobody looks. */
  isTree(name: string, payload: unknown): boolean
}

interface Waiting {
  /** Posts the next piece; true when there is no other. */
  post(): boolean
}

export class Outbox {
  readonly #port: MessagePort
  readonly #call: (outgoing: Outgoing, of?: number) => void
  readonly #cut: Cut
  readonly #paced: Paced | undefined
  #queue: Waiting[] = []
  /** Number of the last payload that was sliced. */
  #of = 0

  /** @param call posts a call; with the number of its payload, if that has gone out in slices */
  constructor(port: MessagePort, call: (outgoing: Outgoing, of?: number) => void, cut: Cut, paced: Paced | undefined) {
    this.#port = port
    this.#call = call
    this.#cut = cut
    this.#paced = paced
  }

  /** Whether something waits for its turn. */
  get isSending(): boolean {
    return this.#queue.length > 0
  }

  /** @throws NotCloneableError, unless it is sent later */
  send(outgoing: Outgoing): void {
    const { name, payload, transfer } = outgoing
    const paced = this.#paced
    if (paced?.overtaking.includes(name)) this.#call(outgoing)
    else if (transfer.length === 0 && isBulky(payload, this.#cut.bulk)) {
      const sliced = this.#sliced(outgoing, payload as object)
      if (paced === undefined) while (!sliced.post());
      else this.#enqueue(paced, sliced, true)
    } else if (paced !== undefined && this.isSending) {
      const post = () => {
        this.#call(outgoing)
        return true
      }
      this.#enqueue(paced, { post }, payload !== undefined)
    } else this.#call(outgoing)
  }

  /** Calls back when all that was sent before has gone out: at once, if it has. */
  afterSent(run: () => void): void {
    const post = () => {
      run()
      return true
    }
    if (this.#paced !== undefined && this.isSending) this.#enqueue(this.#paced, { post }, false)
    else run()
  }

  /** What waits is not sent any more. */
  close(): void {
    this.#queue = []
  }

  #enqueue(paced: Paced, waiting: Waiting, holdsData: boolean): void {
    this.#queue.push(waiting)
    if (holdsData) paced.onDeferred()
    if (this.#queue.length === 1) paced.turn(() => this.#go(paced))
  }

  /** One slice, or all small calls that are due. */
  #go(paced: Paced): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      let isDone = true
      try {
        isDone = next.post()
      } catch (error) {
        paced.onSendFailed(error)
      }
      if (this.#queue[0] !== next) return // the link was closed
      if (!isDone) {
        paced.onSlice?.()
        paced.turn(() => this.#go(paced))
        return
      }
      this.#queue.shift()
    }
  }

  #sliced(outgoing: Outgoing, payload: object): Waiting {
    const of = ++this.#of
    const { bulk, isTree } = this.#cut
    const slices = slicesOf(payload, bulk, isTree(outgoing.name, payload))
    let posted = 0
    const post = (): boolean => {
      let slice: Slice | undefined
      try {
        slice = slices.next().value ?? undefined
        if (slice !== undefined) this.#port.postMessage({ s: slice, of })
      } catch {
        if (posted > 0) this.#port.postMessage({ of, drop: true })
        this.#call(outgoing)
        return true
      }
      posted += 1
      if (slice === undefined) this.#call({ ...outgoing, payload: undefined }, of)
      return slice === undefined
    }
    return { post }
  }
}
