/*
 * What crosses the thread boundary.
 *
 * - Two facades, one for each side. Their methods take and give primitives, return at once and never throw; the result
 *   says whether the message was understood. Data and errors ride beside the call, as its payload.
 * - An answer that cannot be given at once is a call in the other direction, so that whatever was sent before it has
 *   arrived before it: a pong that follows a commit proves that the commit was seen.
 */

import type { Change } from '../state/change.js'
import type { Path } from '../state/mutation.js'

export type { Changes } from '../state/change-log.js'

/**
 * The version of this protocol. A worker with another one is refused.
 * 1: first version.
 */
export const PROTOCOL_VERSION = 1

/** An error on the wire: what `wire-error` makes of it. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | number | undefined
  readonly cause: WireError | { readonly value: unknown } | undefined
  /** `path` of a NotCloneableError. */
  readonly path: readonly unknown[] | undefined
  /** `reason` of a StorageError. */
  readonly reason?: string
  /** What was thrown, if it was no error: then the fields above only describe it. */
  readonly thrown?: { readonly value: unknown }
  /** `errors` of an AggregateError. */
  readonly errors?: readonly WireError[]
  /** It is a DOMException, whose class does not follow from its name. */
  readonly dom?: true
}

export const CONCURRENCY = ['parallel', 'drop', 'enqueue', 'keepLatest', 'restartable'] as const

/** What happens to a run of a task when others of it have not ended: see `defineTask`. */
export type Concurrency = (typeof CONCURRENCY)[number]

/** What a worker says of one of its tasks. */
export interface TaskInfo {
  readonly name: string
  /** 'parallel' where undefined. */
  readonly concurrency?: Concurrency | undefined
  /** How many runs may go on at once, where `concurrency` limits them; 1 where undefined. */
  readonly maxConcurrency?: number | undefined
  /** A run that a reload cut short is started again; not where undefined. */
  readonly resume?: boolean | undefined
}

/** What is to be done after a commit, or at once: an event or the start of a task. */
export interface SpecPayload {
  readonly kind: 'event' | 'task'
  readonly name: string
  readonly args: readonly unknown[]
}

/** Payload of {@link PageFacade.ready}. */
export interface ReadyPayload {
  /** `fullName` of the definition that the worker serves. */
  readonly state: string
  readonly tasks: readonly TaskInfo[]
  /** Name of a Web Lock that the worker holds for as long as it lives; undefined where there is none. */
  readonly lock: string | undefined
}

/** Payload of {@link PageFacade.request}: a worker asks for a lease. */
export interface LeaseRequestPayload {
  /** Shown in the line, in warnings and errors; the task's name where none was given. */
  readonly name: string
  /** Milliseconds of responsive time; the store's default where undefined. */
  readonly ttl?: number | undefined
  /** Refuse at once unless the line is free. @default false */
  readonly ifAvailable?: boolean
  /** Milliseconds in the line after which the request is refused. */
  readonly timeout?: number | undefined
  /** Names of the top-level fields and substates that are leased; all of them where undefined. */
  readonly scope?: readonly string[] | undefined
  /** An urgent event may take the lease back, until its first batch has been applied. @default true */
  readonly revocable?: boolean
  /** The epoch of the revoked lease whose function is to run again: its request goes ahead of the line. */
  readonly again?: number | undefined
}

/** Payload of {@link PageFacade.commit}. */
export interface CommitPayload {
  readonly mutations: readonly Change[]
  /** Carried out in order once the batch is applied; none where undefined. */
  readonly specs: readonly SpecPayload[] | undefined
  /** Staged values that are put into those of the mutations, each once; none where undefined. */
  readonly staged?: readonly StagedPlace[] | undefined
}

/** Where a staged value goes: its place in the value holds `undefined`. */
export interface StagedPlace {
  /** Index of the mutation. */
  readonly mutation: number
  /** Path inside its value, as of a ref. */
  readonly at: Path
  /** As it was staged under. */
  readonly id: number
}

/** Payload of {@link PageFacade.progress}. */
export interface ProgressPayload {
  readonly value: number
  readonly total: number | undefined
  readonly label: string | undefined
}

/** Payload of {@link PageFacade.settled}. */
export type SettledPayload =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: WireError }

/** Payload of {@link WorkerFacade.start}. */
export interface StartPayload {
  /** What `task.id` says; the number of the run where undefined. */
  readonly id?: string
  readonly name: string
  readonly args: readonly unknown[]
  /** How often it was started; 1 where undefined. */
  readonly attempt?: number
}

/** What a worker may call on the page. */
export interface PageFacade {
  /** The worker serves: its first call. Payload: {@link ReadyPayload}. Answered by `welcome`, or the worker is refused. */
  ready(protocol: number, stateVersion: number): void
  /** Asks for a lease for a run; `version` is what the worker has. Payload: {@link LeaseRequestPayload}. Answered by `granted` or `refused`. */
  request(requestId: number, runId: number, version: number): void
  /** The request is no longer wanted; if it was granted in the meantime, the lease is over. */
  withdraw(requestId: number): void
  /** A batch of the lease `epoch`, the `sequence`-th from 0; `last` ends the lease. Payload: {@link CommitPayload}. Answered by `committed` or `rejected`. */
  commit(epoch: number, sequence: number, last: boolean): void
  /** The lease is over and nothing of its batch is wanted. */
  rollback(epoch: number): void
  /** Asks for the changes since `version`. Answered by `refreshed`. */
  refresh(requestId: number, version: number): void
  /**
   * A run sends a value ahead of the commit that will put it in place. Payload: `{ value }`, a container. Answered by `staged`.
   * The page keeps it until a commit has used it, or the run ends.
   */
  stage(stageId: number, runId: number): void
  /** The staged value is no longer wanted. */
  unstage(stageId: number): void
  /** A run wants an event put in the line, or a task started. Payload: {@link SpecPayload}. Answered by `launched`. */
  launch(requestId: number, runId: number): void
  /** Payload: {@link ProgressPayload}. */
  progress(runId: number): void
  /** The run has ended. Payload: {@link SettledPayload}. */
  settled(runId: number): void
  /** Answers `probe`, behind everything that the worker sent before. */
  pong(probeId: number): void
  /** Something failed that belongs to no run. Payload: {@link WireError}. */
  report(): void
}

/** What the page may call in a worker. */
export interface WorkerFacade {
  /** The worker was accepted. Payload: `{ token, root }`: the state at `version`. */
  welcome(version: number): void
  /** Starts a run. Payload: {@link StartPayload}. Answered, in the end, by `settled`. */
  start(runId: number): void
  /** Aborts the signal of a run. Payload: `{ reason }` or, where the reason cannot be cloned, `{ error }` (a {@link WireError}). */
  cancel(runId: number): void
  /**
   * The lease is held from now on, at `version`. Payload: {@link Changes} from `since` to `version`. `since` is best the version
   * that the page last sent to this worker: it may have moved after the request. From another one the worker asks anew.
   */
  granted(requestId: number, epoch: number, version: number, since: number): void
  /** The request left the line without a lease. Payload: {@link WireError}, or undefined for `ifAvailable`. */
  refused(requestId: number): void
  /**
   * The batch was applied, and the state is at `version` now. Without a payload the batch alone led there from the version
   * before it; else the payload is {@link Changes} from `since` to `version`, the batch among them.
   */
  committed(epoch: number, sequence: number, version: number, since: number): void
  /** The batch was refused and nothing of it applied; the lease is over. Payload: {@link WireError}. */
  rejected(epoch: number, sequence: number): void
  /** The event of `launch` is in the line, or the run of the task is made. Payload: undefined, or a {@link WireError}. */
  launched(requestId: number): void
  /** The value of `stage` is here, or refused. Payload: undefined, or a {@link WireError}. */
  staged(stageId: number): void
  /** Payload: {@link Changes} from `since` (as in `granted`) to `version`. */
  refreshed(requestId: number, version: number, since: number): void
  /** The lease is over before its holder ended it. Payload: {@link WireError}. */
  ended(epoch: number): void
  /** Asks whether the worker answers. */
  probe(probeId: number): void
}

/** Names of the facades' methods: the allow-list of each endpoint. */
export const PAGE_METHODS: readonly (keyof PageFacade)[] = [
  'ready',
  'request',
  'withdraw',
  'commit',
  'rollback',
  'refresh',
  'stage',
  'unstage',
  'launch',
  'progress',
  'settled',
  'pong',
  'report',
]
export const WORKER_METHODS: readonly (keyof WorkerFacade)[] = [
  'welcome',
  'start',
  'cancel',
  'granted',
  'refused',
  'committed',
  'rejected',
  'launched',
  'staged',
  'refreshed',
  'ended',
  'probe',
]

/** What each lease and each run sends, of both facades: these calls cross as frames. */
export const FRAMES: readonly string[] = [
  'request',
  'granted',
  'commit',
  'committed',
  'start',
  'settled',
  'probe',
  'pong',
]
/** Frames that may wait for the next one, and cross with it. */
export const ANSWERS: readonly string[] = ['committed']

/** A worker says on its own channel that it serves a state, before there is a port. The page answers with {@link PortMessage}. */
export interface ServeMessage {
  readonly leasehold: 'serve'
  readonly protocol: number
  /** `fullName` of the definition that it serves. */
  readonly state: string
}

/** The page gives a worker the port for all that follows. */
export interface PortMessage {
  readonly leasehold: 'port'
  /** `fullName` of the definition, so that a worker which serves two states knows whose port it is. */
  readonly state: string
  readonly port: MessagePort
}
