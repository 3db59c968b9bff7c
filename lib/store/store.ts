/*
 * The store, as an app sees it: its members, its options, and how one is made.
 */

import type { asyncDispose } from '../protocol/async-dispose.js'
import type { Lease, LeaseOptions, ScopedLeaseOptions } from '../protocol/lease.js'
import type { DeepReadonly, EventContract, Shown, StateDefinition } from '../state/define-state.js'
import type { Mutation } from '../state/mutation.js'
import type { CommitListener } from './committer.js'
import type { ErrorContext } from './core.js'
import type { AnyHandler, EventRun } from './event-request.js'
import type {
  Complete,
  EmitSpecs,
  EventCalls,
  Handler,
  Implements,
  Setters,
  StartSpecs,
  WritableFields,
} from './handlers.js'
import type { Line } from './line-view.js'
import type { LeaseRun } from './page-lease.js'
import { PageStore } from './page-store.js'
import type { Persistence, StorePersist } from './persistence.js'
import type { BackgroundTasks } from './task-runner.js'
import type { TaskCalls, TaskStarters } from './task-starters.js'
import type { TaskSource } from './worker-tasks.js'

/** Gets the functions of the tasks out of the type of what `serveTasks` gave. */
export type TasksOf<X> = X extends { readonly tasks: infer Tasks } ? Tasks : object

/** One place where tasks run, or several. */
export type TaskSources = TaskSource | readonly TaskSource[]

/** Gets the functions of the tasks out of the types of all sources of a store. */
export type TasksOfSources<Sources> = Sources extends readonly (infer Source)[]
  ? Merged<TasksOfSources<Source>>
  : Sources extends TaskSource<infer X>
    ? TasksOf<X>
    : object

/** Makes one type that has the members of each of a union: what stands in the place of a parameter is intersected. */
type Merged<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never

/** What a lease of a store may send and start. */
export type LeaseOf<Handlers, Tasks> = Lease<EventCalls<Handlers>, TaskCalls<Tasks>>

/**
 * A store: the page's one copy of a state. `S` is the state, `Handlers` its events, `Tasks` its background tasks, `Persist` what
 * keeps it beyond the page, if anything does. Its methods may be taken off it.
 */
export interface Store<S extends object, Handlers, Tasks, Persist extends StorePersist | undefined = undefined> {
  /** The state: MobX-observable, deep, read-only, without backend fields. A write throws an ImmutableStateError. */
  readonly state: DeepReadonly<Shown<S>>
  /** The number of commits so far; observable. */
  readonly version: number
  /**
   * Plain data at the present version. Free to take; the first later change of a container that it shows pays one shallow
   * copy of that container. In development it is frozen.
   */
  snapshot(): DeepReadonly<Shown<S>>
  /** Runs an event: inside the call if the line is free, else in its turn. */
  readonly events: EventCalls<Handlers>
  /** Sets a top-level field, as an event. */
  readonly set: Setters<WritableFields<Shown<S>>>
  /** Starts a background task now. In an event, return `start.NAME()` instead. */
  readonly tasks: TaskStarters<Tasks>
  /** The runs that have not ended, in the order of their start: an observable, iterable set. */
  readonly backgroundTasks: BackgroundTasks
  /**
   * Takes a lease for any async code on the page: waits for its turn, runs `fn(draft, lease)`, commits, and gives back what
   * `fn` returned. Other events and tasks wait until it ends: do slow work before it.
   * @throws NestedLeaseError, at once, in the synchronous part of an event handler or lease function
   * @throws LeaseTimeoutError, LeaseExpiredError, StoreDisposedError, the reason of `options.signal`, or what `fn` throws, to
   *   whoever awaits it
   */
  lease<R>(
    fn: (state: S, lease: LeaseOf<Handlers, Tasks>) => R | PromiseLike<R>,
    options?: LeaseOptions & { readonly ifAvailable?: false },
  ): LeaseRun<R>
  lease<R>(
    fn: (state: S | null, lease: LeaseOf<Handlers, Tasks> | null) => R | PromiseLike<R>,
    options: LeaseOptions,
  ): LeaseRun<R>
  lease<R, const K extends readonly (keyof S & string)[]>(
    fn: (state: Pick<S, K[number]>, lease: LeaseOf<Handlers, Tasks>) => R | PromiseLike<R>,
    options: ScopedLeaseOptions<K> & { readonly ifAvailable?: false },
  ): LeaseRun<R>
  lease<R, const K extends readonly (keyof S & string)[]>(
    fn: (state: Pick<S, K[number]> | null, lease: LeaseOf<Handlers, Tasks> | null) => R | PromiseLike<R>,
    options: ScopedLeaseOptions<K>,
  ): LeaseRun<R>
  /** Names this store among those of the page. */
  readonly token: string
  /** Who holds the lease and who waits; observable. */
  readonly line: Line
  /** Calls `listener` after each commit; gives its disposer. What a commit holds never changes afterwards. */
  onCommit(listener: CommitListener): () => void
  /**
   * Applies mutations as an event of its own: undo (a commit's `inverse`), replay, sync.
   * @throws InvalidMutationError (awaited) for one that does not fit the state; nothing is applied then
   */
  apply(mutations: readonly Mutation[]): EventRun<void>
  /** Sets a field or substate, or everything, backend fields too, back to what `init` gives; as an event. */
  reset(field?: keyof S & string): EventRun<void>
  /** What keeps the state beyond the page; undefined without the option `persist`. */
  readonly persist: Persist
  /**
   * Resolves when what is stored has been read, if the store persists, and the first worker is up, if one was needed. Reading,
   * events and leases work before.
   */
  readonly ready: Promise<void>
  /** Cancels tasks, ends workers, refuses what waits, stores what is not stored yet. The state stays readable. */
  dispose(): Promise<void>
  [asyncDispose](): Promise<void>
}

/** Options of {@link createStore}. */
export interface StoreOptions<
  S extends object,
  Contract,
  Sources extends TaskSources,
  Handlers,
  Persist extends StorePersist | undefined = StorePersist | undefined,
> {
  /** Where background tasks run: one source, or several that are asked for a task in their order. @default none */
  readonly tasks?: Sources
  /** Handlers by name, or a function that makes them from `start` and `emit`. @default none */
  readonly events?:
    | Handlers
    | ((make: { readonly start: StartSpecs<TasksOfSources<Sources>>; readonly emit: EmitSpecs<Contract> }) => Handlers)
  /** Keeps the state beyond the page: `persist(…)` of `leasehold/persist`. @default none */
  readonly persist?: Persistence<S, Persist>
  /** Values in place of those of `init`, field by field: for tests and for data that the server gave. @default none */
  readonly initialState?: PartialState<S>
  readonly lease?: {
    /** Milliseconds that a lease or an async event may hold: a lower bound. @default 10_000 */
    readonly ttl?: number
    /** Milliseconds after which a held lease is warned of, in development. @default 1_000 */
    readonly warnAfter?: number
  }
  /** Names this store; one of the same token is disposed of. @default that of the tab with `persist({ tab: true })`, else a random one */
  readonly token?: string
  /** Takes each error that nobody awaits, once. @default console.error */
  onError?(error: unknown, context: ErrorContext): void
}

/**
 * Takes a state without declared events alone. As a constraint of the handlers a contract hides the state from the function
 * that is given to `defineEvent`.
 */
export type WithoutContract<Contract> = keyof Contract extends never ? unknown : never

/** Some fields of a state, and some of its substates. Getters cannot be given. */
export type PartialState<S> = { readonly [K in keyof WritableFields<S>]?: S[K] | Partial<S[K]> }

/**
 * Makes a store.
 *
 * @param definition what `defineState` gave; two stores of one definition share nothing
 * @param options tasks, events, first values
 * @throws TypeError for what is no definition or no source of tasks, a handler that is no function, one named `then`, a missing
 *   one of the contract, or an unknown field in `initialState`
 * @throws NotCloneableError for a first value that cannot be in state, with its path
 * @example
 * const store = createStore(counterState, {
 *   tasks: workerTasks<CounterTasks>(() => new Worker(new URL('./counter.worker.ts', import.meta.url), { type: 'module' })),
 *   events: ({ start }) => ({
 *     toggleRunning(state) {
 *       state.running = !state.running
 *       return state.running ? start.countUp() : undefined
 *     },
 *   }),
 * })
 */
export function createStore<
  S extends object,
  Contract extends EventContract,
  const Sources extends TaskSources,
  Handlers extends Record<string, Handler<S>> & Implements<S, Contract, Handlers>,
  Persist extends StorePersist | undefined = undefined,
>(
  definition: StateDefinition<S, Contract>,
  options?: StoreOptions<S, Contract, Sources, Handlers, Persist> & Complete<Contract, Handlers>,
): Store<S, Handlers, TasksOfSources<Sources>, Persist> {
  return new PageStore(
    definition,
    (options ?? {}) as StoreOptions<object, object, TaskSources, Record<string, AnyHandler>>,
  ) as never // the names of fields, events and tasks exist in types alone
}
