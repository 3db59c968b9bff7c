import type { SpecPayload } from '../protocol/messages.js'
import type { Bulk } from '../protocol/slices.js'
import type { Change } from '../state/change.js'
import type { StateDefinition } from '../state/define-state.js'
import type { ReadyValues } from '../state/draft-replay.js'
import type { Scope } from '../state/scope.js'
import type { StateTree } from '../state/tree.js'
import type { LeaseOffice } from './lease-office.js'

/** Who made a commit. */
export interface CommitOrigin {
  readonly kind: 'event' | 'lease' | 'task' | 'apply' | 'reset' | 'hydrate'
  readonly name: string
  readonly runId?: string
}

/** What failed, where an error is reported that nobody awaits. */
export interface ErrorContext {
  readonly kind: 'event' | 'lease' | 'task' | 'worker' | 'listener' | 'store' | 'persist'
  readonly name: string
}

/** What the rooms of one store share. */
export interface StoreCore {
  readonly definition: StateDefinition
  readonly tree: StateTree
  readonly office: LeaseOffice
  readonly token: string
  readonly lease: { readonly ttlMs: number }
  /** What counts as a large payload; the default where undefined. */
  readonly bulk?: Bulk | undefined
  /**
   * Checks a batch against the newest state and applies it as one commit in this turn, reactions included.
   * @param scope what the batch may change
   * @param ready what of it need not be checked and copied
   * @returns the new version
   * @throws InvalidMutationError, NotCloneableError or OutOfScopeError, and changes nothing
   */
  commitBatch(mutations: readonly Change[], origin: CommitOrigin, scope?: Scope, ready?: ReadyValues): number
  /**
   * Begins a batch that is too long for one turn of the page. Its mutations need not have been looked at before.
   * @returns undefined where the batch is not that long
   */
  openLong?(
    mutations: readonly unknown[],
    origin: CommitOrigin,
    scope?: Scope,
    ready?: ReadyValues,
  ): LongCommit | undefined
  /**
   * Puts an event in the line, or starts a task.
   * @throws TypeError for an event that the store does not have
   */
  launch(spec: SpecPayload): void
  /** Hands an error that nobody awaits to `onError`. */
  report(error: unknown, context: ErrorContext): void
}

/** A batch that is checked and applied in turns, beside the state. Dropping it leaves nothing of it. */
export interface LongCommit {
  readonly isDone: boolean
  /** False after a step that has found what is no mutation. */
  readonly isWellFormed: boolean
  /**
   * Does as much as one turn should take.
   * @throws InvalidMutationError, NotCloneableError or OutOfScopeError
   */
  step(): void
  /** Makes it one commit in this turn, reactions included; the new version. */
  publish(): number
}

/**
 * Launches what belongs to a commit, in order, and reports what cannot be launched.
 * @param by who is told to have failed; what was to be launched where undefined
 */
export function launchAll(core: StoreCore, specs: readonly SpecPayload[], by?: ErrorContext): void {
  for (const spec of specs) {
    try {
      core.launch(spec)
    } catch (error) {
      core.report(error, by ?? { kind: spec.kind, name: spec.name })
    }
  }
}
