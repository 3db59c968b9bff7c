/*
 * The side of the store that persistence sees.
 */

import type { StateShape } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import { replay } from '../state/draft-replay.js'
import type { Mutation, Path } from '../state/mutation.js'
import { valueBrought } from '../state/mutation.js'
import { StateTree } from '../state/tree.js'
import { copyIn } from '../state/values.js'
import type { Clock } from './clock.js'
import { nextTurn } from './clock.js'
import type { Committer } from './committer.js'
import type { StoreCore } from './core.js'
import type { PersistHost, StateBeside } from './persistence.js'
import type { TaskRunner } from './task-runner.js'

/** The rooms of a store that its persistence is shown. */
export interface PersistHostOptions {
  readonly committer: Committer
  readonly tasks: TaskRunner
  readonly clock: Clock
  /** As `store.state`. */
  readonly state: object
}

/** Makes what a store gives to its persistence. */
export function createPersistHost(
  core: StoreCore,
  { committer, tasks, clock, state }: PersistHostOptions,
): PersistHost {
  const { tree, office } = core
  const name = core.definition.fullName
  const inTurn = (turn: () => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const run = () => {
        try {
          resolve(turn())
        } catch (error) {
          reject(error)
        }
      }
      // Once the line is closed nobody holds, and nobody will.
      const request = { name: 'hydrate', kind: 'event', ttlMs: core.lease.ttlMs, sync: true, own: true } as const
      office.request({ ...request, granted: run, refused: run, lost: reject })
    })
  return {
    shape: tree.shape,
    name,
    token: core.token,
    clock,
    state,
    get root() {
      return tree.root
    },
    track: (tracker) => committer.track(tracker),
    onCommit: (listener) => committer.listen(listener),
    hold() {
      tree.hold()
      return tree.root
    },
    keep: (part) => tree.keep(part),
    copyIn,
    beside: (root) => new Beside(tree.shape, root),
    inTurn,
    publish(beside) {
      const { adopted } = beside as Beside // `beside` makes no others
      const changed = [...differences(tree.shape, tree.root, beside.root, [])]
      committer.commit(changed, { kind: 'hydrate', name })
      for (const value of adopted) tree.keep(value)
    },
    async receive(mutations, fresh, isWanted) {
      const origin = { kind: 'hydrate', name } as const
      const ready = { adoptable: fresh, staged: new Map() }
      const long = committer.openLong(mutations, origin, undefined, ready)
      while (long?.isDone === false) {
        long.step()
        await nextTurn(clock)
      }
      return inTurn(() => {
        if (!isWanted()) return
        if (long === undefined) committer.commitBatch(mutations, origin, undefined, ready)
        else long.publish()
      })
    },
    doubt: () => committer.doubt.begin(),
    refuse(error) {
      office.refuse(error)
      return committer.doubt.end(error)
    },
    admit() {
      office.refuse(undefined)
      committer.doubt.end()
    },
    get runs() {
      return tasks.resumable.all
    },
    watchRuns: (changed) => tasks.resumable.watch(changed),
    leaveRuns: (those, reason) => tasks.resumable.leave(those, reason),
    resume(runs) {
      // What goes wrong fails the run, and is told as of any.
      for (const { name, args, attempt } of runs) tasks.start(name, args, { attempt: attempt + 1 })
    },
    report: core.report,
  }
}

class Beside implements StateBeside {
  readonly #tree: StateTree
  /** What commits have shown, and what is part of this state as it is. */
  readonly adopted: object[] = []

  constructor(shape: StateShape, root: Record<string, unknown>) {
    this.#tree = new StateTree(shape, root).fork()
  }

  get root(): Record<string, unknown> {
    return this.#tree.root
  }

  apply(mutations: readonly Mutation[]): readonly Mutation[] {
    const draft = createDraft(this.#tree.shape, this.#tree.root)
    // A value that was committed before is fit for a state, and too large, perhaps, to be copied in this turn.
    const fit = mutations.flatMap((mutation) => ('refs' in mutation && mutation.refs ? [] : [valueBrought(mutation)]))
    const adoptable = new Set(fit.filter((value): value is object => typeof value === 'object' && value !== null))
    replay(draft.state, mutations, { adoptable, staged: new Map() })
    this.adopted.push(...adoptable)
    const changes = draft.changes()
    this.#tree.apply(changes, { shown: true })
    return changes
  }
}

/** The fields that are not the same. */
function* differences(
  shape: StateShape,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  path: Path,
): Generator<Mutation> {
  for (const field of shape.fields) {
    if (!Object.is(before[field], after[field])) yield { op: 'set', path: [...path, field], value: after[field] }
  }
  for (const [name, substate] of shape.substates) {
    const [one, other] = [before[name], after[name]] as [Record<string, unknown>, Record<string, unknown>]
    yield* differences(substate, one, other, [...path, name])
  }
}
