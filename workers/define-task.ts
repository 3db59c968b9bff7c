/*
 * Tasks with options.
 */

import type { Concurrency, TaskInfo } from '../lib/protocol/messages.js'
import { CONCURRENCY } from '../lib/protocol/messages.js'
import type { EventContract, TaskContract } from '../lib/state/define-state.js'
import { tagOf } from '../lib/state/leaves.js'
import type { TaskContext } from './task.js'

/** Options of {@link defineTask}. */
export interface TaskOptions {
  /**
   * What happens to a run that is started while others of the same task, in this store, have not ended:
   *
   * - `'parallel'`: it runs beside them.
   * - `'drop'`: it is cancelled at once.
   * - `'enqueue'`: it waits for its turn.
   * - `'keepLatest'`: it waits for its turn; one that waited before it is cancelled.
   * - `'restartable'`: the oldest of them is cancelled, and it begins when that one has ended.
   *
   * What is cancelled by another run rejects with a DOMException named `AbortError`. A run that is being cancelled has not
   * ended before its task has, or `terminateAfter` has passed.
   * @default 'parallel'
   */
  readonly concurrency?: Concurrency
  /** How many runs may be under way at once, where `concurrency` is not `'parallel'`. @default 1 */
  readonly maxConcurrency?: number
  /**
   * In a store that persists: a run that has not ended when the page goes is started again by the next page, with the same
   * arguments and `task.attempt` counted up. It is kept with the state, in the same write, from when its worker is up until it
   * ends, however it ends. A run may so do twice what it did after its last commit that was stored: write such a task so that it
   * looks at the state for what is left to do. Its arguments must be fit for storage.
   * @default false
   */
  readonly resume?: boolean
}

/** On the function itself and not in a map: it stays with a function that is wrapped, property by property. */
const optionsKey = Symbol('task options')

/**
 * Gives a task options: in what is handed to `serveTasks`.
 *
 * @param options `concurrency`, `maxConcurrency`, `resume`
 * @param fn the task: an async function or async generator of `(task, ...args)`
 * @throws TypeError for a task that is neither, and for options that are not known or do not go together
 * @example
 * serveTasks(searchState, {
 *   search: defineTask({ concurrency: 'restartable' }, async (task, query: string) => {
 *     const found = await fetch(`/search?q=${query}`, { signal: task.signal }).then((response) => response.json())
 *     await task.lease((state) => { state.found = found })
 *   }),
 * })
 */
export function defineTask<
  S extends object,
  E extends EventContract,
  W extends TaskContract,
  Args extends unknown[],
  R extends Promise<unknown> | AsyncGenerator<unknown, unknown, unknown>,
>(
  options: TaskOptions,
  fn: (task: TaskContext<S, E, W>, ...args: Args) => R,
): (task: TaskContext<S, E, W>, ...args: Args) => R {
  assertOptions(options)
  if (!isTask(fn)) throw new TypeError('defineTask(options, fn): fn is no async function or async generator.')
  const own = fn.bind(undefined) as typeof fn // one function may be a task twice, with other options
  return Object.defineProperty(own, optionsKey, { value: { ...options } })
}

/** What the page is told of a task. */
export function infoOf(name: string, task: unknown): TaskInfo {
  const { concurrency, maxConcurrency, resume } = (task as { readonly [optionsKey]?: TaskOptions })[optionsKey] ?? {}
  return {
    name,
    ...(concurrency !== undefined && { concurrency }),
    ...(maxConcurrency !== undefined && { maxConcurrency }),
    ...(resume !== undefined && { resume }),
  }
}

/** Whether this is an async function or async generator function, also one that was bound. */
export function isTask(value: unknown): boolean {
  return /^Async(Generator)?Function$/.test(tagOf(value))
}

function assertOptions(options: TaskOptions): void {
  const { concurrency, maxConcurrency, resume, ...others } = options
  const unknown = Object.keys(others).map((name) => `"${name}"`)
  if (unknown.length > 0) {
    throw new TypeError(
      `defineTask: there is no option ${unknown.join(', ')}. There are concurrency, maxConcurrency and resume.`,
    )
  }
  if (resume !== undefined && typeof resume !== 'boolean') {
    throw new TypeError(`defineTask: resume must be true or false, got ${String(resume)}.`)
  }
  if (concurrency !== undefined && !CONCURRENCY.includes(concurrency)) {
    throw new TypeError(`defineTask: concurrency must be one of ${CONCURRENCY.join(', ')}, got ${String(concurrency)}.`)
  }
  if (maxConcurrency === undefined) return
  if (concurrency === undefined || concurrency === 'parallel') {
    throw new TypeError(
      `defineTask: maxConcurrency limits nothing where concurrency is 'parallel'. Use 'enqueue', to let further runs wait, or 'drop', 'keepLatest' or 'restartable'.`,
    )
  }
  if (!Number.isSafeInteger(maxConcurrency) || maxConcurrency < 1) {
    throw new TypeError(`defineTask: maxConcurrency must be a whole number above 0, got ${String(maxConcurrency)}.`)
  }
}
