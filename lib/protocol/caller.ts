/*
 * Writes calls to a port: in Comlink's format, or as frames.
 *
 * - Not by Comlink's `wrap`: the random id and the promise that it makes for each call cost nearly as much as its message.
 * - To wake the other thread takes longer than all else about a message. So an answer waits until the message in hand has been
 *   dealt with: what goes to other threads meanwhile goes first, and the next frame to the same one takes the answer along. The
 *   messages of a port keep their order.
 */

import { toNotCloneable } from './not-cloneable.js'
import type { Outgoing } from './outbox.js'
import type { Primitive } from './wire-arguments.js'
import { toRaw } from './wire-arguments.js'

/** A call as a list: its name, its payload and its arguments. */
export type Frame = readonly unknown[]

export class Caller {
  readonly #port: MessagePort
  readonly #frames: readonly string[]
  readonly #answers: readonly string[]
  #calls = 0
  #isHandling = false
  /** An answer that waits. It has no payload, so it can be posted whenever that is. */
  #waiting: Frame | undefined

  /**
   * @param frames methods whose calls cross as frames
   * @param answers those of them that may wait
   */
  constructor(port: MessagePort, frames: readonly string[], answers: readonly string[]) {
    this.#port = port
    this.#frames = frames
    this.#answers = answers
  }

  /** A message is being dealt with: answers wait. */
  beginHandling(): void {
    this.#isHandling = true
  }

  /** What waits goes out. */
  endHandling(): void {
    this.#isHandling = false
    this.#postWaiting()
  }

  /**
   * @param of the number of its payload, if that has gone out in slices
   * @throws NotCloneableError, and does not post the call
   */
  call({ name, args, payload, transfer }: Outgoing, of?: number): void {
    try {
      if (of === undefined && this.#frames.includes(name)) this.#postFrame(name, [name, payload, ...args], transfer)
      else {
        this.#postWaiting()
        const argumentList = (args as readonly Primitive[]).map(toRaw)
        const m = { id: String(++this.#calls), type: 'APPLY', path: [name], argumentList }
        this.#post({ m, p: payload, of }, transfer)
      }
    } catch (cause) {
      throw toNotCloneable(payload, `the payload of "${name}"`, cause, transfer)
    }
  }

  #postFrame(name: string, frame: Frame, transfer: readonly Transferable[]): void {
    const answer = this.#waiting
    if (answer === undefined && this.#isHandling && frame[1] === undefined && this.#answers.includes(name)) {
      this.#waiting = frame
      return
    }
    this.#post(answer === undefined ? frame : [answer, frame], transfer) // if this throws, the answer goes on waiting
    this.#waiting = undefined
  }

  #postWaiting(): void {
    if (this.#waiting === undefined) return
    this.#post(this.#waiting, [])
    this.#waiting = undefined
  }

  #post(message: unknown, transfer: readonly Transferable[]): void {
    this.#port.postMessage(message, transfer as Transferable[]) // it is only read
  }
}
