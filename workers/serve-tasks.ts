/*
 * Serving: from a module of tasks to runs.
 *
 * - Importing the module in a worker begins to serve; anywhere else it only gives the tasks, for their types and for tests.
 * - Every run ends with one `settled`, whatever its task does; results and errors that can't be cloned say where.
 * - An error that belongs to no run is reported to the page, the first hundred of them.
 */

import { UnknownTaskError } from '../lib/errors.js'
import { createLink, toNotCloneable } from '../lib/protocol/endpoint.js'
import type { PageFacade, PortMessage, ServeMessage, SettledPayload, WorkerFacade } from '../lib/protocol/messages.js'
import { PROTOCOL_VERSION, WORKER_METHODS } from '../lib/protocol/messages.js'
import { assertStart } from '../lib/protocol/validate.js'
import { fromWireError, toWireError } from '../lib/protocol/wire-error.js'
import type { EventContract, StateDefinition } from '../lib/state/define-state.js'
import { shapeOf } from '../lib/state/define-state.js'
import { detach } from '../lib/state/detach.js'
import { Launches } from './launches.js'
import { LeaseClient } from './lease-client.js'
import { holdLifeLock } from './life-lock.js'
import { Replica } from './replica.js'
import type { TaskContext, TaskFunction } from './task.js'
import { createTask } from './task.js'

const MAX_REPORTS = 100

/** A state with its tasks: what {@link serveTasks} gives. The page and tests take the types of the tasks from it. */
export interface Tasks<S extends object = object, E extends EventContract = object, T extends object = object> {
  readonly definition: StateDefinition<S, E>
  readonly tasks: T
}

/** Where a worker says that it serves, and is given its port: the worker's global scope, or something like it. */
export interface TaskEndpoint {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  removeEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  start?(): void
}

/**
 * Serves background tasks. In a dedicated worker it begins at once; elsewhere it only returns the tasks.
 *
 * @param definition the state that the tasks read and lease
 * @param tasks async functions and async generators of `(task, ...args)`, by name
 * @param endpoint where to serve instead of the worker's own channel
 * @throws TypeError that names a task which is neither. Code compiled to a target below ES2018 loses what tells them apart
 * @example
 * const counterTasks = serveTasks(counterState, {
 *   async countUp(task, by: number) {
 *     await task.lease((state) => { state.counter += by })
 *   },
 * })
 * export type CounterTasks = typeof counterTasks
 */
export function serveTasks<S extends object, E extends EventContract, T extends Record<string, TaskFunction<S, E>>>(
  definition: StateDefinition<S, E>,
  tasks: T,
  endpoint?: TaskEndpoint,
): Tasks<S, E, T> {
  for (const [name, task] of Object.entries(tasks)) {
    if (tagOf(task) === 'AsyncFunction' || isGenerator(task)) continue
    throw new TypeError(
      `serveTasks("${definition.name}"): the task "${name}" is no async function or async generator. Declare it \`async\`; if it is, compile for ES2018 or later.`,
    )
  }
  const served: Tasks<S, E, T> = Object.freeze({ definition, tasks })
  const scope = workerScope()
  const channel = endpoint ?? scope
  if (channel) serve(served, channel, scope)
  return served
}

const servedOn = new WeakMap<TaskEndpoint, Set<string>>()

function serve(served: Tasks, channel: TaskEndpoint, scope: WorkerScope | undefined): void {
  const state = served.definition.fullName
  const states = servedOn.get(channel) ?? new Set()
  if (states.has(state)) {
    throw new TypeError(
      `serveTasks("${state}"): this worker serves that state already. Put all tasks of a state in one call.`,
    )
  }
  servedOn.set(channel, states.add(state))
  const lock = scope ? holdLifeLock() : Promise.resolve(undefined)
  channel.addEventListener('message', function onMessage({ data }) {
    const message = data as Partial<PortMessage> | null
    if (message?.leasehold !== 'port' || message.state !== state || message.port === undefined) return
    channel.removeEventListener('message', onMessage)
    const { port } = message
    void lock.then((name) => {
      const { report } = serveOn(served, port, name)
      if (scope) forwardUncaught(scope, report)
    })
  })
  channel.start?.()
  channel.postMessage({ leasehold: 'serve', protocol: PROTOCOL_VERSION, state } satisfies ServeMessage)
}

/** What {@link serveOn} has begun. */
export interface Served {
  /** Tells the page of an error that belongs to no run; says whether it did. */
  report(error: unknown): boolean
  /** Cancels the runs and closes the port. */
  close(): void
}

/**
 * Serves over a port that is there already: what a worker does with its port, and tests with one of a pair.
 * @param lock name of a Web Lock that is held for as long as this thread lives
 */
export function serveOn({ definition, tasks }: Tasks, port: MessagePort, lock?: string): Served {
  const runs = new Map<number, AbortController>()
  let reports = 0
  const link = createLink<PageFacade, WorkerFacade>(port, {
    methods: WORKER_METHODS,
    handlers: {
      welcome: (payload, version) => replica.welcome(payload, version),
      start,
      cancel(payload, number) {
        const { reason, error } = payload as { readonly reason?: unknown; readonly error?: unknown }
        runs.get(number)?.abort(error === undefined ? reason : fromWireError(error))
      },
      granted: (payload, requestId, epoch, version, since) => leases.granted(payload, requestId, epoch, version, since),
      refused: (payload, requestId) => leases.refused(payload, requestId),
      committed: (payload, epoch, sequence, version, since) =>
        leases.committed(payload, epoch, sequence, version, since),
      rejected: (payload, epoch) => leases.ended(payload, epoch),
      launched: (payload, requestId) => launches.launched(payload, requestId),
      refreshed: (payload, refreshId, version, since) => replica.refreshed(payload, refreshId, version, since),
      ended: (payload, epoch) => leases.ended(payload, epoch),
      probe: (_, probeId) => link.send('pong', [probeId]),
    },
    onFault: report,
  })
  const replica = new Replica(shapeOf(definition), link.send)
  const leases = new LeaseClient(replica, link.send)
  const launches = new Launches(link.send)

  function start(payload: unknown, number: number): void {
    assertStart(payload)
    if (runs.has(number)) throw new TypeError(`start: there is a run ${number} already`)
    const { name, args, id = String(number) } = payload
    const controller = new AbortController()
    runs.set(number, controller)
    const { signal } = controller
    const { context, end } = createTask({ number, id, name, signal, send: link.send, replica, leases, launches })
    void outcomeOf(name, context, args).then((outcome) => {
      end()
      runs.delete(number)
      settle(number, name, outcome)
    })
  }

  async function outcomeOf(
    name: string,
    context: TaskContext<object>,
    args: readonly unknown[],
  ): Promise<SettledPayload> {
    try {
      return { ok: true, value: await perform(tasks, name, context, args) }
    } catch (error) {
      return { ok: false, error: toWireError(error) }
    }
  }

  function settle(number: number, name: string, outcome: SettledPayload): void {
    try {
      link.send('settled', [number], outcome)
    } catch {
      // A result alone can be refused: errors are plain data by now.
      let { value } = outcome as { readonly value: unknown }
      try {
        value = detach(value) // without the proxies of `task.state`
        link.send('settled', [number], { ok: true, value })
      } catch (cause) {
        const error = toNotCloneable(value, `the result of task "${name}"`, cause)
        link.send('settled', [number], { ok: false, error: toWireError(error) })
      }
    }
  }

  function report(error: unknown): boolean {
    if (++reports > MAX_REPORTS) return false
    link.send('report', [], toWireError(error))
    return true
  }

  link.send('ready', [PROTOCOL_VERSION, definition.version], {
    state: definition.fullName,
    tasks: Object.keys(tasks).map((name) => ({ name })),
    lock,
  })
  return {
    report,
    close() {
      link.close()
      for (const run of runs.values()) run.abort()
      leases.close()
    },
  }
}

type ServedTasks = Readonly<
  Record<string, (task: TaskContext<object>, ...args: readonly unknown[]) => Promise<unknown> | AsyncGenerator>
>

/** Runs a task to its end and gives its result. */
async function perform(
  tasks: object,
  name: string,
  context: TaskContext<object>,
  args: readonly unknown[],
): Promise<unknown> {
  const known = tasks as ServedTasks // `serveTasks` has checked them
  const task = Object.hasOwn(known, name) ? known[name] : undefined
  if (task === undefined) {
    const names = Object.keys(known).join(', ') || 'none'
    throw new UnknownTaskError(`There is no task "${name}" in this worker. Its tasks: ${names}.`)
  }
  const running = task(context, ...args)
  if (!isGenerator(task)) return running
  const generator = running as AsyncGenerator
  for (;;) {
    const { done, value } = await generator.next()
    if (done) return value
  }
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

function isGenerator(task: unknown): boolean {
  return tagOf(task) === 'AsyncGeneratorFunction'
}

/** As much of a dedicated worker's global scope as is needed: this module is compiled for the page too. */
interface WorkerScope extends TaskEndpoint {
  addEventListener(type: string, listener: (event: MessageEvent) => void): void
}

function workerScope(): WorkerScope | undefined {
  const scope = globalThis as unknown as WorkerScope & {
    readonly DedicatedWorkerGlobalScope?: abstract new () => unknown
  }
  const { DedicatedWorkerGlobalScope: Scope } = scope
  return Scope !== undefined && scope instanceof Scope ? scope : undefined
}

/** Rejections never leave a worker, and errors leave it without their class and stack. What is reported is kept from the console. */
function forwardUncaught(scope: WorkerScope, report: (error: unknown) => boolean): void {
  const forward = (event: Event) => {
    const { error, message, reason } = event as Partial<ErrorEvent & PromiseRejectionEvent>
    const thrown: unknown = event.type === 'error' ? (error ?? new Error(message)) : reason
    if (report(thrown)) event.preventDefault()
  }
  scope.addEventListener('error', forward)
  scope.addEventListener('unhandledrejection', forward)
}
