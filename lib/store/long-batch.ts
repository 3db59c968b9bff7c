/*
 * A batch that is too long for one turn of the page.
 *
 * - It is checked and applied to a fork of the tree, some mutations a turn. Readers see the state before it all the while.
 * - It has every check of a short one. A mutation that does not fit throws, and dropping the fork is the rollback.
 * - What is left for the end is one step: the tree takes over the fields of the fork, and the view hears what was written.
 */

import { assertBatch } from '../protocol/validate.js'
import type { Change, ColumnMutation } from '../state/change.js'
import { spread } from '../state/change.js'
import { sizeOf } from '../state/containers.js'
import type { StateShape } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import type { ReadyValues } from '../state/draft-replay.js'
import { replay } from '../state/draft-replay.js'
import { fitsColumn, isPlainSet } from '../state/plain-set.js'
import type { StateTree, TreeObserver } from '../state/tree.js'

/** About what a turn of 4 ms takes, of one written field each. */
const PER_TURN = 2_000
/** A field that is written in a column takes so much less. */
const COLUMN_SHARE = 8

/** A write in the fork, for the view to follow. The container may have grown or shrunk since, so its size is kept. */
interface Write {
  readonly mutation: Change
  readonly chain: object[]
  readonly cleared: object | undefined
  readonly size: number
}

export interface LongBatchOptions {
  readonly tree: StateTree
  /** Of the state, or of the scope that may be written. */
  readonly shape: StateShape
  /** Not looked at yet. */
  readonly mutations: readonly unknown[]
  /** What of them need not be checked and copied. */
  readonly ready?: ReadyValues | undefined
  /** @default 2,000 */
  readonly perTurn?: number | undefined
}

export class LongBatch implements TreeObserver {
  readonly #options: LongBatchOptions
  readonly #fork: StateTree
  readonly #writes: Write[] = []
  readonly #inverses: Change[][] = []
  /** What was applied to the fork so far. */
  readonly applied: Change[] = []
  /** See `LongCommit`. */
  isWellFormed = true
  #next = 0

  constructor(options: LongBatchOptions) {
    this.#options = options
    this.#fork = options.tree.fork()
  }

  /**
   * Whether a batch is too long for one turn. One with refs never is: they name places before the batch, which a fork that is
   * written in turns has no more.
   */
  static isLong(mutations: readonly unknown[], perTurn: number = PER_TURN): boolean {
    let count = 0
    for (const one of mutations) {
      if (typeof one === 'object' && one !== null && 'refs' in one) return false
      count += indexesIn(one) ?? 1
    }
    return count > perTurn
  }

  get isDone(): boolean {
    return this.#next >= this.#options.mutations.length
  }

  /**
   * Does as much as one turn should take.
   * @throws InvalidMutationError, NotCloneableError or OutOfScopeError that names the mutation
   */
  step(): void {
    const { shape, ready } = this.#options
    const first = this.#next
    const given = this.#take()
    this.isWellFormed = false
    assertBatch(given, first)
    this.isWellFormed = true
    let part: readonly Change[] = given
    const { root } = this.#fork
    if (!part.every((change) => this.#isPlain(change, root))) {
      const draft = createDraft(shape, root)
      replay(draft.state, spread(part), ready, first)
      part = draft.batch()
    }
    const { inverse } = this.#fork.apply(part, { observer: this, shown: true })
    for (const change of part) this.applied.push(change)
    this.#inverses.push(inverse)
  }

  /** What is next, as much of it as one turn should take. */
  #take(): readonly unknown[] {
    const { mutations, perTurn = PER_TURN } = this.#options
    const first = this.#next
    for (let left = perTurn; left > 0 && !this.isDone; this.#next += 1) {
      const indexes = indexesIn(mutations[this.#next])
      left -= indexes === undefined ? 1 : indexes / COLUMN_SHARE
    }
    return mutations.slice(first, this.#next)
  }

  /** Whether it needs no draft to be checked. */
  #isPlain(change: Change, root: object): boolean {
    const { shape, ready } = this.#options
    if (change.op === 'column') return fitsColumn(shape, root, change)
    return isPlainSet(shape, root, change) && ready?.staged.has(change) !== true
  }

  /** Nothing moves in a batch without refs. */
  owned(): void {}

  wrote(mutation: Change, chain: object[], cleared: object | undefined): void {
    this.#writes.push({ mutation, chain, cleared, size: sizeOf(chain.at(-1) as object) })
  }

  /** Puts what was written into the tree, as one new version. Nobody else may have written those fields in the meantime. */
  publish(observer: TreeObserver): { readonly version: number; readonly inverse: readonly Change[] } {
    const { tree } = this.#options
    const version = tree.merge(this.#fork, this.applied)
    for (const { mutation, chain, cleared, size } of this.#writes) {
      chain[0] = tree.root // the fork has one of its own
      observer.wrote(mutation, chain, cleared, size)
    }
    return { version, inverse: this.#inverses.reverse().flat() }
  }
}

/** How many writes what may be a column has; undefined for anything else. */
function indexesIn(one: unknown): number | undefined {
  const indexes = (one as Partial<ColumnMutation> | null | undefined)?.indexes
  return ArrayBuffer.isView(indexes) ? indexes.length : undefined
}
