/*
 * `idle`: waits until a store has come to rest.
 *
 * - At rest: nobody holds or waits for the lease, and every run has ended, is asleep, or waits for one of its task that is.
 * - It has to last for some turns of the event loop, so that what is on its way over a port has arrived.
 * - What it waits with is not held up by fake timers.
 */

import { when } from 'mobx'
import { pageClock } from '../store/clock.js'
import type { Line } from '../store/line-view.js'
import { waitsForTurn } from '../store/task-gate.js'
import type { BackgroundTasks } from '../store/task-runner.js'
import { isAsleep } from './sleeping-runs.js'

/** What `idle` looks at in a store. */
export interface IdleStore {
  readonly token: string
  readonly line: Line
  readonly backgroundTasks: BackgroundTasks
}

/** Options of {@link idle}. */
export interface IdleOptions {
  /** Milliseconds after which it rejects with an Error that says what is still under way. @default 4_000 */
  readonly timeout?: number
}

/** A little less than what test frameworks allow a test, so that its message is the one that is seen. */
const TIMEOUT_MS = 4_000
/** A message and its answer, and one to spare. */
const TURNS = 3

/**
 * Waits until no event, lease or run of a store is under way.
 *
 * An inline task in `task.sleep` counts as at rest: with fake timers advance them, and wait again. Of a task in a worker the
 * page cannot know that it sleeps; for those `idle` waits until they have ended. In a test of React components wrap it, so
 * that what changes is rendered: `await act(() => idle(store))`.
 *
 * @param store the store; its state may have changed when the promise resolves
 * @param options `timeout` in milliseconds, of real time
 * @throws Error (awaited) after `timeout`; it names what is still under way
 * @example
 * store.events.toggleRunning()
 * await idle(store)
 */
export async function idle(store: IdleStore, options: IdleOptions = {}): Promise<void> {
  const { timeout = TIMEOUT_MS } = options
  const stop = new AbortController()
  const cancel = timeout === Number.POSITIVE_INFINITY ? () => {} : pageClock.setTimer(() => stop.abort(), timeout)
  try {
    for (let quiet = 0; quiet < TURNS; quiet++) {
      if (!isIdle(store)) {
        quiet = -1
        await untilIdle(store, stop.signal)
      }
      if (stop.signal.aborted) {
        throw new Error(`The store did not come to rest within ${timeout} ms: ${describe(store)}.`)
      }
      await turn()
    }
  } finally {
    cancel()
  }
}

function isIdle({ line, backgroundTasks, token }: IdleStore): boolean {
  if (line.holder !== undefined || line.waiting.length > 0) return false
  return [...backgroundTasks].every(
    (run) => (run.status === 'running' && isAsleep(token, run.id)) || (run.status === 'starting' && waitsForTurn(run)),
  )
}

function untilIdle(store: IdleStore, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = when(() => isIdle(store), resolve)
    signal.addEventListener('abort', () => {
      stop()
      resolve()
    })
  })
}

function turn(): Promise<void> {
  return new Promise((resolve) => pageClock.setTimer(resolve, 0))
}

function describe({ line, backgroundTasks, token }: IdleStore): string {
  const parts = [...backgroundTasks].map((run) => {
    return `task "${run.name}" is ${isAsleep(token, run.id) ? 'asleep' : run.status}`
  })
  if (line.holder !== undefined) parts.push(`${line.holder.kind} "${line.holder.name}" holds the lease`)
  for (const { kind, name } of line.waiting) parts.push(`${kind} "${name}" waits for it`)
  return parts.join(', ') || 'its tasks never paused for long enough'
}
