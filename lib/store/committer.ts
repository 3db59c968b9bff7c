/*
 * Commits: the one place where state changes.
 *
 * - A batch is checked whole before it is applied, and applied in one turn: tree, view and version move together.
 * - Reactions run in one MobX batch, listeners after them. What fails in them is reported and changes nothing of the commit.
 * - While a commit is being published nobody is granted a lease: an event that a reaction fires runs right after.
 */

import type { IAtom } from 'mobx'
import { createAtom, transaction } from 'mobx'
import type { Change } from '../state/change.js'
import { spread } from '../state/change.js'
import { createDraft } from '../state/draft.js'
import type { ReadyValues } from '../state/draft-replay.js'
import { replay } from '../state/draft-replay.js'
import type { Mutation } from '../state/mutation.js'
import { fitsColumn } from '../state/plain-set.js'
import type { Scope } from '../state/scope.js'
import { scopedShape } from '../state/scope.js'
import type { StateTree } from '../state/tree.js'
import type { CommitOrigin, ErrorContext, LongCommit } from './core.js'
import { Doubt } from './doubt.js'
import type { LeaseOffice } from './lease-office.js'
import { LongBatch } from './long-batch.js'
import type { ObservableView } from './observable-view.js'

/** One commit, as `onCommit` shows it. What it holds never changes afterwards. */
export interface Commit {
  readonly version: number
  readonly origin: CommitOrigin
  readonly mutations: readonly Mutation[]
  /** Leads back: applied to the state after, gives the state before (but for the place of restored keys). */
  readonly inverse: readonly Mutation[]
}

/** What has become of a batch in the tree. */
interface Applied {
  readonly version: number
  readonly inverse: readonly Change[]
}

export type CommitListener = (commit: Commit) => void

export class Committer {
  readonly #tree: StateTree
  readonly #view: ObservableView
  readonly #office: LeaseOffice
  readonly #report: (error: unknown, context: ErrorContext) => void
  readonly #version: IAtom = createAtom('store.version')
  readonly #listeners = new Set<CommitListener>()
  #tracker: ((mutations: readonly Mutation[]) => void) | undefined
  readonly #perTurn: number | undefined
  /** Whether commits stand, for those who wait to be told that they were made. */
  readonly doubt: Doubt = new Doubt()
  #publishing = 0

  /** @param perTurn how many mutations of a long batch are applied in one turn */
  constructor(
    tree: StateTree,
    view: ObservableView,
    office: LeaseOffice,
    report: (error: unknown, context: ErrorContext) => void,
    perTurn?: number,
  ) {
    this.#perTurn = perTurn
    this.#tree = tree
    this.#view = view
    this.#office = office
    this.#report = report
  }

  /** The number of commits so far; observable. */
  get version(): number {
    this.#version.reportObserved()
    return this.#tree.version
  }

  /** True while reactions and listeners of a commit run. */
  get isPublishing(): boolean {
    return this.#publishing > 0
  }

  listen(listener: CommitListener): () => void {
    const own: CommitListener = (commit) => listener(commit) // one function may listen twice
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** Calls `tracker` with what each commit has done, before reactions run. The mutations are good during the call alone. */
  track(tracker: (mutations: readonly Mutation[]) => void): void {
    this.#tracker = tracker
  }

  /**
   * Checks a batch from elsewhere against the newest state, and applies it.
   * @param scope what it may change
   * @param ready what of it need not be checked and copied
   * @throws InvalidMutationError, NotCloneableError or OutOfScopeError, and changes nothing
   */
  commitBatch(changes: readonly Change[], origin: CommitOrigin, scope?: Scope, ready?: ReadyValues): number {
    if (changes.length === 0) return this.#tree.version
    const shape = scopedShape(this.#tree.shape, scope, origin.name)
    const { root } = this.#tree
    if (changes.every((change) => change.op === 'column' && fitsColumn(shape, root, change)))
      return this.commit(changes, origin)
    const mutations = spread(changes)
    const draft = createDraft(shape, root)
    replay(draft.state, mutations, ready)
    return this.commit(draft.batch(), origin)
  }

  /** See {@link StoreCore.openLong}. */
  openLong(
    mutations: readonly unknown[],
    origin: CommitOrigin,
    scope?: Scope,
    ready?: ReadyValues,
  ): LongCommit | undefined {
    if (!LongBatch.isLong(mutations, this.#perTurn)) return undefined
    const shape = scopedShape(this.#tree.shape, scope, origin.name)
    const batch = new LongBatch({ tree: this.#tree, shape, mutations, ready, perTurn: this.#perTurn })
    return {
      get isDone() {
        return batch.isDone
      },
      get isWellFormed() {
        return batch.isWellFormed
      },
      step: () => batch.step(),
      publish: () => {
        const { applied } = batch
        if (applied.length === 0) return this.#tree.version
        return this.#publish(applied, origin, () => batch.publish(this.#view.begin(applied)))
      },
    }
  }

  /** Applies what a draft on the newest state has recorded. */
  commit(mutations: readonly Change[], origin: CommitOrigin): number {
    if (mutations.length === 0) return this.#tree.version
    return this.#publish(mutations, origin, () =>
      this.#tree.apply(mutations, { observer: this.#view.begin(mutations), shown: this.#listeners.size > 0 }),
    )
  }

  #publish(changes: readonly Change[], origin: CommitOrigin, apply: () => Applied): number {
    this.#office.pause()
    this.#publishing += 1
    try {
      const tracked = this.#tracker && spread(changes)
      const { version, inverse } = this.#inBatch(tracked, apply)
      if (this.#listeners.size > 0) {
        const mutations = tracked ?? spread(changes)
        this.#tell({ version, origin, mutations, inverse: spread(inverse) })
      }
      return version
    } finally {
      this.#publishing -= 1
      this.#office.resume()
    }
  }

  /**
   * Applies a batch inside of a MobX batch: reactions run at its end, unless the caller is in one of his own.
   * @param tracked what the tracker is told
   */
  #inBatch(tracked: readonly Mutation[] | undefined, apply: () => Applied): Applied {
    let applied: Applied | undefined
    try {
      transaction(() => {
        applied = apply()
        if (tracked !== undefined) this.#tracker?.(tracked)
        this.#version.reportChanged()
      })
    } catch (error) {
      if (applied === undefined) throw error
      // Only with MobX's error boundaries switched off does a reaction's error come out here.
      this.#report(error, { kind: 'listener', name: 'reaction' })
    }
    return applied as unknown as Applied // it was assigned in the batch
  }

  #tell(commit: Commit): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(commit)
      } catch (error) {
        this.#report(error, { kind: 'listener', name: 'onCommit' })
      }
    }
  }
}
