/*
 * `task`: what a background task sees of the state, the store and its own run.
 *
 * - Reading is free and perhaps stale; writing takes a lease.
 * - Nothing here lasts longer than the run wants: waits end when the run is cancelled.
 */

import { asyncDispose } from '../lib/protocol/async-dispose.js'
import type { Lease } from '../lib/protocol/lease.js'
import type { ProgressPayload } from '../lib/protocol/messages.js'
import type { Spec } from '../lib/protocol/specs.js'
import { assertProgress, MAX_NAME } from '../lib/protocol/validate.js'
import type { DeepReadonly, EventContract, TaskContract } from '../lib/state/define-state.js'
import { development } from '../lib/state/development.js'
import { copyIn } from '../lib/state/values.js'
import { acquire } from './acquire.js'
import type { EmitCalls, Launches, StartCalls } from './launches.js'
import type { AcquiredLease, LeaseFunction, LeaseOptions, ScopedLeaseOptions } from './lease.js'
import type { LeaseClient } from './lease-client.js'
import type { Replica, Send } from './replica.js'
import type { Staging } from './staging.js'

/** One frame: what comes faster than the page can show it is not worth a message. */
const PROGRESS_MS = 16
/** Timers take 32 bits: above that they fire at once. */
const MAX_SLEEP_MS = 2 ** 31 - 1

/** What a background task is given. `S` is its state, `E` the events that it may send, `W` the tasks that it may start. */
export interface TaskContext<S extends object, E extends EventContract = object, W extends TaskContract = object> {
  /**
   * The newest state that this worker has: readable at any time, perhaps stale. It moves when this worker is granted a
   * lease, commits or refreshes. A write anywhere in it throws ImmutableStateError and changes nothing.
   */
  readonly state: DeepReadonly<S>

  /**
   * Gives plain data at {@link version}: fast in hot loops, can be posted, keeps its value for ever. Free to take; the first
   * later change of a container that it shows pays one shallow copy of that container. Frozen in development.
   */
  snapshot(): DeepReadonly<S>

  /**
   * Brings this worker to the newest version, without a lease.
   * @throws the reason of the cancellation, if the run is cancelled
   */
  refresh(): Promise<void>

  /**
   * Waits for the lease, refreshes, runs `fn` on a draft of the newest state, commits what it wrote as one batch, and
   * gives back what it returned (parts of the draft in it become plain data).
   *
   * Nobody else writes while `fn` runs, so do slow work outside. If `fn` throws, nothing is applied, the lease is free and
   * the error goes on. A lease function never awaits a lease: it would wait for its own end.
   *
   * @param fn `(state, lease)`, sync or async; its draft is dead once it has settled
   * @param options times in milliseconds; with `ifAvailable`, `fn` gets `null` if the lease can't be had at once
   * @throws NestedLeaseError in a lease function, before its first `await`
   * @throws LeaseExpiredError as soon as the page has ended the lease after its `ttl`, even if `fn` still runs
   * @throws LeaseTimeoutError after `timeout`
   * @throws InvalidMutationError if a container was put inside itself
   * @throws the reason of a cancellation, of the run or of `signal`
   * @throws TypeError for a `ttl` or `timeout` that is no number of milliseconds
   * @example const left = await task.lease((state) => { state.jobs.shift(); return state.jobs.length })
   */
  lease<R>(
    fn: (state: S, lease: Lease<E, W>) => R | PromiseLike<R>,
    options?: LeaseOptions & { readonly ifAvailable?: false },
  ): Promise<R>
  lease<R>(fn: (state: S | null, lease: Lease<E, W> | null) => R | PromiseLike<R>, options: LeaseOptions): Promise<R>
  lease<R, const K extends readonly (keyof S & string)[]>(
    fn: (state: Pick<S, K[number]>, lease: Lease<E, W>) => R | PromiseLike<R>,
    options: ScopedLeaseOptions<K> & { readonly ifAvailable?: false },
  ): Promise<R>
  lease<R, const K extends readonly (keyof S & string)[]>(
    fn: (state: Pick<S, K[number]> | null, lease: Lease<E, W> | null) => R | PromiseLike<R>,
    options: ScopedLeaseOptions<K>,
  ): Promise<R>

  /**
   * Waits for a lease that is held until `commit()`, for code that a function does not fit. It is not revoked.
   *
   * `await using` rolls back what was not committed, with a warning. Where the browser has no `Symbol.asyncDispose`, define it
   * before anything else runs, or call `commit()` and `rollback()` in try and finally.
   *
   * @param options as for {@link lease}; with `ifAvailable` it gives null if the lease can't be had at once
   * @throws as {@link lease}
   * @example
   * await using lease = await task.acquire()
   * lease.state.rows.push(row)
   * await lease.commit()
   */
  acquire(options?: LeaseOptions & { readonly ifAvailable?: false }): Promise<AcquiredLease<S, E, W>>
  acquire(options: LeaseOptions): Promise<AcquiredLease<S, E, W> | null>
  acquire<const K extends readonly (keyof S & string)[]>(
    options: ScopedLeaseOptions<K> & { readonly ifAvailable?: false },
  ): Promise<AcquiredLease<Pick<S, K[number]>, E, W>>
  acquire<const K extends readonly (keyof S & string)[]>(
    options: ScopedLeaseOptions<K>,
  ): Promise<AcquiredLease<Pick<S, K[number]>, E, W> | null>

  /**
   * Sends a large value to the page, holding nothing: events go on meanwhile, and never wait for a transfer. Assigning what it
   * gives, once and as it is, then costs a lease one small message; changed, or assigned again, it is sent as any other value.
   *
   * A lease that fails, or runs again, may use it again. The page lets go of it when a commit has used it, or the run ends.
   *
   * @param value plain data, copied and checked here. What is no container (a primitive, a buffer, a date) is given back at once
   * @returns a read-only view of the value. A write in it throws ImmutableStateError
   * @throws NotCloneableError with the path to what cannot be in state
   * @throws the reason of the cancellation, if the run is cancelled
   * @example
   * const rows = await task.stage(parse(await response.text()))
   * await task.lease((state) => { state.rows = rows })
   */
  stage<T>(value: T): Promise<T>

  /**
   * Sends events to the page: `task.emit.NAME(...args)`, at once, lease or no lease, in the order of the calls. Each resolves
   * when the page has put the event in the line, not when it has run; so awaiting one never waits for one's own lease, after
   * whose end the event runs. An event that fails is reported to the `onError` of the store.
   *
   * Parts of the state among the arguments become plain data of the receiver's own. In a function that may run again use
   * `lease.emit`, whose events leave once.
   * @throws NotCloneableError (awaited) for an argument that cannot cross
   * @throws TypeError (awaited) for an event that the store does not have
   */
  readonly emit: EmitCalls<E>

  /**
   * Starts tasks: `task.start.NAME(...args)`, at once, as {@link emit}. Each resolves when the page has made the run, not when
   * it has ended. A run that fails is reported to the `onError` of the store.
   * @throws NotCloneableError (awaited) for an argument that cannot cross
   */
  readonly start: StartCalls<W>

  /**
   * Shows how far the run is, as `TaskRun.progress`. Needs no lease. At most one message a frame is sent, and the last one
   * always arrives before the run ends.
   * @param value in units of the caller's own
   * @param total the value at which the run is done, if that is known
   * @param label cut at 8,192 characters
   * @throws TypeError for values that are no numbers
   */
  progress(value: number, total?: number, label?: string): void

  /** Aborts when the run is cancelled; pass it on to `fetch` and the like. */
  readonly signal: AbortSignal

  /**
   * Waits outside of any lease, so that nobody else has to.
   * @param ms milliseconds, at most 2³¹ − 1 (24 days)
   * @throws the reason of the cancellation, if the run is or was cancelled
   */
  sleep(ms: number): Promise<void>

  /** Names this run: the `id` of its `TaskRun`. */
  readonly id: string
  /** The name under which the task is served. */
  readonly name: string
  /**
   * How often this run was started: 1, and more for one of a task with `resume` that went on when the page was left. What its
   * earlier attempts have committed may be stored, up to any of their commits.
   */
  readonly attempt: number
  /** Names the store on the page. */
  readonly token: string
  /** The version of {@link state}: how many commits it has behind it. */
  readonly version: number
}

/**
 * A background task: an async function or async generator of `(task, ...args)`. Arguments and result cross by structured clone.
 *
 * The specs (`task.emit.spec.NAME()`, `task.start.spec.NAME()`) that a generator yields, one or arrays of them, leave before
 * it goes on; those that any task returns leave before its run ends, and are no result. What else is yielded is ignored.
 */
export type TaskFunction<S extends object, E extends EventContract = object, W extends TaskContract = object> = (
  task: TaskContext<S, E, W>,
  ...args: never[]
) => Promise<unknown> | AsyncGenerator<unknown, unknown, unknown>

/** What a context needs of its worker and its run. */
export interface TaskParts {
  readonly number: number
  readonly id: string
  readonly name: string
  readonly attempt: number
  readonly signal: AbortSignal
  readonly send: Send
  readonly replica: Replica
  readonly leases: LeaseClient
  readonly launches: Launches
  readonly staging: Staging
}

/** A run, as its worker knows it. */
export interface StartedTask {
  readonly context: TaskContext<object>
  /** The specs that it has made and not handed over yet. Empty in production, where nobody asks for them. */
  readonly made: Set<Spec>
  /** Sends what was held back; after it progress is ignored. */
  end(): void
}

/** Makes the context of one run. */
export function createTask(parts: TaskParts): StartedTask {
  const { send, replica, leases, launches, staging, signal, number, id, name, attempt } = parts
  const made = new Set<Spec>()
  const onMade = (spec: Spec): void => {
    if (development) made.add(spec)
  }
  let pending: ProgressPayload | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  const open = new Set<AcquiredLease<object>>()

  function sendProgress(): void {
    if (pending) send('progress', [number], pending)
    timer = pending && setTimeout(sendProgress, PROGRESS_MS)
    pending = undefined
  }

  const context: TaskContext<object> = {
    get state() {
      return replica.state
    },
    snapshot: () => replica.tree.snapshot(true),
    refresh: () => untilAborted(signal, (resolve, reject) => void replica.refresh().then(resolve, reject)),
    // `createTask` does not know the state's type; `TaskContext` gives it to the caller.
    lease: ((fn: LeaseFunction, options?: LeaseOptions) =>
      leases.lease(parts, fn, options)) as TaskContext<object>['lease'],
    acquire: ((options?: LeaseOptions) => acquire(leases, parts, open, options)) as TaskContext<object>['acquire'],
    async stage<T>(value: T): Promise<T> {
      signal.throwIfAborted()
      const stage = staging.stage(number, value)
      if (stage === undefined) return copyIn(value, []) as T
      await untilAborted(signal, (resolve, reject) => {
        stage.arrived.then(resolve, reject)
        return () => staging.drop(stage.id)
      })
      return stage.view as T // the same data, guarded
    },
    // The names are the page's: the types alone know them.
    emit: launches.calls(number, 'event', onMade) as TaskContext<object>['emit'],
    start: launches.calls(number, 'task', onMade) as TaskContext<object>['start'],
    progress(value, total, label) {
      if (ended) return
      const progress: ProgressPayload = { value, total, label: label?.slice(0, MAX_NAME) }
      assertProgress(progress)
      pending = progress
      if (timer === undefined) sendProgress()
    },
    signal,
    sleep: (ms) =>
      untilAborted(signal, (resolve) => {
        const sleeping = setTimeout(resolve, Math.min(ms, MAX_SLEEP_MS))
        return () => clearTimeout(sleeping)
      }),
    id,
    name,
    attempt,
    get token() {
      return replica.token
    },
    get version() {
      return replica.tree.version
    },
  }
  return {
    context: Object.freeze(context),
    made,
    end() {
      clearTimeout(timer)
      sendProgress()
      clearTimeout(timer)
      ended = true
      for (const lease of open) void lease[asyncDispose]() // forgotten: it warns of what is lost
    },
  }
}

/** Waits until `begin` calls back or the signal aborts, which stops what `begin` began. */
function untilAborted(
  signal: AbortSignal,
  begin: (resolve: () => void, reject: (error: unknown) => void) => (() => void) | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = () => {
      stop?.()
      reject(signal.reason)
    }
    const stop = begin(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, reject)
    signal.addEventListener('abort', onAbort)
  })
}
