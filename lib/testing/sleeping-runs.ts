/*
 * Which inline runs are asleep.
 *
 * - A run is asleep while one `task.sleep` of its is under way.
 * - Observable, so that whoever waits for a store to come to rest hears of it.
 */

import { createAtom } from 'mobx'
import type { TaskContext } from '../../workers/task.js'
import { tagOf } from '../state/leaves.js'

type Task = (task: TaskContext<object>, ...args: readonly unknown[]) => Promise<unknown> | AsyncGenerator

const sleeps = new Map<string, number>()
const changed = createAtom('sleeping runs')

/** Whether a run of the store of that token is in `task.sleep`; always false for one in a worker. */
export function isAsleep(token: string, id: string): boolean {
  changed.reportObserved()
  return sleeps.has(key(token, id))
}

/** The same tasks, whose sleeps are counted. */
export function watchSleeps(tasks: object): object {
  return Object.fromEntries(Object.entries(tasks).map(([name, task]) => [name, watch(task as Task)]))
}

function watch(task: Task): Task {
  const isGenerator = tagOf(task) === 'AsyncGeneratorFunction'
  const watched: Task = isGenerator
    ? async function* (context, ...args) {
        return yield* task(watchContext(context), ...args) as AsyncGenerator
      }
    : async (context, ...args) => task(watchContext(context), ...args)
  // Its name, and what marks it as a task with options.
  return Object.defineProperties(watched, Object.getOwnPropertyDescriptors(task))
}

function watchContext(context: TaskContext<object>): TaskContext<object> {
  const { token, id } = context
  const sleep = async (ms: number): Promise<void> => {
    count(key(token, id), 1)
    try {
      await context.sleep(ms)
    } finally {
      count(key(token, id), -1)
    }
  }
  return Object.freeze(Object.create(context, { sleep: { value: sleep, enumerable: true } }) as TaskContext<object>)
}

function count(run: string, by: 1 | -1): void {
  const now = (sleeps.get(run) ?? 0) + by
  if (now > 0) sleeps.set(run, now)
  else sleeps.delete(run)
  changed.reportChanged()
}

function key(token: string, id: string): string {
  return `${id}/${token}`
}
