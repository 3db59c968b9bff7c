/*
 * The store: puts the rooms of the page together, and is what an app sees of them.
 */

import { StoreDisposedError } from '../errors.js'
import { assertMutations } from '../protocol/validate.js'
import { ChangeLog } from '../state/change-log.js'
import type { DeepReadonly, EventContract, Shown, StateDefinition, StateShape } from '../state/define-state.js'
import { createInitialState, shapeOf } from '../state/define-state.js'
import { development } from '../state/development.js'
import { replay } from '../state/draft-replay.js'
import type { Mutation } from '../state/mutation.js'
import { StateTree } from '../state/tree.js'
import { pageClock } from './clock.js'
import type { CommitListener } from './committer.js'
import { Committer } from './committer.js'
import type { ErrorContext, StoreCore } from './core.js'
import type { AnyHandler, EventRun } from './event-runner.js'
import { EventRunner } from './event-runner.js'
import type { EmitSpecs, EventCalls, Handler, Implements, Setters, StartSpecs, WritableFields } from './handlers.js'
import { Handling } from './handling.js'
import type { Grant } from './lease-office.js'
import { LeaseOffice } from './lease-office.js'
import type { Line } from './line-view.js'
import { createLine } from './line-view.js'
import { createObservableView } from './observable-view.js'
import type { Lease, LeaseFunction, LeaseOptions, LeaseRun } from './page-lease.js'
import { leaseOnPage } from './page-lease.js'
import type { Spec } from './specs.js'
import { SpecWatch } from './specs.js'
import type { BackgroundTasks } from './task-runner.js'
import { TaskRunner } from './task-runner.js'
import type { TaskStarters } from './task-starters.js'
import { createTaskStarters } from './task-starters.js'
import { createToken, registerStore, unregisterStore } from './tokens.js'
import type { TaskSource } from './worker-tasks.js'

declare global {
  // As in TypeScript's own `esnext.disposable`, with which it merges: an app need not have that library.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol
  }
}

/** Gets the functions of the tasks out of the type of what `serveTasks` gave. */
export type TasksOf<X> = X extends { readonly tasks: infer Tasks } ? Tasks : object

/** A store: the page's one copy of a state. `S` is the state, `Handlers` its events, `Tasks` its background tasks. */
export interface Store<S extends object, Handlers, Tasks> {
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
    fn: (state: S, lease: Lease) => R | PromiseLike<R>,
    options?: LeaseOptions & { readonly ifAvailable?: false },
  ): LeaseRun<R>
  lease<R>(fn: (state: S | null, lease: Lease | null) => R | PromiseLike<R>, options: LeaseOptions): LeaseRun<R>
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
  /** Resolves when the first worker is up, if one was needed. Reading and events work before. */
  readonly ready: Promise<void>
  /** Cancels tasks, ends workers, refuses what waits. The state stays readable. */
  dispose(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of {@link createStore}. */
export interface StoreOptions<S extends object, Contract, X extends object, Handlers> {
  /** Where background tasks run: one source, or several that are asked for a task in their order. @default none */
  readonly tasks?: TaskSource<X> | readonly TaskSource<X>[]
  /** Handlers by name, or a function that makes them from `start` and `emit`. @default none */
  readonly events?:
    | Handlers
    | ((make: { readonly start: StartSpecs<TasksOf<X>>; readonly emit: EmitSpecs<Contract> }) => Handlers)
  /** Values in place of those of `init`, field by field: for tests and for data that the server gave. @default none */
  readonly initialState?: PartialState<S>
  readonly lease?: {
    /** Milliseconds that a lease or an async event may hold: a lower bound. @default 10_000 */
    readonly ttl?: number
    /** Milliseconds after which a held lease is warned of, in development. @default 1_000 */
    readonly warnAfter?: number
  }
  /** Names this store; one of the same token is disposed of. @default a random one */
  readonly token?: string
  /** Takes each error that nobody awaits, once. @default console.error */
  onError?(error: unknown, context: ErrorContext): void
}

/** Some fields of a state, and some of its substates. Getters cannot be given. */
export type PartialState<S> = { readonly [K in keyof WritableFields<S>]?: S[K] | Partial<S[K]> }

/**
 * Makes a store.
 *
 * @param definition what `defineState` gave; two stores of one definition share nothing
 * @param options tasks, events, first values
 * @throws TypeError for a handler that is no function, a missing one of the contract, or an unknown field in `initialState`
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
  X extends object,
  Handlers extends Record<string, Handler<S>> & Implements<S, Contract>,
>(
  definition: StateDefinition<S, Contract>,
  options: StoreOptions<S, Contract, X, Handlers> = {},
): Store<S, Handlers, TasksOf<X>> {
  return new PageStore(
    definition,
    options as StoreOptions<object, object, object, Record<string, AnyHandler>>,
  ) as unknown as Store<S, Handlers, TasksOf<X>> // the names of fields, events and tasks exist in types alone
}

const DEFAULT_TTL_MS = 10_000
const DEFAULT_WARN_AFTER_MS = 1_000

class PageStore {
  readonly token: string
  readonly state: object
  readonly events: object
  readonly set: object
  readonly tasks: object
  readonly line: Line
  readonly #definition: StateDefinition
  readonly #tree: StateTree
  readonly #office: LeaseOffice
  readonly #committer: Committer
  readonly #core: StoreCore
  readonly #handling = new Handling()
  readonly #runner: EventRunner
  readonly #tasks: TaskRunner
  readonly #handlers: Readonly<Record<string, AnyHandler>>
  #disposed = false

  constructor(definition: StateDefinition, options: StoreOptions<object, object, object, Record<string, AnyHandler>>) {
    const { ttl = DEFAULT_TTL_MS } = options.lease ?? {}
    if (!(ttl > 0))
      throw new TypeError(`createStore("${definition.name}"): lease.ttl must be a number of milliseconds above 0.`)
    this.#definition = definition
    this.token = options.token ?? createToken()
    const sources = toArray(options.tasks)
    const root = createInitialState(definition, options.initialState)
    const shape = shapeOf(definition)
    this.#tree = new StateTree(shape, root, { log: sources.length > 0 ? new ChangeLog(shape) : undefined })
    const { line, changed } = createLine(() => this.#office)
    this.line = line
    this.#office = new LeaseOffice({
      clock: pageClock,
      warnAfterMs: options.lease?.warnAfter ?? DEFAULT_WARN_AFTER_MS,
      warn: warnOfHolder,
      changed,
    })
    const { onError } = options
    const report = (error: unknown, context: ErrorContext): void => reportTo(onError, error, context)
    const view = createObservableView(this.#tree)
    this.state = view.state
    const committer = new Committer(this.#tree, view, this.#office, report)
    this.#committer = committer
    this.#core = {
      definition,
      tree: this.#tree,
      office: this.#office,
      token: this.token,
      lease: { ttlMs: ttl },
      commitBatch: (mutations, origin) => committer.commitBatch(mutations, origin),
      report,
    }
    this.#tasks = new TaskRunner(this.#core, sources)
    this.tasks = createTaskStarters(this.#tasks, (name) => this.#handling.assertMayStart(name))
    const specs = new SpecWatch()
    this.#runner = new EventRunner({
      core: this.#core,
      committer,
      handling: this.#handling,
      specs,
      launch: (spec) => this.#launch(spec),
    })
    this.#handlers = makeHandlers(definition, options.events, specs)
    this.events = mapNames(
      Object.keys(this.#handlers),
      (name) =>
        (...args: unknown[]) =>
          this.#call(name, args),
    )
    this.set = mapNames(settable(this.#tree.shape), (field) => (value: unknown) => this.#set(field, value))
    registerStore(this as never)
  }

  get version(): number {
    return this.#committer.version
  }

  get backgroundTasks(): BackgroundTasks {
    return this.#tasks.backgroundTasks
  }

  get ready(): Promise<void> {
    return this.#tasks.whenUp()
  }

  snapshot(): object {
    return this.#tree.snapshot(false)
  }

  lease(fn: LeaseFunction, options: LeaseOptions = {}): LeaseRun<unknown> {
    return leaseOnPage({ core: this.#core, committer: this.#committer, handling: this.#handling }, fn, options)
  }

  onCommit(listener: CommitListener): () => void {
    return this.#committer.listen(listener)
  }

  apply(mutations: readonly Mutation[]): EventRun {
    const handler = (state: object): void => {
      assertMutations(mutations)
      replay(state, mutations)
    }
    return this.#runner.run('apply', handler as AnyHandler, [], { kind: 'apply', name: 'apply' })
  }

  reset(field?: string): EventRun {
    const handler = (state: Record<string, unknown>): void => {
      resetFields(this.#tree.shape, state, createInitialState(this.#definition), field)
    }
    return this.#runner.run('reset', handler as AnyHandler, [], { kind: 'reset', name: field ?? this.#definition.name })
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    unregisterStore(this as never)
    const error = new StoreDisposedError(
      `The store of "${this.#definition.name}" was disposed. Make a new one to go on.`,
    )
    this.#office.close(error) // first: a task that lets go of the lease must not let in who waits for it
    this.#tasks.dispose(error)
  }

  #call(name: string, args: readonly unknown[]): EventRun {
    return this.#runner.run(name, this.#handlers[name] as AnyHandler, args, { kind: 'event', name })
  }

  #set(field: string, value: unknown): EventRun {
    const handler = (state: Record<string, unknown>, given: unknown): void => {
      state[field] = given
    }
    const name = `set.${field}`
    return this.#runner.run(name, handler as AnyHandler, [value], { kind: 'event', name })
  }

  #launch(spec: Spec): void {
    const { kind, name, args } = spec
    if (kind === 'task') this.#tasks.start(name, args)
    else void this.#runner.enqueue(name, this.#handlers[name] ?? missingHandler(name), args, { kind: 'event', name })
  }
}

// Where the symbol is missing there is no `await using` either.
if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(PageStore.prototype, Symbol.asyncDispose, { value: PageStore.prototype.dispose })
}

function toArray<T>(value: T | readonly T[] | undefined): readonly T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value as T]
}

function mapNames(names: readonly string[], make: (name: string) => unknown): object {
  return Object.freeze(Object.fromEntries(names.map((name) => [name, make(name)])))
}

function settable({ fields }: StateShape): string[] {
  return [...fields].filter((field) => !field.startsWith('_'))
}

function makeHandlers(
  definition: StateDefinition,
  events: unknown,
  specs: SpecWatch,
): Readonly<Record<string, AnyHandler>> {
  const made: unknown =
    typeof events === 'function'
      ? events({ start: specs.factory('task'), emit: specs.factory('event') })
      : (events ?? {})
  const handlers = made as Record<string, AnyHandler>
  for (const [name, handler] of Object.entries(handlers)) {
    if (typeof handler !== 'function') {
      throw new TypeError(
        `createStore("${definition.name}"): the event "${name}" must be a function, got ${typeof handler}.`,
      )
    }
  }
  return { ...handlers }
}

function missingHandler(name: string): AnyHandler {
  return () => {
    throw new TypeError(
      `There is no event "${name}" to emit. Declare a handler of that name in the events of createStore.`,
    )
  }
}

function resetFields(
  shape: StateShape,
  state: Record<string, unknown>,
  initial: Record<string, unknown>,
  only: string | undefined,
): void {
  if (only !== undefined && !shape.fields.has(only) && !shape.substates.has(only)) {
    throw new TypeError(
      `reset: "${only}" is no field of "${shape.definition.fullName}". Its fields: ${[...shape.fields].join(', ')}.`,
    )
  }
  for (const field of shape.fields) if (only === undefined || only === field) state[field] = initial[field]
  for (const [name, substate] of shape.substates) {
    if (only !== undefined && only !== name) continue
    const [part, first] = [state[name], initial[name]] as [Record<string, unknown>, Record<string, unknown>]
    resetFields(substate, part, first, undefined)
  }
}

function warnOfHolder({ request }: Grant, heldMs: number): void {
  if (!development) return
  console.warn(
    `[leasehold] The ${request.kind === 'event' ? 'event' : 'lease'} "${request.name}" has held the state for ${Math.round(heldMs)} ms: everything else waits. Do slow work outside of it.`,
  )
}

function reportTo(
  onError: ((error: unknown, context: ErrorContext) => void) | undefined,
  error: unknown,
  context: ErrorContext,
): void {
  if (onError === undefined) {
    console.error(error)
    return
  }
  try {
    onError(error, context)
  } catch (failure) {
    console.error(failure)
  }
}
