/*
 * The leases of one worker.
 *
 * - A batch is checked against the fence and applied in the same turn: it counts if its very epoch is held, by this worker,
 *   and its number is the next one. All else is refused, whenever it arrives.
 * - A long batch is made ready in turns, and published in one in which its lease is still held. It does not expire meanwhile.
 * - A batch that comes twice is applied once and answered twice.
 * - A batch that is refused, for whatever reason, ends its lease, and nothing of it was applied.
 * - A lease that was revoked three times running is let finish.
 * - When a run or the worker ends, its places in the line and its leases end with it.
 *
 * One file: each of these is about when a lease still counts, and they lean on each other.
 */

import { InvalidMutationError, LeaseReleasedError, LeaseRevokedError } from '../errors.js'
import type { Link } from '../protocol/endpoint.js'
import type {
  Changes,
  CommitPayload,
  LeaseRequestPayload,
  ProgressPayload,
  SettledPayload,
  WorkerFacade,
} from '../protocol/messages.js'
import { assertCommit, assertLeaseRequest, assertLongCommit } from '../protocol/validate.js'
import { toWireError } from '../protocol/wire-error.js'
import type { ReadyValues } from '../state/draft-replay.js'
import type { Scope } from '../state/scope.js'
import { toScope } from '../state/scope.js'
import type { CommitOrigin, LongCommit, StoreCore } from './core.js'
import { launchAll } from './core.js'
import type { Ticket } from './lease-office.js'
import type { Grant, LeaseRequest } from './lease-request.js'
import { Staged } from './staged.js'

/** A run, as the end of its worker's port knows it. */
export interface ConnectedRun {
  readonly number: number
  readonly id: string
  readonly name: string
  readonly args: readonly unknown[]
  /** How often it was started, reloads between. */
  readonly attempt: number
  progressed(progress: ProgressPayload): void
  settled(outcome: SettledPayload): void
}

export interface LeaseEvents {
  /** Asks the worker; resolves when it answers. */
  probe(): Promise<void>
  /** The worker held the lease of that name and did not answer. */
  unresponsive(lease: string): void
  /** Runs something in a turn of its own, soon. */
  turn(run: () => void): void
}

/** In the line, and held. */
interface Lease extends LeaseRequest {
  readonly requestId: number
  readonly owner: ConnectedRun
  /** Not any more when its first batch has been applied. */
  revocable: boolean
  ticket: Ticket | undefined
  epoch: number | undefined
  /** Number of its next batch. */
  sequence: number
  /** A batch of it is being applied in turns. */
  isApplying: boolean
  /** How often its function was revoked before. */
  readonly revocations: number
}

/** Which batch it is, of which lease. */
interface Batch {
  readonly epoch: number
  readonly sequence: number
  readonly last: boolean
}

/** A lease that was revoked, and whose function is to run again. */
interface Revoked {
  readonly run: ConnectedRun
  readonly revocations: number
}

const MAX_REVOCATIONS = 3
// A duplicate follows its first copy closely; more are kept than a worker can have under way.
const KEPT_ANSWERS = 64

export class WorkerLeases {
  readonly #core: StoreCore
  readonly #link: Link<WorkerFacade>
  readonly #events: LeaseEvents
  readonly #requests = new Map<number, Lease>()
  readonly #held = new Map<number, Lease>()
  /** How to answer a batch again, by epoch and number. */
  readonly #answers = new Map<string, () => void>()
  readonly #revoked = new Map<number, Revoked>()
  /** Why a lease was lost, by epoch. */
  readonly #lost = new Map<number, Error>()
  /** What was sent ahead for its batches. */
  readonly staged: Staged = new Staged()
  /** The version that was sent last: what the worker has once all messages have arrived. */
  sentVersion = 0

  constructor(core: StoreCore, link: Link<WorkerFacade>, events: LeaseEvents) {
    this.#core = core
    this.#link = link
    this.#events = events
  }

  get held(): boolean {
    return this.#held.size > 0
  }

  /** Part of a batch has come: the leases are not let expire while it is on its way. */
  renew(): void {
    for (const epoch of this.#held.keys()) this.#core.office.renew(epoch)
  }

  withdraw(requestId: number): void {
    this.#drop(this.#requests.get(requestId))
  }

  rollback(epoch: number): void {
    this.#drop(this.#held.get(epoch))
  }

  /** Ends what a run leaves behind: a lease that it did not await. */
  endRun(run: ConnectedRun): void {
    for (const lease of this.#backwards()) {
      if (lease.owner !== run) continue
      const { name } = lease
      const error = new LeaseReleasedError(`Task "${run.name}" has ended without awaiting its lease "${name}".`)
      if (lease.epoch === undefined) this.#refused(lease.requestId, error)
      else this.#tellLost(lease.epoch, error)
      this.#drop(lease)
    }
    for (const [epoch, revoked] of this.#revoked) if (revoked.run === run) this.#revoked.delete(epoch)
    this.staged.endRun(run)
  }

  /** Ends everything; the link is closed. */
  close(): void {
    for (const lease of this.#backwards()) this.#drop(lease)
    this.staged.clear()
  }

  request(payload: unknown, requestId: number, run: ConnectedRun | undefined): void {
    let scope: Scope
    try {
      assertLeaseRequest(payload)
      scope = toScope(this.#core.tree.shape, payload.scope)
    } catch (error) {
      this.#refused(requestId, error) // options that the task's author got wrong
      return
    }
    if (this.#requests.has(requestId)) throw new TypeError(`request: ${requestId} is in use`)
    const { office } = this.#core
    if (run === undefined) {
      this.#refused(requestId, new LeaseReleasedError(`Lease "${payload.name}" was asked for by a run that has ended.`))
    } else if (payload.ifAvailable && !office.isFree(scope)) {
      this.#link.send('refused', [requestId])
    } else this.#enqueue(payload, scope, requestId, run)
  }

  #enqueue(payload: LeaseRequestPayload, scope: Scope, requestId: number, run: ConnectedRun): void {
    const { name, ttl, timeout, again, revocable = true } = payload // without what else is in it: it may be large, and wait for long
    let revocations = 0
    if (again !== undefined) {
      const revoked = this.#revoked.get(again)
      if (revoked?.run !== run) throw new TypeError(`request: no lease ${again} of this run was revoked`)
      this.#revoked.delete(again)
      revocations = revoked.revocations
    }
    const lease: Lease = {
      requestId,
      name,
      kind: 'task',
      ttlMs: ttl ?? this.#core.lease.ttlMs,
      scope,
      owner: run,
      again: again !== undefined,
      revocable: revocable && revocations < MAX_REVOCATIONS,
      revocations,
      ticket: undefined,
      epoch: undefined,
      sequence: 0,
      isApplying: false,
      granted: (grant) => this.#granted(lease, grant),
      refused: (error) => {
        this.#forget(lease)
        this.#refused(requestId, error)
      },
      lost: (error) => this.#lose(lease, error),
      probe: () => this.#events.probe(),
      unresponsive: () => this.#events.unresponsive(name),
    }
    this.#requests.set(requestId, lease)
    lease.ticket = this.#core.office.request(lease, { timeoutMs: timeout })
  }

  #lose(lease: Lease, error: Error): void {
    const { epoch, owner: run, revocations } = lease
    this.#forget(lease)
    if (epoch === undefined) return
    if (error instanceof LeaseRevokedError) this.#revoked.set(epoch, { run, revocations: revocations + 1 })
    this.#tellLost(epoch, error)
  }

  #granted(lease: Lease, { epoch }: Grant): void {
    lease.epoch = epoch
    this.#held.set(epoch, lease)
    const { office, tree } = this.#core
    try {
      const since = this.sentVersion
      this.#link.send('granted', [lease.requestId, epoch, tree.version, since], tree.changesSince(since))
      this.sentVersion = tree.version
      // Behind a large payload it arrives late; the time until then is not the holder's.
      if (this.#link.isSending) this.#link.afterSent(() => office.renew(epoch))
    } catch (error) {
      // A leaf of the state that cannot be cloned any more, such as a detached buffer.
      this.#forget(lease)
      this.#refused(lease.requestId, error)
      office.end(epoch)
    }
  }

  /** @param opened containers in the payload that need neither be checked nor copied */
  commit(payload: unknown, epoch: number, sequence: number, last: boolean, opened: Set<object>): void {
    const again = this.#answers.get(`${epoch}/${sequence}`)
    const { office } = this.#core
    const lease = this.#held.get(epoch)
    if (again !== undefined) again()
    else if (lease !== undefined && office.holds(epoch)) this.#apply(lease, payload, { epoch, sequence, last }, opened)
    else this.#tooLate(epoch, sequence)
  }

  #tooLate(epoch: number, sequence: number): void {
    const over = `The lease of epoch ${epoch} is over, or is not of this worker. Its batch was dropped.`
    this.#reject(epoch, sequence, this.#lost.get(epoch) ?? new LeaseReleasedError(over))
  }

  #apply(lease: Lease, payload: unknown, batch: Batch, opened: Set<object>): void {
    const { sequence } = batch
    if (lease.isApplying && sequence === lease.sequence) return // twice: it is answered when it is applied
    let wellFormed = false
    try {
      if (sequence !== lease.sequence || lease.isApplying) {
        const due = `Batch ${sequence} of lease "${lease.name}" came where ${lease.sequence} was due.`
        throw new InvalidMutationError(due)
      }
      assertLongCommit(payload)
      const origin: CommitOrigin = { kind: 'task', name: lease.owner.name, runId: lease.owner.id }
      const { scope } = lease
      const ready: ReadyValues = { adoptable: opened, staged: this.staged.placed(payload) }
      const long = this.#core.openLong?.(payload.mutations, origin, scope, ready)
      if (long !== undefined) {
        lease.isApplying = true
        this.#applyInTurns(lease, payload, batch, long)
        return
      }
      assertCommit(payload)
      wellFormed = true
      this.#commit(lease, payload, batch, () => this.#core.commitBatch(payload.mutations, origin, scope, ready))
    } catch (error) {
      this.#failed(lease, batch, error)
      if (!wellFormed) throw error // not the task but the worker's library is at fault: reported too
    }
  }

  /** Goes on turn by turn, for as long as the lease is held: once it is over, what was done is dropped. */
  #applyInTurns(lease: Lease, payload: CommitPayload, batch: Batch, long: LongCommit): void {
    const { office } = this.#core
    if (this.#held.get(batch.epoch) !== lease || !office.holds(batch.epoch)) {
      this.#tooLate(batch.epoch, batch.sequence)
      return
    }
    try {
      long.step()
      if (long.isDone) {
        this.staged.placed(payload) // another batch may have put them elsewhere meanwhile
        this.#commit(lease, payload, batch, () => long.publish())
      }
    } catch (error) {
      this.#failed(lease, batch, error)
      if (!long.isWellFormed) this.#core.report(error, { kind: 'worker', name: this.#core.definition.fullName })
      return
    }
    if (long.isDone) return
    office.renew(batch.epoch)
    this.#events.turn(() => this.#applyInTurns(lease, payload, batch, long))
  }

  /** A batch is refused, and its lease over. */
  #failed(lease: Lease, { epoch, sequence }: Batch, error: unknown): void {
    this.#answer(epoch, sequence, () => this.#reject(epoch, sequence, error))
    this.#drop(lease)
  }

  /** @param commit makes the commit and gives its version; what it throws it throws before anything has changed */
  #commit(lease: Lease, payload: CommitPayload, { epoch, sequence, last }: Batch, commit: () => number): void {
    const { name } = lease.owner
    const { office, tree } = this.#core
    const before = tree.version
    lease.sequence++ // before reactions run
    lease.revocable = false
    lease.isApplying = false
    const version = commit()
    this.staged.use(payload)
    const since = this.sentVersion
    const answer = (changes?: Changes) => this.#link.send('committed', [epoch, sequence, tree.version, since], changes)
    keep(this.#answers, `${epoch}/${sequence}`, answer)
    // Leases and events of other fields may have committed since the grant, and in reactions to this very batch.
    const isNext = tree.version === version && since === (version === before ? version : version - 1)
    try {
      answer(isNext ? undefined : tree.changesSince(since))
    } catch {
      answer() // a leaf that cannot be cloned any more: the worker asks for it, and is told
    }
    this.sentVersion = tree.version
    if (!last) office.renew(epoch)
    // In line behind the lease, which has not ended yet. A reaction to its batch may have disposed of the store: nobody launches.
    if (!office.isClosed) launchAll(this.#core, payload.specs ?? [], { kind: 'task', name })
    if (last) this.#drop(lease)
  }

  /** Those in the line before the one that holds, so that none of them is granted when that ends. */
  #backwards(): readonly Lease[] {
    return [...this.#requests.values()].reverse()
  }

  /** The lease or the place in the line is over, and the worker knows. */
  #drop(lease: Lease | undefined): void {
    if (lease === undefined) return
    this.#forget(lease)
    if (lease.epoch !== undefined) this.#core.office.end(lease.epoch)
    else lease.ticket?.withdraw()
  }

  #forget({ requestId, epoch }: Lease): void {
    this.#requests.delete(requestId)
    if (epoch !== undefined) this.#held.delete(epoch)
  }

  #tellLost(epoch: number, error: Error): void {
    keep(this.#lost, epoch, error)
    this.#link.send('ended', [epoch], toWireError(error))
  }

  #refused(requestId: number, error: unknown): void {
    this.#link.send('refused', [requestId], toWireError(error))
  }

  #reject(epoch: number, sequence: number, error: unknown): void {
    this.#link.send('rejected', [epoch, sequence], toWireError(error))
  }

  #answer(epoch: number, sequence: number, answer: () => void): void {
    keep(this.#answers, `${epoch}/${sequence}`, answer)
    answer()
  }
}

function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= KEPT_ANSWERS) break
    map.delete(oldest)
  }
}
