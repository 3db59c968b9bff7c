/*
 * The page's end of the port of one worker: handshake, runs, probes.
 *
 * - Nothing is done for a worker before it was welcomed, and nothing but what the allow-list names.
 * - A worker of another build is refused, never left waiting.
 * - A bad message changes nothing, and is reported.
 */

import { VersionMismatchError } from '../errors.js'
import type { Link } from '../protocol/endpoint.js'
import { createLink } from '../protocol/endpoint.js'
import { Inbox } from '../protocol/inbox.js'
import type { PageFacade, TaskInfo, WireError, WorkerFacade } from '../protocol/messages.js'
import { PAGE_METHODS, PROTOCOL_VERSION } from '../protocol/messages.js'
import { transferablesOf } from '../protocol/transfer.js'
import { assertProgress, assertReady, assertSettled, assertSpec, assertStage } from '../protocol/validate.js'
import { fromWireError, toWireError } from '../protocol/wire-error.js'
import type { Clock } from './clock.js'
import { afterResponsive } from './clock.js'
import type { StoreCore } from './core.js'
import { withPlain } from './task-arguments.js'
import type { ConnectedRun } from './worker-leases.js'
import { WorkerLeases } from './worker-leases.js'

export interface ConnectionOptions {
  readonly core: StoreCore
  readonly clock: Clock
  readonly port: MessagePort
  /** The runs of this worker, by number: one that has settled is taken out before it is told. */
  readonly runs: Map<number, ConnectedRun>
  /** The worker was welcomed and serves these tasks. */
  ready(tasks: readonly TaskInfo[], lock: string | undefined): void
  /** The worker is of no use: another build, or it sends garbage. */
  failed(error: Error): void
  /** It held the lease of that name and did not answer. */
  unresponsive(lease: string): void
}

/** Errors of a worker that belong to no run. It stops by itself after as many, if nothing is wrong with it. */
const MAX_REPORTS = 100

export class WorkerConnection {
  readonly #options: ConnectionOptions
  readonly #core: StoreCore
  readonly #link: Link<WorkerFacade>
  readonly #leases: WorkerLeases
  readonly #probes = new Map<number, () => void>()
  /** Runs that were cancelled and did not end in time. */
  readonly #abandoned = new Set<number>()
  #probeId = 0
  #reports = 0
  #welcomed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#core = options.core
    const { core, clock } = options
    this.#link = createLink<WorkerFacade, PageFacade>(options.port, {
      methods: PAGE_METHODS,
      handlers: {
        ready: (payload, protocol, stateVersion) => this.#ready(payload, protocol, stateVersion),
        request: (payload, requestId, runId) => this.#leases.request(payload, requestId, this.#run(runId)),
        withdraw: (_, requestId) => this.#leases.withdraw(requestId),
        commit: (payload, epoch, sequence, last) =>
          this.#leases.commit(payload, epoch, sequence, last === true, this.#link.opened),
        rollback: (_, epoch) => this.#leases.rollback(epoch),
        refresh: (_, requestId, version) => this.#refresh(requestId, version),
        stage: (payload, stageId, runId) => this.#stage(payload, stageId, runId),
        unstage: (_, stageId) => this.#leases.staged.drop(stageId),
        launch: (payload, requestId, runId) => this.#launch(payload, requestId, runId),
        progress: (payload, runId) => {
          assertProgress(payload)
          this.#run(runId)?.progressed(payload)
        },
        settled: (payload, runId) => this.#settled(payload, runId),
        pong: (_, probeId) => {
          this.#probes.get(probeId)?.()
          this.#probes.delete(probeId)
        },
        report: (payload) => {
          if (++this.#reports <= MAX_REPORTS) this.#report(fromWireError(payload))
        },
      },
      onFault: (error, closed) => {
        this.#report(error)
        if (closed) options.failed(new Error('it sent too many malformed messages'))
      },
      onSlice: () => this.#leases.renew(),
      paced: {
        turn: (run) => clock.turn(run),
        inbox: new Inbox((run) => clock.turn(run)),
        overtaking: ['start', 'cancel', 'probe'],
        onDeferred: () => core.tree.hold(),
        onSlice: () => this.#leases.renew(),
        onSendFailed: (error) => options.failed(error as Error), // the endpoint throws no other
      },
      bulk: core.bulk,
      isTree: () => true, // of what does not overtake, only parts of the state are large
    })
    this.#leases = new WorkerLeases(core, this.#link, {
      probe: () => this.probe(),
      unresponsive: (name) => options.unresponsive(name),
      turn: (run) => options.clock.turn(run),
    })
  }

  /** Whether a run of this worker holds the lease. */
  get holdsLease(): boolean {
    return this.#leases.held
  }

  /** @throws NotCloneableError, and sends nothing */
  start({ number, id, name, args, attempt }: ConnectedRun): void {
    withPlain(name, args, (plain) =>
      this.#link.send('start', [number], { id, name, args: plain, attempt }, transferablesOf(plain)),
    )
  }

  cancel({ number }: ConnectedRun, reason: unknown): void {
    // Errors lose their class in structured clone, so they go as errors.
    if (!(reason instanceof Error)) {
      try {
        this.#link.send('cancel', [number], { reason })
        return
      } catch {} // cannot be cloned
    }
    this.#link.send('cancel', [number], { error: toWireError(reason) })
  }

  /** The run is over for the page: what it holds ends, and its worker may still settle it. */
  abandon(run: ConnectedRun): void {
    this.#options.runs.delete(run.number)
    this.#abandoned.add(run.number)
    this.#leases.endRun(run)
  }

  /** Resolves when the worker answers, behind everything that it sent before. Never, if it does not. */
  probe(): Promise<void> {
    const probeId = ++this.#probeId
    return new Promise((resolve) => {
      this.#probes.set(probeId, resolve)
      this.#link.send('probe', [probeId])
    })
  }

  /** Whether the worker answers within that time. */
  answers(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = afterResponsive(this.#options.clock, withinMs, () => resolve(false))
      void this.probe().then(() => {
        cancel()
        resolve(true)
      })
    })
  }

  /** Ends the port, the leases and the places in the line. The runs are the caller's. */
  close(): void {
    this.#link.close()
    this.#leases.close()
    for (const resolve of this.#probes.values()) resolve()
  }

  #ready(payload: unknown, protocol: number, stateVersion: number): void {
    const { definition, tree, token } = this.#core
    const { fullName, version } = definition
    const refuse = (theirs: string) => {
      const message = `The worker of "${fullName}" is of another build: it has ${theirs}. Reload the page, and deploy both together.`
      this.#options.failed(new VersionMismatchError(message))
    }
    if (protocol !== PROTOCOL_VERSION) {
      refuse(`protocol ${protocol}, this page ${PROTOCOL_VERSION}`)
      return
    }
    assertReady(payload)
    if (payload.state !== fullName || stateVersion !== version) {
      refuse(`version ${stateVersion} of the state "${payload.state}", this page version ${version} of "${fullName}"`)
      return
    }
    if (this.#welcomed) throw new TypeError('ready: the worker was welcomed before')
    this.#welcomed = true
    this.#leases.sentVersion = tree.version
    try {
      this.#link.send('welcome', [tree.version], { token, root: tree.root })
    } catch (error) {
      this.#options.failed(error as Error) // a leaf of the state that cannot be cloned any more
      return
    }
    const { tasks, lock } = payload
    this.#link.afterSent(() => this.#options.ready(tasks, lock)) // a run that overtakes the state would find none
  }

  #refresh(requestId: number, version: number): void {
    const { tree } = this.#core
    if (!this.#welcomed || !Number.isSafeInteger(version) || version < 0 || version > tree.version) {
      throw new TypeError(`refresh: there was no version ${version}`)
    }
    try {
      this.#link.send('refreshed', [requestId, tree.version, version], tree.changesSince(version))
    } catch (error) {
      this.#options.failed(error as Error) // nothing else would ever answer the worker
      return
    }
    this.#leases.sentVersion = tree.version
  }

  #launch(payload: unknown, requestId: number, runId: number): void {
    let error: unknown
    try {
      assertSpec(payload)
      // What a run has sent off while it was being cancelled or has ended is done all the same.
      this.#run(runId)
      this.#core.launch(payload)
    } catch (cause) {
      error = toWireError(cause)
    }
    this.#link.send('launched', [requestId], error)
  }

  #stage(payload: unknown, stageId: number, runId: number): void {
    assertStage(payload)
    const run = this.#run(runId)
    let error: WireError | undefined
    try {
      if (run === undefined) throw new TypeError('A value was staged by a run that has ended.')
      this.#leases.staged.keep(stageId, run, payload.value, this.#link.opened)
    } catch (cause) {
      error = toWireError(cause)
    }
    this.#link.send('staged', [stageId], error)
  }

  #settled(payload: unknown, runId: number): void {
    assertSettled(payload)
    const run = this.#run(runId)
    if (run === undefined && this.#abandoned.delete(runId)) return
    if (run === undefined) throw new TypeError(`settled: there is no run ${runId}`)
    this.#options.runs.delete(runId)
    this.#leases.endRun(run)
    run.settled(payload)
  }

  #run(runId: number): ConnectedRun | undefined {
    if (!this.#welcomed) throw new TypeError('The worker was not welcomed yet.')
    return this.#options.runs.get(runId)
  }

  #report(error: unknown): void {
    this.#core.report(error, { kind: 'worker', name: this.#core.definition.fullName })
  }
}
