/*
 * Serving: from a module of tasks to runs.
 *
 * - Importing the module in a worker begins to serve; anywhere else it only gives the tasks, for their types and for tests.
 * - Every run ends with one `settled`, whatever its task does; results and errors that can't be cloned say where.
 * - An error that belongs to no run is reported to the page, the first hundred of them.
 */

import { StoreDisposedError } from '../lib/errors.js'
import { createLink } from '../lib/protocol/endpoint.js'
import type {
  CommitPayload,
  PageFacade,
  PortMessage,
  ServeMessage,
  SettledPayload,
  WorkerFacade,
} from '../lib/protocol/messages.js'
import { PROTOCOL_VERSION, WORKER_METHODS } from '../lib/protocol/messages.js'
import { toNotCloneable } from '../lib/protocol/not-cloneable.js'
import { isReservedName } from '../lib/protocol/reserved-names.js'
import type { Bulk } from '../lib/protocol/slices.js'
import { unusedSpecs } from '../lib/protocol/specs.js'
import { detachMarked, transferablesOf } from '../lib/protocol/transfer.js'
import { assertStart } from '../lib/protocol/validate.js'
import { fromWireError, toWireError } from '../lib/protocol/wire-error.js'
import type { EventContract, StateDefinition, TaskContract } from '../lib/state/define-state.js'
import { assertDefinition, shapeOf } from '../lib/state/define-state.js'
import { infoOf, isTask } from './define-task.js'
import { Launches } from './launches.js'
import { LeaseClient } from './lease-client.js'
import { holdLifeLock } from './life-lock.js'
import { perform } from './perform.js'
import { Replica } from './replica.js'
import { Staging } from './staging.js'
import type { StartedTask, TaskContext, TaskFunction } from './task.js'
import { createTask } from './task.js'

const MAX_REPORTS = 100

/** A state with its tasks: what {@link serveTasks} gives. The page and tests take the types of the tasks from it. */
export interface Tasks<S extends object = object, E extends EventContract = object, T extends object = object> {
  readonly definition: StateDefinition<S, E>
  readonly tasks: T
}

/** The tasks that a contract asks for, behind the `task` that each is given. */
export type ImplementsWork<S extends object, E extends EventContract, W extends TaskContract> = {
  readonly [Name in keyof W]: W[Name] extends (...args: infer Args) => unknown
    ? (task: TaskContext<S, E, W>, ...args: Args) => Promise<unknown> | AsyncGenerator<unknown, unknown, unknown>
    : never
}

/** Asks for a contract only where it is not kept: an unconditional one would hide what else gives the tasks their types. */
type Kept<T, Work> = T extends Work ? unknown : Work

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
 * @param tasks async functions and async generators of `(task, ...args)`, by name; with those that `withTasks` has declared
 * @param endpoint where to serve instead of the worker's own channel
 * @throws TypeError that names a task which is neither, or has a name that `store.tasks` cannot start: `with`, `then`, those
 *   that every object has. Code compiled to a target below ES2018 loses what tells tasks apart
 * @example
 * const counterTasks = serveTasks(counterState, {
 *   async countUp(task, by: number) {
 *     await task.lease((state) => { state.counter += by })
 *   },
 * })
 * export type CounterTasks = typeof counterTasks
 */
export function serveTasks<
  S extends object,
  E extends EventContract,
  W extends TaskContract,
  T extends Record<string, TaskFunction<S, E, W>>,
>(
  definition: StateDefinition<S, E, string, W>,
  tasks: T & Kept<T, ImplementsWork<S, E, W>>,
  endpoint?: TaskEndpoint,
): Tasks<S, E, T> {
  assertDefinition(definition, 'serveTasks')
  for (const [name, task] of Object.entries(tasks)) {
    if (isReservedName(name)) {
      throw new TypeError(
        `serveTasks("${definition.name}"): "${name}" cannot be the name of a task: in store.tasks it is something else. Rename it.`,
      )
    }
    if (isTask(task)) continue
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
  const linked = scope && forwardUncaught(scope)
  channel.addEventListener('message', function onMessage({ data }) {
    const message = data as Partial<PortMessage> | null
    if (message?.leasehold !== 'port' || message.state !== state || message.port === undefined) return
    channel.removeEventListener('message', onMessage)
    const { port } = message
    void lock.then((name) => {
      const { report } = serveOn(served, port, name)
      linked?.(report)
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
 * @param bulk what counts as a large payload. @default DEFAULT_BULK
 */
export function serveOn({ definition, tasks }: Tasks, port: MessagePort, lock?: string, bulk?: Bulk): Served {
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
      staged: (payload, stageId) => staging.staged(payload, stageId),
      refreshed: (payload, refreshId, version, since) => replica.refreshed(payload, refreshId, version, since),
      ended: (payload, epoch) => leases.ended(payload, epoch),
      probe: (_, probeId) => link.send('pong', [probeId]),
    },
    onFault: report,
    bulk,
    // A draft has made a tree of what it commits, and `stage` of its value; the arguments of specs are as they were given.
    isTree: (name, payload) =>
      name === 'stage' || (name === 'commit' && (payload as CommitPayload).specs === undefined),
  })
  const replica = new Replica(shapeOf(definition), link.send)
  const staging = new Staging(link.send)
  const leases = new LeaseClient(replica, staging, link.send)
  const launches = new Launches(link.send)

  function start(payload: unknown, number: number): void {
    assertStart(payload)
    if (runs.has(number)) throw new TypeError(`start: there is a run ${number} already`)
    const { name, args, id = String(number), attempt = 1 } = payload
    const controller = new AbortController()
    runs.set(number, controller)
    const { signal } = controller
    const task = createTask({ number, id, name, attempt, signal, send: link.send, replica, leases, launches, staging })
    void outcomeOf(number, task, args).then((outcome) => {
      task.end()
      staging.endRun(number)
      runs.delete(number)
      settle(number, name, outcome)
    })
  }

  async function outcomeOf(
    number: number,
    { context, made }: StartedTask,
    args: readonly unknown[],
  ): Promise<SettledPayload> {
    try {
      const value = await perform(tasks, context, args, (specs) => {
        for (const spec of specs) made.delete(spec)
        return launches.carryOut(number, specs)
      })
      const unused = unusedSpecs(context.name, made, new Set(), 'task')
      if (unused !== undefined) report(unused)
      return { ok: true, value }
    } catch (error) {
      return { ok: false, error: toWireError(error) }
    }
  }

  function settle(number: number, name: string, outcome: SettledPayload): void {
    const { value } = outcome as { readonly value?: unknown }
    try {
      link.send('settled', [number], outcome, transferablesOf([value]))
    } catch {
      // A result alone can be refused: errors are plain data by now.
      let plain: readonly unknown[] = [value]
      try {
        plain = detachMarked(plain) // without the proxies of `task.state`
        link.send('settled', [number], { ok: true, value: plain[0] }, transferablesOf(plain))
      } catch (cause) {
        const error = toNotCloneable(plain[0], `the result of task "${name}"`, cause, transferablesOf(plain))
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
    tasks: Object.entries(tasks).map(([name, task]) => infoOf(name, task)),
    lock,
  })
  return {
    report,
    close() {
      const error = new StoreDisposedError('The store has closed the port of its tasks: nothing reaches it any more.')
      link.close()
      launches.close(error)
      staging.close(error)
      for (const run of runs.values()) run.abort()
      leases.close(error)
      replica.close(error)
    },
  }
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

/**
 * Rejections never leave a worker, and errors leave it without their class and stack. What is reported is kept from the console.
 * Rejections are kept from the start; an error before there is a port is one of a worker that does not start, and the page's own.
 * @returns what tells where to report, and what came before
 */
function forwardUncaught(scope: WorkerScope): (report: (error: unknown) => boolean) => void {
  let early: unknown[] = []
  let tell = (error: unknown): boolean => early.length < MAX_REPORTS && early.push(error) > 0
  const forward = (event: Event) => {
    const { error, message, reason } = event as Partial<ErrorEvent & PromiseRejectionEvent>
    const thrown: unknown = event.type === 'error' ? (error ?? new Error(message)) : reason
    if (tell(thrown)) event.preventDefault()
  }
  scope.addEventListener('unhandledrejection', forward)
  return (report) => {
    scope.addEventListener('error', forward)
    tell = report
    for (const error of early) report(error)
    early = []
  }
}
