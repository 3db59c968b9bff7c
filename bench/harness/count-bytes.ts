/*
 * Counts what crosses between the page and its workers, both ways. Never while time is taken: sizing a message costs more than sending it.
 *
 * - Page and workers add to one tally in shared memory, so that a number is there as soon as a message is.
 * - A worker counts from the moment it is told to; what it sends while it starts is not in the tally.
 */
import { wireSize } from './wire-size.js'

const MESSAGES = 0
const BYTES = 1

/** The first message of a counting page to each of its workers. */
interface CountMessage {
  readonly bench: 'count'
  readonly tally: SharedArrayBuffer
}

type Post = (this: unknown, message: unknown, options?: unknown) => void

/** Makes every `postMessage` of the target add to the tally. */
function count(target: { postMessage: unknown }, tally: Int32Array): void {
  const post = target.postMessage as Post
  target.postMessage = function (this: unknown, message: unknown, options?: unknown) {
    // The page's own heartbeat and React's scheduler send themselves bare values; whatever carries data is an object.
    if (typeof message === 'object' && message !== null) add(message, options)
    return options === undefined ? post.call(this, message) : post.call(this, message, options)
  }

  function add(message: object, options: unknown): void {
    const transferred = Array.isArray(options) ? options : (options as { transfer?: unknown[] } | undefined)?.transfer
    Atomics.add(tally, MESSAGES, 1)
    Atomics.add(tally, BYTES, wireSize(message, transferred))
  }
}

/** What has been sent since a page began to count. */
export interface Tally {
  readonly bytes: number
  readonly messages: number
}

/** Begins to count on this page and in every worker that it makes from now on. Gives a way to read the tally. */
export function countOnPage(): () => Tally {
  const shared = new SharedArrayBuffer(8)
  const tally = new Int32Array(shared)
  count(MessagePort.prototype, tally)
  const PlainWorker = globalThis.Worker
  globalThis.Worker = class extends PlainWorker {
    constructor(...args: ConstructorParameters<typeof PlainWorker>) {
      super(...args)
      super.postMessage({ bench: 'count', tally: shared } satisfies CountMessage)
    }
  }
  count(PlainWorker.prototype, tally)
  return () => ({ bytes: Atomics.load(tally, BYTES), messages: Atomics.load(tally, MESSAGES) })
}

/** Begins to count in this worker when its page says so. */
export function countInWorker(): void {
  const scope = globalThis as unknown as Worker
  scope.addEventListener('message', ({ data }: MessageEvent) => {
    const message = data as Partial<CountMessage> | null
    if (message?.bench !== 'count' || message.tally === undefined) return
    const tally = new Int32Array(message.tally)
    count(MessagePort.prototype, tally)
    count(scope, tally)
  })
}
