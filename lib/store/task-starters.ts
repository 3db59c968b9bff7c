/*
 * `store.tasks`: starts a task by its name.
 *
 * - The names are the worker's, and the page has only their types: any name gives a starter, always the same one.
 * - Reading starts nothing, and what others look for in an object of any kind (awaiting, printing, comparing) is not there.
 */

import { isReservedName } from '../protocol/reserved-names.js'
import type { Spec } from '../protocol/specs.js'
import type { TaskRun } from './task-run.js'
import type { StartOptions, TaskRunner } from './task-runner.js'

/** The arguments of a task, without its context. */
export type TaskArguments<Task> = Task extends (context: never, ...args: infer Args) => unknown ? Args : never

/** Takes the specs out of what a task returns: they are carried out, and not given to who awaits it. */
type WithoutSpecs<R> = [Extract<R, Spec | readonly Spec[]>] extends [never]
  ? R
  : Exclude<R, Spec | readonly Spec[]> | undefined

/** What a task gives in the end, without the specs that it returns: an async generator, what it returns. */
export type TaskResult<Task> = Task extends (...args: never) => infer Result
  ? Result extends AsyncGenerator<unknown, infer Value>
    ? WithoutSpecs<Awaited<Value>>
    : WithoutSpecs<Awaited<Result>>
  : never

/** The tasks of a store as plain calls: without their context. */
export type TaskCalls<Tasks> = {
  readonly [Name in keyof Tasks]: (...args: TaskArguments<Tasks[Name]>) => unknown
}

/** The tasks of a store, by name. */
export type TaskStarters<Tasks> = {
  readonly [Name in keyof Tasks]: (...args: TaskArguments<Tasks[Name]>) => TaskRun<TaskResult<Tasks[Name]>>
} & {
  /** The same tasks, tied to a signal: `store.tasks.with({ signal }).importCsv(url)`. */
  with(options: StartOptions): TaskStarters<Tasks>
}

/**
 * Makes `store.tasks`.
 * @param check called before each start with the task's name; what it throws goes to the caller
 */
export function createTaskStarters<Tasks>(
  runner: TaskRunner,
  check: (name: string) => void = () => {},
): TaskStarters<Tasks> {
  const make = (options: StartOptions): object => {
    const starters = new Map<string, (...args: unknown[]) => TaskRun>()
    const target = Object.freeze(Object.defineProperty({}, 'with', { value: make }))
    return new Proxy(target, {
      get(_, name) {
        if (typeof name === 'symbol' || isReservedName(name)) return Reflect.get(target, name)
        let starter = starters.get(name)
        if (starter === undefined) {
          starter = (...args) => {
            check(name)
            return runner.start(name, args, options)
          }
          starters.set(name, starter)
        }
        return starter
      },
    })
  }
  return make({}) as TaskStarters<Tasks> // the names are known to the types alone
}
