/*
 * Performing a task: from its call to its result.
 *
 * - What an async generator yields leaves before it goes on: the specs in it, one or arrays of them, in order. All else that
 *   it yields is ignored, so that a bare `yield` is a pause.
 * - What is returned is the result; specs in it are carried out instead, as those of an event are, before the run ends.
 * - A spec that fails to leave throws where it was yielded, or fails the run that returned it.
 */

import { UnknownTaskError } from '../lib/errors.js'
import type { Spec } from '../lib/protocol/specs.js'
import { takeSpecs } from '../lib/protocol/specs.js'
import { tagOf } from '../lib/state/leaves.js'
import type { TaskContext } from './task.js'

/** A task as it is called: `serveTasks` has checked that it is one. */
type AnyTask = (task: TaskContext<object>, ...args: readonly unknown[]) => Promise<unknown> | AsyncGenerator

/**
 * Runs a task to its end and gives its result.
 * @param carryOut sends specs; resolves when they have arrived
 * @throws UnknownTaskError, or what the task throws
 */
export async function perform(
  tasks: object,
  context: TaskContext<object>,
  args: readonly unknown[],
  carryOut: (specs: readonly Spec[]) => Promise<void>,
): Promise<unknown> {
  const running = find(tasks, context.name)(context, ...args)
  if (!isGenerator(running)) return finish(await running, carryOut)
  let step = await running.next()
  while (step.done !== true) {
    const failure = await carryOut(takeSpecs(step.value).specs).then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    step = await (failure === undefined ? running.next() : running.throw(failure.error))
  }
  return finish(step.value, carryOut)
}

async function finish(returned: unknown, carryOut: (specs: readonly Spec[]) => Promise<void>): Promise<unknown> {
  const { specs, rest } = takeSpecs(returned)
  await carryOut(specs)
  return rest
}

function find(tasks: object, name: string): AnyTask {
  const known = tasks as Readonly<Record<string, AnyTask>>
  const task = Object.hasOwn(known, name) ? known[name] : undefined
  if (task !== undefined) return task
  const names = Object.keys(known).join(', ') || 'none'
  throw new UnknownTaskError(`There is no task "${name}" in this worker. Its tasks: ${names}.`)
}

function isGenerator(running: Promise<unknown> | AsyncGenerator): running is AsyncGenerator {
  return tagOf(running) === 'AsyncGenerator'
}
