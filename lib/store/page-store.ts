/*
 * What stands behind a store: puts the rooms of the page together.
 *
 * - Names are made once, from the definition and the handlers; a call of one is an event of its own, like `apply` and `reset`.
 * - `dispose` closes the line before anything else: nobody is let in by what ends.
 */

import { StoreDisposedError } from '../errors.js'
import { asyncDispose } from '../protocol/async-dispose.js'
import type { LeaseOptions } from '../protocol/lease.js'
import type { SpecPayload } from '../protocol/messages.js'
import type { Bulk } from '../protocol/slices.js'
import { SpecWatch } from '../protocol/specs.js'
import { assertMutations } from '../protocol/validate.js'
import { ChangeLog } from '../state/change-log.js'
import type { StateDefinition, StateShape } from '../state/define-state.js'
import { assertDefinition, createInitialState, shapeOf } from '../state/define-state.js'
import { development } from '../state/development.js'
import { replay } from '../state/draft-replay.js'
import type { Mutation } from '../state/mutation.js'
import { toScope } from '../state/scope.js'
import { StateTree } from '../state/tree.js'
import { describe } from '../state/values.js'
import type { Clock } from './clock.js'
import { pageClock } from './clock.js'
import type { CommitListener } from './committer.js'
import { Committer } from './committer.js'
import type { CommitOrigin, ErrorContext, StoreCore } from './core.js'
import { optionsOf } from './define-event.js'
import type { AnyHandler, EventRun, StoreEvent } from './event-request.js'
import { createEvent } from './event-request.js'
import { EventRunner } from './event-runner.js'
import { Handling } from './handling.js'
import { LeaseOffice } from './lease-office.js'
import type { Grant } from './lease-request.js'
import type { Line } from './line-view.js'
import { createLine } from './line-view.js'
import { createObservableView } from './observable-view.js'
import type { LeaseFunction, LeaseRun } from './page-lease.js'
import { leaseOnPage } from './page-lease.js'
import { createPersistHost } from './persist-host.js'
import type { AttachedPersistence, StorePersist } from './persistence.js'
import type { StoreOptions, TaskSources } from './store.js'
import type { BackgroundTasks } from './task-runner.js'
import { TaskRunner } from './task-runner.js'
import { createTaskStarters } from './task-starters.js'
import { createToken, registerStore, unregisterStore } from './tokens.js'
import type { TaskSource } from './worker-tasks.js'

const DEFAULT_TTL_MS = 10_000
const DEFAULT_WARN_AFTER_MS = 1_000

export class PageStore {
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
  readonly #events: ReadonlyMap<string, StoreEvent>
  readonly #persistence: AttachedPersistence | undefined
  #disposed = false

  /**
   * @param clock the page's, but for simulations
   * @param bounds small ones, for simulations and tests
   */
  constructor(
    definition: StateDefinition,
    options: StoreOptions<object, object, TaskSources, Record<string, AnyHandler>>,
    clock: Clock = pageClock,
    bounds: { readonly bulk?: Bulk | undefined; readonly mutationsPerTurn?: number | undefined } = {},
  ) {
    assertDefinition(definition, 'createStore')
    const { ttl = DEFAULT_TTL_MS } = options.lease ?? {}
    if (!(ttl > 0))
      throw new TypeError(`createStore("${definition.name}"): lease.ttl must be a number of milliseconds above 0.`)
    this.#definition = definition
    this.token = options.token ?? options.persist?.token?.() ?? createToken()
    const sources = toArray<TaskSource>(options.tasks)
    for (const source of sources) {
      if (typeof (source as Partial<TaskSource> | null)?.open === 'function') continue
      throw new TypeError(
        `createStore("${definition.name}"): tasks must come from workerTasks(…) or inlineTasks(…), got ${describe(source)}.`,
      )
    }
    const root = createInitialState(definition, options.initialState)
    const shape = shapeOf(definition)
    this.#tree = new StateTree(shape, root, { log: sources.length > 0 ? new ChangeLog(shape) : undefined })
    const { line, changed } = createLine(() => this.#office)
    this.line = line
    this.#office = new LeaseOffice({
      clock,
      warnAfterMs: options.lease?.warnAfter ?? DEFAULT_WARN_AFTER_MS,
      warn: warnOfHolder,
      changed,
    })
    const { onError } = options
    const report = (error: unknown, context: ErrorContext): void => reportTo(onError, error, context)
    const view = createObservableView(this.#tree)
    this.state = view.state
    const committer = new Committer(this.#tree, view, this.#office, report, bounds.mutationsPerTurn)
    this.#committer = committer
    this.#core = {
      definition,
      tree: this.#tree,
      office: this.#office,
      token: this.token,
      lease: { ttlMs: ttl },
      bulk: bounds.bulk,
      commitBatch: (mutations, origin, scope, ready) => committer.commitBatch(mutations, origin, scope, ready),
      openLong: (mutations, origin, scope, ready) => committer.openLong(mutations, origin, scope, ready),
      launch: (spec) => this.#launch(spec),
      report,
    }
    this.#tasks = new TaskRunner(this.#core, sources, clock)
    this.tasks = createTaskStarters(this.#tasks, (name) => this.#handling.assertMayStart(name))
    const specs = new SpecWatch()
    this.#runner = new EventRunner({
      core: this.#core,
      committer,
      handling: this.#handling,
      specs,
    })
    const events = makeEvents(shape, options.events, specs)
    this.#events = events
    const call =
      (event: StoreEvent) =>
      (...args: unknown[]) =>
        this.#runner.run(event, args)
    this.events = mapNames(events.keys(), (name) => call(events.get(name) as StoreEvent))
    this.set = mapNames(settable(shape), (field) => call(setterOf(shape, field)))
    // Each may be taken off the store, and handed to a component or a listener.
    for (const name of ['snapshot', 'lease', 'onCommit', 'apply', 'reset', 'dispose'] as const) {
      Object.defineProperty(this, name, { value: this[name].bind(this), configurable: true, writable: true })
    }
    registerStore(this as never)
    this.#persistence = options.persist?.attach(
      createPersistHost(this.#core, { committer, tasks: this.#tasks, clock, state: this.state }),
    )
  }

  get version(): number {
    return this.#committer.version
  }

  get backgroundTasks(): BackgroundTasks {
    return this.#tasks.backgroundTasks
  }

  get persist(): StorePersist | undefined {
    return this.#persistence?.api
  }

  get ready(): Promise<void> {
    const up = this.#persistence?.ready.then(() => this.#tasks.whenUp())
    return up ?? this.#tasks.whenUp()
  }

  snapshot(): object {
    return this.#tree.snapshot(false)
  }

  lease(fn: LeaseFunction, options: LeaseOptions = {}): LeaseRun<unknown> {
    return leaseOnPage({ core: this.#core, committer: this.#committer, handling: this.#handling }, fn, options)
  }

  onCommit(listener: CommitListener): () => void {
    if (typeof listener !== 'function') throw new TypeError('store.onCommit takes a function of (commit).')
    return this.#committer.listen(listener)
  }

  apply(mutations: readonly Mutation[]): EventRun {
    const handler = (state: object, given: readonly Mutation[]): void => {
      assertMutations(given)
      replay(state, given)
    }
    return this.#runner.run(createEvent(this.#tree.shape, handler, { kind: 'apply', name: 'apply' }), [mutations])
  }

  reset(field?: string): EventRun {
    const handler = (state: Record<string, unknown>): void => {
      resetFields(this.#tree.shape, state, createInitialState(this.#definition), field)
    }
    const origin: CommitOrigin = { kind: 'reset', name: field ?? this.#definition.name }
    return this.#runner.run(createEvent(this.#tree.shape, handler, origin, { name: 'reset' }), [])
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
    await this.#persistence?.dispose()
  }

  #launch({ kind, name, args }: SpecPayload): void {
    if (kind === 'task') {
      this.#tasks.start(name, args)
      return
    }
    const event = this.#events.get(name)
    if (event === undefined) {
      throw new TypeError(
        `There is no event "${name}" to emit in the store of "${this.#definition.name}". Declare a handler of that name in the events of createStore.`,
      )
    }
    void this.#runner.enqueue(event, args)
  }
}

Object.defineProperty(PageStore.prototype, asyncDispose, { value: PageStore.prototype.dispose })

function toArray<T>(value: T | readonly T[] | undefined): readonly T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value as T]
}

function mapNames(names: Iterable<string>, make: (name: string) => unknown): object {
  return Object.freeze(Object.fromEntries([...names].map((name) => [name, make(name)])))
}

function settable({ fields }: StateShape): string[] {
  return [...fields].filter((field) => !field.startsWith('_'))
}

/** What a key press writes is not to wait for a task. */
function setterOf(shape: StateShape, field: string): StoreEvent {
  const handler = (state: Record<string, unknown>, value: unknown): void => {
    state[field] = value
  }
  return createEvent(shape, handler, { kind: 'event', name: `set.${field}` }, { scope: new Set([field]), urgent: true })
}

function makeEvents(shape: StateShape, events: unknown, specs: SpecWatch): ReadonlyMap<string, StoreEvent> {
  const handlers =
    typeof events === 'function'
      ? events({ start: specs.factory('task'), emit: specs.factory('event') })
      : (events ?? {})
  const made = new Map<string, StoreEvent>()
  for (const [name, handler] of Object.entries(handlers as Record<string, AnyHandler>)) {
    const where = `createStore("${shape.definition.name}"): the event "${name}"`
    if (typeof handler !== 'function') throw new TypeError(`${where} must be a function, got ${typeof handler}.`)
    if (name === 'then') throw new TypeError(`${where} must have another name: \`await store.events\` would call it.`)
    const { scope, ...options } = optionsOf(handler)
    try {
      made.set(name, createEvent(shape, handler, { kind: 'event', name }, { ...options, scope: toScope(shape, scope) }))
    } catch (error) {
      throw new TypeError(`${where}: ${(error as Error).message}`)
    }
  }
  return made
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
  const { name, owner } = request
  const ofTask = owner === undefined || owner.name === name ? '' : ` of the task "${owner.name}"`
  console.warn(
    `[leasehold] The ${request.kind === 'event' ? 'event' : 'lease'} "${name}"${ofTask} has held the state for ${Math.round(heldMs)} ms: everything else waits. Do slow work outside of it.`,
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
