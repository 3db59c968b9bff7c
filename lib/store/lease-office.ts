/*
 * The lease office: the one line of events and leases, first in first out, and the fence.
 *
 * - Those who hold at the same time share no field. Epochs strictly increase and are never used again, so a late commit can
 *   be told from a good one.
 * - Nobody overtakes somebody with whom it shares a field, and nothing recurses: ten thousand waiting events are granted in
 *   a loop. Two exceptions: an urgent event goes ahead of the leases, with the sync events that came before it and that it
 *   would pass; and a lease that was revoked for one goes ahead when its function is to run again.
 * - A lease ends by its holder, by its `ttl`, for an urgent event or by `close`; sync requests are over when their turn is.
 * - A callback that throws does not break the line; its error is thrown in a timer turn of its own.
 *
 * Line, holders and fence are one thing, in one file: a grant that the fence does not know of at once is a hole in it.
 */

import { LeaseExpiredError, LeaseRevokedError, LeaseTimeoutError } from '../errors.js'
import type { Scope } from '../state/scope.js'
import type { Clock } from './clock.js'
import { LeaseTimer } from './lease-timer.js'
import { ScopeCounts, shareField } from './scope-counts.js'

export type { Clock }

/** Somebody who wants to change state. */
export interface LeaseRequest {
  readonly name: string
  readonly kind: 'event' | 'page' | 'task'
  readonly ttlMs: number
  /** What it wants to change. @default the whole state */
  readonly scope?: Scope
  /**
   * The request is over when `granted` returns: no timer is started for it. Looked at again when `granted` has returned: a
   * request that turned out to last says so by then, and is timed from there on.
   */
  readonly sync?: boolean
  /** Goes ahead of leases, and takes those back that let it. Of events alone. */
  readonly urgent?: boolean
  /** Its grant may be taken back for an urgent event. Looked at when one comes. */
  readonly revocable?: boolean
  /** Its function was revoked and is to run again: goes ahead of the line. */
  readonly again?: boolean
  /** What the request belongs to, such as a run: an expiry says so if its own owner was waiting in the line. */
  readonly owner?: unknown
  /** Called inside `request()` if the line is free, else in its turn. */
  granted(grant: Grant): void
  /** The request left the line without a grant: timeout or close. Never after `withdraw()`. */
  refused(error: Error): void
  /** The grant is over before its holder ended it: expired, revoked (a LeaseRevokedError) or closed. */
  lost(error: Error): void
  /** Asks the holder; resolves when the answer came, behind everything that the holder sent before it. */
  probe?(): Promise<void>
  /** The holder gave no answer within the grace. Its grant has already ended by `lost()`. */
  unresponsive?(): void
}

/** The exclusive right to change state, from its grant to its end. */
export interface Grant {
  readonly epoch: number
  readonly request: LeaseRequest
  /** Time of the office's clock. */
  readonly grantedAt: number
}

/** A place in the line. */
export interface Ticket {
  /** Leaves the line without a callback; if granted meanwhile, ends the grant. */
  withdraw(): void
}

/** A request in the line, and since when by the office's clock. */
export interface Waiting {
  readonly request: LeaseRequest
  readonly since: number
}

export interface LeaseOfficeOptions {
  readonly clock: Clock
  /** How long a holder whose `ttl` is over may leave a probe unanswered. @default 2000 */
  readonly probeGraceMs?: number
  /** Held for longer than this, a grant is given to `warn`, once. @default none */
  readonly warnAfterMs?: number
  warn?(grant: Grant, heldMs: number): void
  /** The holders or the line have changed. Not called for a sync request that did not have to wait. */
  changed?(): void
}

/** Urgent events and those before them; leases whose function runs again; the rest. A lower one stands ahead. */
type Rank = 0 | 1 | 2

/** A request in the line; a ring of neighbours, so that leaving from the middle costs the same as from the front. */
interface Entry extends Waiting {
  previous: Entry
  next: Entry
  waiting: boolean
  rank: Rank
  epoch: number | undefined
  stopTimeout: (() => void) | undefined
}

interface Holder {
  readonly grant: Grant
  /** Nobody has seen this grant come, so nobody is told that it goes. */
  unseen: boolean
  timer: LeaseTimer | undefined
}

export class LeaseOffice {
  readonly #options: LeaseOfficeOptions
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #line: Entry
  /** The last entry of each rank or of a lower one; the ring's knot where there is none. */
  readonly #lastOf: [Entry, Entry, Entry]
  readonly #wanted = new ScopeCounts()
  /** By epoch, the one that holds for longest first. */
  readonly #holders = new Map<number, Holder>()
  readonly #held = new ScopeCounts()
  #length = 0
  #urgent = 0
  #epoch = 0
  #paused = 0
  #serving = false
  #closed: Error | undefined

  constructor(options: LeaseOfficeOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#graceMs = options.probeGraceMs ?? 2000
    const line = { waiting: false } as Entry // the ring's knot: never granted, so its request is never read
    line.previous = line.next = line
    this.#line = line
    this.#lastOf = [line, line, line]
  }

  /**
   * Puts a request in the line.
   * @param options `timeoutMs`: refuse it with a LeaseTimeoutError if it was not granted by then
   */
  request(request: LeaseRequest, options: { readonly timeoutMs?: number | undefined } = {}): Ticket {
    const closed = this.#closed
    if (closed !== undefined) {
      this.#call(() => request.refused(closed))
      return { withdraw() {} }
    }
    const entry = this.#enter(request)
    const { timeoutMs } = options
    this.#serve(entry)
    if (entry.waiting) {
      if (timeoutMs !== undefined) {
        entry.stopTimeout = this.#clock.setTimer(() => this.#timedOut(entry, timeoutMs), timeoutMs)
      }
      this.#changed()
    }
    return {
      withdraw: () => {
        if (entry.waiting) {
          this.#leave(entry)
          this.#serve() // whom it kept waiting behind it
          this.#changed()
        } else if (entry.epoch !== undefined) this.end(entry.epoch)
      },
    }
  }

  /** Whether a request for that scope, made now, would be granted inside `request()`. */
  isFree(scope?: Scope): boolean {
    return this.#mayGrant && !this.#serving && !this.#held.meet(scope) && !this.#wanted.meet(scope)
  }

  /** Those who hold, the one that holds for longest first. */
  get holders(): readonly Grant[] {
    return Array.from(this.#holders.values(), ({ grant }) => grant)
  }

  /** The line, from its front. */
  get waiting(): readonly Waiting[] {
    return Array.from(this.#entries(), ({ request, since }) => ({ request, since }))
  }

  /** The fence: whether this very epoch is held now. */
  holds(epoch: number): boolean {
    return this.#holders.has(epoch)
  }

  /** The holder of this epoch is done; whoever waited for it is granted. False if it was over already. */
  end(epoch: number): boolean {
    const holder = this.#holders.get(epoch)
    if (holder === undefined) return false
    this.#release(holder)
    if (!holder.unseen) this.#changed()
    this.#serve()
    return true
  }

  /** Counts the holder's `ttl` from now. */
  renew(epoch: number): void {
    this.#holders.get(epoch)?.timer?.renew()
  }

  /** Grants nobody until as many `resume()`: a commit is being published. */
  pause(): void {
    this.#paused++
  }

  resume(): void {
    if (--this.#paused === 0) this.#serve()
  }

  /** Ends the grants, refuses whoever waits and whoever comes, with `error`. */
  close(error: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = error
    const refused = [...this.#entries()]
    for (const entry of refused) this.#leave(entry)
    for (const holder of [...this.#holders.values()]) this.#lose(holder, error)
    for (const { request } of refused) this.#call(() => request.refused(error))
    this.#changed()
  }

  get #mayGrant(): boolean {
    return this.#paused === 0 && this.#closed === undefined
  }

  *#entries(): Generator<Entry> {
    for (let entry = this.#line.next; entry !== this.#line; entry = entry.next) yield entry
  }

  // --- the line

  #enter(request: LeaseRequest): Entry {
    const entry = {
      request,
      since: this.#clock.now(),
      waiting: true,
      rank: request.urgent === true ? 0 : request.again === true ? 1 : 2,
      epoch: undefined,
      stopTimeout: undefined,
    } as Omit<Entry, 'previous' | 'next'> as Entry // `#link` makes its neighbours
    if (request.urgent === true) {
      this.#urgent++
      for (const event of this.#eventsBefore(request.scope)) {
        this.#unlink(event)
        event.rank = 0
        this.#link(event)
      }
    }
    this.#link(entry)
    this.#length++
    this.#wanted.add(request.scope)
    return entry
  }

  #leave(entry: Entry): void {
    this.#unlink(entry)
    entry.waiting = false
    entry.stopTimeout?.()
    this.#length--
    if (entry.request.urgent === true) this.#urgent--
    this.#wanted.delete(entry.request.scope)
  }

  /** The sync events that an urgent one would pass, though it shares a field with them, or with one that does: in order. */
  #eventsBefore(scope: Scope): readonly Entry[] {
    const events: Entry[] = []
    const shared = new ScopeCounts()
    shared.add(scope)
    for (let entry = this.#line.previous; entry !== this.#lastOf[0]; entry = entry.previous) {
      const { request } = entry
      if (request.kind !== 'event' || request.sync !== true || !shared.meet(request.scope)) continue
      shared.add(request.scope)
      events.unshift(entry)
    }
    return events
  }

  #link(entry: Entry): void {
    const before = this.#lastOf[entry.rank]
    entry.previous = before
    entry.next = before.next
    before.next.previous = entry
    before.next = entry
    for (let rank = entry.rank; rank < 3; rank++) if (this.#lastOf[rank] === before) this.#lastOf[rank] = entry
  }

  #unlink(entry: Entry): void {
    entry.previous.next = entry.next
    entry.next.previous = entry.previous
    for (let rank = entry.rank; rank < 3; rank++) if (this.#lastOf[rank] === entry) this.#lastOf[rank] = entry.previous
  }

  // --- grants

  /** Grants whoever may be granted, from the front of the line. `fresh`: came in this very call. */
  #serve(fresh?: Entry): void {
    if (this.#serving) return // the loop below, further up the stack, goes on
    this.#serving = true
    for (;;) {
      const entry = this.#nextInTurn()
      if (entry !== undefined) {
        this.#leave(entry)
        this.#grant(entry, entry === fresh)
      } else if (!this.#revokeForUrgent()) break
    }
    this.#serving = false
  }

  /** The first in the line who shares no field with a holder, nor with anybody ahead. */
  #nextInTurn(): Entry | undefined {
    if (!this.#mayGrant || this.#length === 0) return undefined
    const first = this.#line.next
    if (!this.#held.meet(first.request.scope)) return first
    if (this.#held.isWhole) return undefined
    const taken = this.#held.copy()
    for (const entry of this.#entries()) {
      const { scope } = entry.request
      if (!taken.meet(scope)) return entry
      if (scope === undefined) return undefined // nobody passes it
      taken.add(scope)
    }
    return undefined
  }

  #grant(entry: Entry, fresh: boolean): void {
    const { request } = entry
    const epoch = ++this.#epoch
    entry.epoch = epoch
    const holder: Holder = {
      grant: { epoch, request, grantedAt: this.#clock.now() },
      unseen: fresh && request.sync === true,
      timer: undefined,
    }
    this.#holders.set(epoch, holder)
    this.#held.add(request.scope)
    const timed = request.sync !== true
    if (timed) holder.timer = this.#time(holder)
    const threw = this.#call(() => request.granted(holder.grant))
    if (request.sync || threw) this.end(epoch)
    else if (!this.holds(epoch)) return
    else {
      if (!timed) holder.timer = this.#time(holder)
      holder.unseen = false
      this.#changed()
    }
  }

  #release(holder: Holder): void {
    holder.timer?.stop()
    this.#holders.delete(holder.grant.epoch)
    this.#held.delete(holder.grant.request.scope)
  }

  /** Takes the grant from its holder. Nobody is granted before everyone concerned knows. */
  #lose(holder: Holder, error: Error, unresponsive = false): void {
    const { request } = holder.grant
    this.pause()
    this.#release(holder)
    this.#call(() => request.lost(error))
    if (unresponsive) this.#call(() => request.unresponsive?.())
    this.#changed()
    this.resume()
  }

  // --- urgent events

  /** Takes back the leases that stand between an urgent event and its turn, if all of them let it. False if none was. */
  #revokeForUrgent(): boolean {
    if (this.#urgent === 0 || !this.#mayGrant) return false
    const wanted = new ScopeCounts()
    for (const { request, rank } of this.#entries()) {
      if (rank > 0) return false // no urgent one stands behind these
      wanted.add(request.scope) // whoever is before it has to have its turn as well
      if (request.urgent !== true) continue
      const between = [...this.#holders.values()].filter(({ grant }) => wanted.meet(grant.request.scope))
      if (between.length === 0 || between.some(({ grant }) => grant.request.revocable !== true)) continue
      this.pause()
      for (const holder of between) this.#lose(holder, revoked(holder.grant, request.name))
      this.resume()
      return true
    }
    return false
  }

  // --- ends in time

  #timedOut(entry: Entry, timeoutMs: number): void {
    this.#leave(entry)
    const { name, scope } = entry.request
    const holder = this.holders.find(({ request }) => shareField(request.scope, scope))
    const held = holder && Math.round(this.#clock.now() - holder.grantedAt)
    const before = holder ? ` "${holder.request.name}" has held it for ${held} ms.` : ''
    const error = new LeaseTimeoutError(
      `Lease "${name}" was not to be had within ${timeoutMs} ms.${before} Try again later, allow a longer timeout, or make the holder's lease shorter.`,
    )
    this.#call(() => entry.request.refused(error))
    this.#serve() // whom it kept waiting behind it
    this.#changed()
  }

  #time(holder: Holder): LeaseTimer {
    const { warn, warnAfterMs } = this.#options
    const { grant } = holder
    const { request } = grant
    return new LeaseTimer({
      clock: this.#clock,
      ttlMs: request.ttlMs,
      graceMs: this.#graceMs,
      probe: request.probe?.bind(request),
      warnAfterMs: warn && warnAfterMs,
      warn: (heldMs) => this.#call(() => warn?.(grant, heldMs)),
      expired: (heldMs, silentMs) => this.#expire(holder, heldMs, silentMs),
    })
  }

  #expire(holder: Holder, heldMs: number, silentMs: number | undefined): void {
    const { epoch, request } = holder.grant
    const { name, ttlMs, owner } = request
    let waits = false
    if (owner !== undefined) for (const entry of this.#entries()) waits ||= entry.request.owner === owner
    const why =
      silentMs !== undefined
        ? `, and its worker did not answer for ${Math.round(silentMs)} ms. Compute outside the lease, or raise ttl.`
        : waits
          ? '. Its own task was waiting for a lease meanwhile, which it cannot get before this one ends: do not await a lease inside a lease function.'
          : '. Commit more often, do the slow work outside the lease, or raise ttl.'
    const what = `Lease "${name}" (epoch ${epoch}) expired: held for ${Math.round(heldMs)} ms with a ttl of ${ttlMs} ms`
    this.#lose(holder, new LeaseExpiredError(what + why), silentMs !== undefined)
  }

  #changed(): void {
    this.#call(() => this.#options.changed?.())
  }

  /** Calls code of others. True if it threw. */
  #call(run: () => void): boolean {
    try {
      run()
      return false
    } catch (error) {
      this.#clock.setTimer(() => {
        throw error
      }, 0)
      return true
    }
  }
}

function revoked({ epoch, request }: Grant, event: string): LeaseRevokedError {
  return new LeaseRevokedError(
    `Lease "${request.name}" (epoch ${epoch}) was revoked for the urgent event "${event}". Its function runs again on the new state: keep its effects outside, or ask for the lease with { revocable: false }.`,
  )
}
