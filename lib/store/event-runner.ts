/*
 * Events: regular handlers, each one transaction.
 *
 * - With the line free an event runs inside the call; else in its turn. When it throws, nothing has changed.
 * - A handler writes on a draft. Everybody else sees the state before until it commits.
 * - Sync, async, generator, async generator: each `yield` publishes what was written so far, and so does the end.
 * - Specs that it returns or yields leave after the commit, in order.
 * - An event fired by a reaction runs after the commit that is being published, as its own; a hundred rounds of that, and
 *   the next is refused: they fire each other.
 */

import { LeaseholdError, StoreDisposedError } from '../errors.js'
import { isThenable } from '../protocol/is-thenable.js'
import type { Spec, SpecWatch } from '../protocol/specs.js'
import { takeSpecs, unusedSpecs } from '../protocol/specs.js'
import { detach } from '../state/detach.js'
import { warnOnce } from '../state/development.js'
import { createDraft } from '../state/draft.js'
import { settle } from '../state/draft-settle.js'
import { tagOf } from '../state/leaves.js'
import { copyIn } from '../state/values.js'
import type { Committer } from './committer.js'
import type { StoreCore } from './core.js'
import { launchAll } from './core.js'
import type { EventHost, EventRun, StoreEvent } from './event-request.js'
import { EventTurn } from './event-request.js'
import type { Handling } from './handling.js'

/** What the runner needs of its store. */
export interface EventRunnerOptions {
  readonly core: StoreCore
  readonly committer: Committer
  readonly handling: Handling
  readonly specs: SpecWatch
}

const MAX_ROUNDS = 100

export class EventRunner implements EventHost {
  readonly core: StoreCore
  readonly #options: EventRunnerOptions
  // How many commits led to the one that is being published, each fired by a reaction to the one before.
  #round = 0

  constructor(options: EventRunnerOptions) {
    this.#options = options
    this.core = options.core
  }

  /**
   * Runs a handler as an event: now if the line is free, else in its turn.
   * @throws NestedLeaseError in the synchronous part of a handler or lease function
   */
  run(event: StoreEvent, args: readonly unknown[]): EventRun {
    this.#options.handling.assertMayCall(event.name)
    return this.enqueue(event, args, event.urgent)
  }

  /**
   * The same for what a handler or task has asked for by a spec. In its turn, urgent or not: a task would else take the lease
   * back that it holds itself.
   */
  enqueue(event: StoreEvent, args: readonly unknown[], urgent = false): EventRun {
    const { core } = this
    const round = this.#options.committer.isPublishing ? this.#round + 1 : 0
    // An event that waits means what its arguments are now, not what the caller makes of them later.
    const own = core.office.isFree(event.scope) ? args : args.map(copyOfPlain)
    const turn = new EventTurn(this, event, own, urgent, round)
    const { run } = turn
    if (round > MAX_ROUNDS) {
      run.reject(
        new LeaseholdError(
          `The event "${event.name}" was fired by a reaction to a commit that a reaction had fired, ${MAX_ROUNDS} times in a row. Reactions that fire events must come to rest: check whether there is anything to change.`,
        ),
      )
      return run
    }
    core.office.request(turn)
    turn.waits = true
    run.ran = turn.epoch > 0 && (turn.ends || run.isSettled)
    return run
  }

  begin(turn: EventTurn): void {
    const { handler, shape } = turn.event
    const draft = createDraft(shape, this.core.tree.root)
    turn.draft = draft
    let result: unknown
    try {
      result = this.#part(turn, () => handler(draft.state as never, ...(turn.args as never[])))
      if (isIterator(result)) {
        if (isAsyncIterator(result)) {
          turn.sync = false
          void this.#driveAsync(turn, result)
          return
        }
        result = this.#drive(turn, result)
      }
      if (isThenable(result)) {
        turn.sync = false
        warnOnce(
          `The event "${turn.name}" is async: it keeps every other event and task waiting until it ends. To wait for something, use a plain async function that calls store.lease around the write.`,
        )
        result.then(
          (value) => this.#finishLate(turn, () => this.#finish(turn, value)),
          (error: unknown) => this.#finishLate(turn, () => this.#fail(turn, error)),
        )
        return
      }
      this.#finish(turn, result)
    } catch (error) {
      this.#fail(turn, error)
    }
  }

  /** Runs a synchronous part of a handler: what it makes and calls there is its own. */
  #part<T>(turn: EventTurn, part: () => T): T {
    const { specs, handling } = this.#options
    const madeBefore = specs.enter(turn.made)
    const before = handling.enter(turn)
    try {
      return part()
    } finally {
      handling.enter(before)
      specs.enter(madeBefore)
    }
  }

  #drive(turn: EventTurn, iterator: Iterator<unknown>): unknown {
    for (;;) {
      const step = this.#part(turn, () => iterator.next())
      if (step.done === true) return step.value
      try {
        this.#publishSoFar(turn, step.value)
      } catch (error) {
        this.#part(turn, () => iterator.return?.()) // its finally blocks run, and then it is over
        throw error
      }
    }
  }

  async #driveAsync(turn: EventTurn, iterator: AsyncIterator<unknown>): Promise<void> {
    const { office } = this.core
    try {
      for (;;) {
        const step = await this.#part(turn, () => iterator.next())
        if (!office.holds(turn.epoch)) {
          await iterator.return?.()
          return // the run has been told by `lost`
        }
        if (step.done === true) {
          this.#finishLate(turn, () => this.#finish(turn, step.value))
          return
        }
        try {
          this.#publishSoFar(turn, step.value)
        } catch (error) {
          this.#finishLate(turn, () => this.#fail(turn, error)) // first: its finally blocks may take their time, or for ever
          await this.#part(turn, () => iterator.return?.())
          return
        }
        office.renew(turn.epoch)
      }
    } catch (error) {
      this.#finishLate(turn, () => this.#fail(turn, error))
    }
  }

  /** After an await: unless the lease was lost meanwhile, and the run has been told. */
  #finishLate(turn: EventTurn, end: () => void): void {
    const { office } = this.core
    if (!office.holds(turn.epoch)) return
    end()
    office.end(turn.epoch)
  }

  #publishSoFar(turn: EventTurn, yielded: unknown): void {
    const { specs } = takeSpecs(yielded)
    this.#commit(turn)
    if (turn.draft !== undefined) settle(turn.draft.state, this.core.tree.root)
    this.#launch(turn, specs)
  }

  #finish(turn: EventTurn, result: unknown): void {
    const { specs, rest } = takeSpecs(result)
    try {
      const value = detach(rest)
      turn.ends = true
      this.#commit(turn)
      turn.draft?.close(turn.event.ended)
      // A reaction to this very commit may have disposed of the store: there is nobody to launch them.
      if (this.core.office.holds(turn.epoch)) this.#launch(turn, specs)
      else for (const spec of specs) turn.used?.add(spec)
      const unused = unusedSpecs(turn.name, turn.made, turn.used)
      if (unused !== undefined) this.core.report(unused, turn.event.context)
      this.#options.committer.doubt.resolve(turn.run, value, turn.event.origin)
    } catch (error) {
      this.#fail(turn, error)
    }
  }

  #fail(turn: EventTurn, error: unknown): void {
    turn.draft?.close(turn.event.ended)
    turn.run.reject(error)
  }

  #commit(turn: EventTurn): void {
    if (!this.core.office.holds(turn.epoch)) {
      throw new StoreDisposedError(`The event "${turn.name}" disposed of its own store, so nothing of it was applied.`)
    }
    const outer = this.#round
    this.#round = turn.round
    try {
      this.#options.committer.commit(turn.draft?.batch() ?? [], turn.event.origin)
    } finally {
      this.#round = outer
    }
  }

  #launch(turn: EventTurn, specs: readonly Spec[]): void {
    for (const spec of specs) turn.used?.add(spec)
    launchAll(this.core, specs)
  }
}

/** A copy of plain data; anything else as it is. */
function copyOfPlain(value: unknown): unknown {
  try {
    return copyIn(value, [])
  } catch {
    return value
  }
}

function isIterator(value: unknown): value is Iterator<unknown> | AsyncIterator<unknown> {
  return typeof value === 'object' && value !== null && /^(Async)?Generator$/.test(tagOf(value))
}

function isAsyncIterator(value: Iterator<unknown> | AsyncIterator<unknown>): value is AsyncIterator<unknown> {
  return tagOf(value) === 'AsyncGenerator'
}
