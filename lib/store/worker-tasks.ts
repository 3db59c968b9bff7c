/*
 * Where the workers of a store come from.
 *
 * - The app makes its workers itself, so that bundlers and Trusted Types see a plain `new Worker(new URL(…))`.
 * - A worker says on its own channel which state it serves, and is given a port; what else is on that channel is the app's.
 * - A worker that only serves other states, or speaks another protocol, is refused and never waited for.
 */

import { VersionMismatchError, WorkerLoadError } from '../errors.js'
import type { PortMessage, ServeMessage } from '../protocol/messages.js'
import { PROTOCOL_VERSION } from '../protocol/messages.js'
import { pageClock } from './clock.js'

declare const served: unique symbol

/** Options of {@link workerTasks}. */
export interface WorkerTasksOptions {
  /** How many workers the pool has at most. @default 1 */
  readonly size?: number
  /** Milliseconds in which a worker must say that it is ready. @default 30_000 */
  readonly readyTimeout?: number
  /** Milliseconds that a cancelled task has to end, before its worker is asked whether it answers. @default 2_000 */
  readonly terminateAfter?: number
}

/** Where background tasks run: made by {@link workerTasks}, or by `inlineTasks` in tests. `X` is the type of the served tasks. */
export interface TaskSource<X = object> extends WorkerTasksOptions {
  /** Makes one worker for the state of that full name. */
  open(state: string): WorkerHandle
  readonly [served]?: X
}

/** What a worker tells the page before and beside its port. */
export interface WorkerEvents {
  /** The worker serves the state: all that follows goes over this port. */
  port(port: MessagePort): void
  /** Something failed in the worker, or on the way to its port. */
  error(error: Error): void
}

/** The page's hold on one worker. */
export interface WorkerHandle {
  /** Called once, in the turn in which the worker was made. */
  connect(events: WorkerEvents): void
  terminate(): void
}

/** How long a worker that serves other states may take to come round to ours. Its `serveTasks` calls are in one module. */
const OTHER_STATE_MS = 1000
/** A worker that fails at every turn of a timer is not to fill the log. */
const MAX_ERRORS = 100

/**
 * Runs the tasks of a module in Web Workers: a pool, started when first needed.
 *
 * @param factory makes one worker; called for each worker of the pool, and again after one has died
 * @param options `size` of the pool, `readyTimeout` and `terminateAfter` in milliseconds
 * @example
 * const tasks = workerTasks<CounterTasks>(
 *   () => new Worker(new URL('./counter.worker.ts', import.meta.url), { type: 'module' }),
 * )
 */
export function workerTasks<X extends object>(factory: () => Worker, options: WorkerTasksOptions = {}): TaskSource<X> {
  return { ...options, open: (state) => openWorker(factory, state) }
}

function openWorker(factory: () => Worker, state: string): WorkerHandle {
  const worker = makeWorker(factory, state)
  const stopListening = new AbortController()
  const { signal } = stopListening
  let cancelWait: (() => void) | undefined
  let isServed = false
  let errors = 0

  function answer(message: ServeMessage, events: WorkerEvents): void {
    if (isServed) return // a second port would be a second worker in the place of the first
    if (message.protocol !== PROTOCOL_VERSION) {
      events.error(mismatch(state, `protocol ${textOf(message.protocol)}`))
    } else if (message.state !== state) {
      const fail = () => events.error(mismatch(state, `the state "${textOf(message.state)}"`))
      cancelWait ??= pageClock.setTimer(fail, OTHER_STATE_MS)
    } else {
      cancelWait?.()
      isServed = true // whatever else it serves is no fault now
      const { port1, port2 } = new MessageChannel()
      const answer: PortMessage = { leasehold: 'port', state, port: port2 }
      worker.postMessage(answer, [port2])
      events.port(port1)
    }
  }

  return {
    connect(events) {
      const onMessage = ({ data }: MessageEvent) => {
        if (isServeMessage(data)) answer(data, events)
      }
      worker.addEventListener('message', onMessage, { signal })
      const onError = (event: Event) => {
        event.preventDefault() // reported by us: Chromium would show it a second time, as an error of the page
        if (++errors <= MAX_ERRORS) events.error(toError(event))
      }
      worker.addEventListener('error', onError, { signal })
    },
    terminate() {
      stopListening.abort()
      cancelWait?.()
      worker.terminate()
    },
  }
}

function makeWorker(factory: () => Worker, state: string): Worker {
  try {
    return factory()
  } catch (cause) {
    throw new WorkerLoadError(
      `The worker of "${state}" could not be made (${cause instanceof Error ? cause.message : String(cause)}). Its script must be of this page's origin, and the page's Content-Security-Policy must allow it (worker-src, Trusted Types).`,
      { cause },
    )
  }
}

function mismatch(state: string, serves: string): VersionMismatchError {
  return new VersionMismatchError(
    `The worker of "${state}" serves ${serves}; this page needs protocol ${PROTOCOL_VERSION} and the state "${state}". Build both together and reload the page.`,
  )
}

/** A worker may send anything, such as what cannot be written as a string. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number'
    ? String(value).slice(0, 200)
    : `a value of type ${typeof value}`
}

function isServeMessage(data: unknown): data is ServeMessage {
  return typeof data === 'object' && data !== null && (data as Partial<ServeMessage>).leasehold === 'serve'
}

/** A failed load is a plain event, without a message, in every engine; what a script throws comes with text and place. */
function toError(event: Event): Error {
  const { message, filename, lineno, colno } = event as Partial<ErrorEvent>
  const error = new Error(message || 'the browser gives no reason')
  if (filename) error.stack = `${error.name}: ${error.message}\n    at ${filename}:${lineno ?? 0}:${colno ?? 0}`
  return error
}
