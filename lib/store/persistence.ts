/*
 * What the store knows of persistence: whoever keeps its state beyond the page is an object of this shape.
 *
 * - The store gives a host, through which state is read and what was kept comes in, and never asks what is done with it.
 * - Commits go out by `track`, before reactions run; state comes in by `publish`, as one commit.
 */

import type { StateShape } from '../state/define-state.js'
import type { Mutation, Path } from '../state/mutation.js'
import type { Clock } from './clock.js'
import type { CommitListener } from './committer.js'
import type { CommitOrigin, ErrorContext } from './core.js'
import type { KeptRun } from './resumable-runs.js'

/** What `store.persist` is. */
export interface StorePersist {
  /**
   * MobX-observable.
   *
   * - `'hydrating'`: what is stored has not been read yet.
   * - `'ready'`: it has, and nothing is being written.
   * - `'writing'`: a write is under way.
   * - `'degraded'`: storage cannot be read or written. The store goes on in memory, and it is tried again.
   * - `'follower'`: another tab writes. This one shows what is stored, and its events and leases are refused with a
   *   StorageError, until the other has gone.
   */
  readonly status: PersistStatus
  /** Whether what is stored is part of the state, or there was nothing. */
  hasHydrated(): boolean
  /**
   * Stores what is not stored yet, then reads what is stored and makes it the state, in one commit. What is committed
   * meanwhile is applied on top.
   * @throws StorageError if it cannot be read; the state is what it was
   */
  rehydrate(): Promise<void>
  /**
   * Resolves once everything is stored that was committed before the call. A follower has nothing to store.
   * @throws StorageError if it could not be stored. It stays in memory, and is tried again
   */
  flush(): Promise<void>
  /**
   * Deletes what is stored under the name. The state stays as it is, and `status` is `'ready'`: the next commit stores all of
   * it, and so does a run with `resume` that is under way.
   * @throws StorageError, also in a follower
   */
  clear(): Promise<void>
}

export type PersistStatus = 'hydrating' | 'ready' | 'writing' | 'degraded' | 'follower'

/** What `createStore` takes as `persist`. `S` is the state that it fits, `Persist` what `store.persist` is then. */
export interface Persistence<in S extends object, out Persist extends StorePersist | undefined = StorePersist> {
  /** Called once, by the store that it is given to. */
  attach(host: PersistHost): AttachedPersistence
  /** The token of the store where its maker gives none: asked for before `attach`. @default a random one */
  token?(): string
  /** In types alone. */
  readonly fits?: (state: S) => Persist
}

/** The persistence of one store. */
export interface AttachedPersistence {
  readonly api: StorePersist
  /** Resolves when the first hydration is over, however it ended. */
  readonly ready: Promise<void>
  /** Stores what is not stored yet, if it can, and lets go of the host. Never rejects. */
  dispose(): Promise<void>
}

/** A state beside that of the store: nobody sees it before it is published. */
export interface StateBeside {
  readonly root: Record<string, unknown>
  /**
   * Applies a batch, whole or not at all.
   * @returns the mutations that it has come down to
   * @throws InvalidMutationError for one that does not fit
   */
  apply(mutations: readonly Mutation[]): readonly Mutation[]
}

/** What a store gives to whoever keeps its state. */
export interface PersistHost {
  readonly shape: StateShape
  /** Of the definition, for names and messages. */
  readonly name: string
  /** As `store.token`. */
  readonly token: string
  readonly clock: Clock
  /** As `store.state`. */
  readonly state: object
  /** The data of the newest version, backend fields too. Never to be written to, and changed in place by later commits. */
  readonly root: Record<string, unknown>
  /** Called with the mutations of each commit, before reactions run. What they hold is good during the call alone. */
  track(tracker: (mutations: readonly Mutation[]) => void): void
  /** As `store.onCommit`: what a commit holds never changes afterwards. */
  onCommit(listener: CommitListener): () => void
  /** The data of the newest version, which stays as it is: the next change of a container pays one copy of it. */
  hold(): Record<string, unknown>
  /** Part of the data stays as it is for whoever has it. Costs a look at each container in the part, and a copy of those that change. */
  keep(part: unknown): void
  /**
   * A checked copy of what comes from outside, as it is when it is assigned.
   * @throws NotCloneableError
   */
  copyIn(value: unknown, path: Path): unknown
  /** Opens a state over `root`, in which nothing is written in place. */
  beside(root: Record<string, unknown>): StateBeside
  /** Runs `turn` when nobody holds a lease and nobody is ahead in the line. Rejects with what it throws. */
  inTurn(turn: () => void): Promise<void>
  /** Makes a state the newest version, in `inTurn` alone: one commit of the fields that differ. */
  publish(beside: StateBeside): void
  /**
   * Applies mutations that bring the state up to what is stored, in `refuse` alone, where nobody else writes: one commit, made
   * ready in turns where it is long.
   * @param fresh values of the mutations that are fit for a state and nobody else's
   * @param isWanted asked at the last moment: whether it is still to be made
   * @throws InvalidMutationError for one that does not fit; nothing is applied
   */
  receive(mutations: readonly Mutation[], fresh: ReadonlySet<object>, isWanted: () => boolean): Promise<void>
  /** It is not known whether what is committed from now on may stand: whoever awaits it waits for `admit` or `refuse`. */
  doubt(): void
  /**
   * Refuses events and leases with `error` until `admit`, those that wait or hold too.
   * @returns whose commits, since `doubt`, are told to have been taken back: see to that
   */
  refuse(error: Error): readonly CommitOrigin[]
  /** Lets everybody write. */
  admit(): void
  /** The runs that are to be started again if the page goes before they end. `changed` is called when one has come or gone. */
  readonly runs: readonly KeptRun[]
  watchRuns(changed: () => void): void
  /** Those of `runs` that go on elsewhere: cancels them here with `reason`, and keeps them no more. */
  leaveRuns(those: readonly KeptRun[], reason: Error): void
  /** Starts runs that were cut short. */
  resume(runs: readonly KeptRun[]): void
  report(error: unknown, context: ErrorContext): void
}
