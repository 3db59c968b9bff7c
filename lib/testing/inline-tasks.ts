/*
 * Inline tasks: background tasks without a worker.
 *
 * - The same protocol, over the two ports of a channel, in this thread: leases wait, commits cross by structured clone, runs
 *   are cancelled as they are in a worker.
 * - `task.sleep` follows fake timers. The library's own clock does not, and a lease expires by its holder's answers: timers
 *   that a test runs through expire nothing.
 * - There is no thread to end: a terminated task is told by its signal, and its port is closed.
 */

import type { Tasks } from '../../workers/serve-tasks.js'
import { serveOn } from '../../workers/serve-tasks.js'
import { VersionMismatchError } from '../errors.js'
import type { TaskSource, WorkerHandle } from '../store/worker-tasks.js'
import { createInlineChannel } from './inline-channel.js'
import { watchSleeps } from './sleeping-runs.js'

/**
 * Runs tasks in this thread: stands where `workerTasks(...)` stands, in Node, jsdom, happy-dom and browsers.
 *
 * A task that computes blocks the page here. In Node the open channel keeps the process running until `store.dispose()`.
 *
 * @param served what `serveTasks` gave: the default export of the module of tasks
 * @example
 * import counterTasks from './counter.worker'
 *
 * const store = createCounter(inlineTasks(counterTasks))
 * store.events.toggleRunning()
 * await idle(store)
 * expect(store.state.counter).toBe(1)
 */
export function inlineTasks<X extends Tasks>(served: X): TaskSource<X> {
  return {
    open: (state) => {
      const { fullName } = served.definition
      if (fullName !== state) {
        throw new VersionMismatchError(
          `These inline tasks are of the state "${fullName}", the store is of "${state}". Hand it the tasks of its own state.`,
        )
      }
      return openInline(served)
    },
  }
}

function openInline(served: Tasks): WorkerHandle {
  let stop = () => {}
  return {
    connect({ port }) {
      const { port1, port2 } = createInlineChannel()
      port(port1)
      stop = serveOn({ ...served, tasks: watchSleeps(served.tasks) }, port2).close
    },
    terminate: () => stop(),
  }
}
