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

import { LeaseholdError, LeaseReleasedError, StoreDisposedError } from '../errors.js'
import { isThenable } from '../protocol/is-thenable.js'
import type { Spec, SpecWatch } from '../protocol/specs.js'
import { takeSpecs, unusedSpecs } from '../protocol/specs.js'
import { detach } from '../state/detach.js'
import { development, warnOnce } from '../state/development.js'
import { createDraft } from '../state/draft.js'
import { settle } from '../state/draft-settle.js'
import { tagOf } from '../state/leaves.js'
import { copyIn } from '../state/values.js'
import type { Committer } from './committer.js'
import type { StoreCore } from './core.js'
import { launchAll } from './core.js'
import type { EventRun, StoreEvent, Turn } from './event-request.js'
import { EventRequest, Run } from './event-request.js'
import type { Handling } from './handling.js'
import type { Grant } from './lease-request.js'

/** What the runner needs of its store. */
export interface EventRunnerOptions {
  readonly core: StoreCore
  readonly committer: Committer
  readonly handling: Handling
  readonly specs: SpecWatch
}

const MAX_ROUNDS = 100

export class EventRunner {
  readonly #options: EventRunnerOptions
  // How many commits led to the one that is being published, each fired by a reaction to the one before.
  #round = 0

  constructor(options: EventRunnerOptions) {
    this.#options = options
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
    const { core, committer } = this.#options
    const { name, scope } = event
    const round = committer.isPublishing ? this.#round + 1 : 0
    const run = new Run((error) => core.report(error, { kind: 'event', name }))
    if (round > MAX_ROUNDS) {
      run.reject(
        new LeaseholdError(
          `The event "${name}" was fired by a reaction to a commit that a reaction had fired, ${MAX_ROUNDS} times in a row. Reactions that fire events must come to rest: check whether there is anything to change.`,
        ),
      )
      return run
    }
    // An event that waits means what its arguments are now, not what the caller makes of them later.
    const own = core.office.isFree(scope) ? args : args.map(copyOfPlain)
    const begin = (grant: Grant, request: EventRequest): void => this.#begin(grant, request, event, own, round)
    const request = new EventRequest(event, urgent, core.lease.ttlMs, run, begin)
    core.office.request(request)
    request.waits = true
    run.ran = request.turn !== undefined && (request.turn.ends || run.isSettled)
    return run
  }

  #begin(
    grant: Grant,
    request: EventRequest,
    { handler, origin, shape }: StoreEvent,
    args: readonly unknown[],
    round: number,
  ): void {
    const { core } = this.#options
    const draft = createDraft(shape, core.tree.root)
    const turn: Turn = {
      name: request.name,
      epoch: grant.epoch,
      run: request.run,
      draft,
      origin,
      round,
      made: development ? new Set() : undefined,
      used: development ? new Set() : undefined,
      ends: false,
    }
    request.turn = turn
    let result: unknown
    try {
      result = this.#part(turn, () => handler(draft.state as never, ...(args as never[])))
      if (isIterator(result)) {
        if (isAsyncIterator(result)) {
          request.sync = false
          void this.#driveAsync(turn, result)
          return
        }
        result = this.#drive(turn, result)
      }
      if (isThenable(result)) {
        request.sync = false
        warnOnce(
          `The event "${request.name}" is async: it keeps every other event and task waiting until it ends. To wait for something, use a plain async function that calls store.lease around the write.`,
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
  #part<T>(turn: Turn, part: () => T): T {
    const close = this.#options.specs.open(turn.made)
    try {
      return this.#options.handling.run('event', turn.name, part)
    } finally {
      close()
    }
  }

  #drive(turn: Turn, iterator: Iterator<unknown>): unknown {
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

  async #driveAsync(turn: Turn, iterator: AsyncIterator<unknown>): Promise<void> {
    const { office } = this.#options.core
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
  #finishLate(turn: Turn, end: () => void): void {
    const { office } = this.#options.core
    if (!office.holds(turn.epoch)) return
    end()
    office.end(turn.epoch)
  }

  #publishSoFar(turn: Turn, yielded: unknown): void {
    const { specs } = takeSpecs(yielded)
    this.#commit(turn)
    settle(turn.draft.state, this.#options.core.tree.root)
    this.#launch(turn, specs)
  }

  #finish(turn: Turn, result: unknown): void {
    const { specs, rest } = takeSpecs(result)
    try {
      const value = detach(rest)
      turn.ends = true
      this.#commit(turn)
      this.#close(turn)
      // A reaction to this very commit may have disposed of the store: there is nobody to launch them.
      if (this.#options.core.office.holds(turn.epoch)) this.#launch(turn, specs)
      else for (const spec of specs) turn.used?.add(spec)
      const unused = unusedSpecs(turn.name, turn.made, turn.used)
      if (unused !== undefined) this.#options.core.report(unused, { kind: 'event', name: turn.name })
      this.#options.committer.doubt.resolve(turn.run, value, turn.origin)
    } catch (error) {
      this.#fail(turn, error)
    }
  }

  #fail(turn: Turn, error: unknown): void {
    this.#close(turn)
    turn.run.reject(error)
  }

  #close(turn: Turn): void {
    const { name } = turn
    turn.draft.close(
      () =>
        new LeaseReleasedError(
          `A draft of the event "${name}" was used after the event had ended. Read what is needed before, or call another event.`,
        ),
    )
  }

  #commit(turn: Turn): void {
    if (!this.#options.core.office.holds(turn.epoch)) {
      throw new StoreDisposedError(`The event "${turn.name}" disposed of its own store, so nothing of it was applied.`)
    }
    const outer = this.#round
    this.#round = turn.round
    try {
      this.#options.committer.commit(turn.draft.changes(), turn.origin)
    } finally {
      this.#round = outer
    }
  }

  #launch(turn: Turn, specs: readonly Spec[]): void {
    for (const spec of specs) turn.used?.add(spec)
    launchAll(this.#options.core, specs)
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
