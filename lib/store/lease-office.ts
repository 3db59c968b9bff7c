/*
 * The lease office: the one line of events and leases, first in first out, and the fence.
 *
 * - One grant at a time. Epochs strictly increase and are never used again, so a late commit can be told from a good one.
 * - Nobody overtakes, nothing recurses: ten thousand waiting events are granted in a loop.
 * - A lease ends by its holder, by its `ttl` or by `close`; sync requests are over when their turn is.
 * - A callback that throws does not break the line; its error is thrown in a timer turn of its own.
 */

import { LeaseExpiredError, LeaseTimeoutError } from '../errors.js'
import type { Clock } from './clock.js'
import { LeaseTimer } from './lease-timer.js'

export type { Clock }

/** Somebody who wants to change state. */
export interface LeaseRequest {
  readonly name: string
  readonly kind: 'event' | 'page' | 'task'
  readonly ttlMs: number
  /**
   * The request is over when `granted` returns: no timer is started for it. Looked at again when `granted` has returned: a
   * request that turned out to last says so by then, and is timed from there on.
   */
  readonly sync?: boolean
  /** What the request belongs to, such as a run: an expiry says so if its own owner was waiting in the line. */
  readonly owner?: unknown
  /** Called inside `request()` if the line is free, else in its turn. */
  granted(grant: Grant): void
  /** The request left the line without a grant: timeout or close. Never after `withdraw()`. */
  refused(error: Error): void
  /** The grant is over before its holder ended it: expired or closed. */
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
  /** The holder or the line has changed. Not called for a sync request that did not have to wait. */
  changed?(): void
}

/** A request in the line; a ring of neighbours, so that leaving from the middle costs the same as from the front. */
interface Entry extends Waiting {
  previous: Entry
  next: Entry
  waiting: boolean
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
  #length = 0
  #holder: Holder | undefined
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
    const last = this.#line.previous
    const since = this.#clock.now()
    const entry: Entry = {
      request,
      since,
      previous: last,
      next: this.#line,
      waiting: true,
      epoch: undefined,
      stopTimeout: undefined,
    }
    last.next = this.#line.previous = entry
    this.#length++
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
          this.#changed()
        } else if (entry.epoch !== undefined) this.end(entry.epoch)
      },
    }
  }

  /** Whether a request made now would be granted inside `request()`. */
  get isFree(): boolean {
    return this.#mayGrant && this.#length === 0 && !this.#serving
  }

  get holder(): Grant | undefined {
    return this.#holder?.grant
  }

  /** The line, from its front. */
  get waiting(): readonly Waiting[] {
    return Array.from(this.#entries(), ({ request, since }) => ({ request, since }))
  }

  /** The fence: whether this very epoch is held now. */
  holds(epoch: number): boolean {
    return this.#holder?.grant.epoch === epoch
  }

  /** The holder of this epoch is done; the next one is granted. False if it was over already. */
  end(epoch: number): boolean {
    const holder = this.#holder
    if (holder?.grant.epoch !== epoch) return false
    this.#release(holder)
    if (!holder.unseen) this.#changed()
    this.#serve()
    return true
  }

  /** Counts the holder's `ttl` from now. */
  renew(epoch: number): void {
    if (this.holds(epoch)) this.#holder?.timer?.renew()
  }

  /** Grants nobody until as many `resume()`: a commit is being published. */
  pause(): void {
    this.#paused++
  }

  resume(): void {
    if (--this.#paused === 0) this.#serve()
  }

  /** Ends the grant, refuses whoever waits and whoever comes, with `error`. */
  close(error: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = error
    const refused = [...this.#entries()]
    for (const entry of refused) this.#leave(entry)
    if (this.#holder !== undefined) this.#lose(this.#holder, error)
    for (const { request } of refused) this.#call(() => request.refused(error))
    this.#changed()
  }

  get #mayGrant(): boolean {
    return this.#holder === undefined && this.#paused === 0 && this.#closed === undefined
  }

  *#entries(): Generator<Entry> {
    for (let entry = this.#line.next; entry !== this.#line; entry = entry.next) yield entry
  }

  /** Grants, from the front of the line, whoever may be granted. `fresh`: came in this very call. */
  #serve(fresh?: Entry): void {
    if (this.#serving) return // the loop below, further up the stack, goes on
    this.#serving = true
    while (this.#mayGrant && this.#length > 0) {
      const entry = this.#line.next
      this.#leave(entry)
      this.#grant(entry, entry === fresh)
    }
    this.#serving = false
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
    this.#holder = holder
    const timed = request.sync !== true
    if (timed) holder.timer = this.#time(holder)
    const threw = this.#call(() => request.granted(holder.grant))
    if (request.sync || threw) this.end(epoch)
    else if (!timed && this.#holder === holder) holder.timer = this.#time(holder)
    if (this.#holder === holder) this.#changed()
  }

  #leave(entry: Entry): void {
    entry.previous.next = entry.next
    entry.next.previous = entry.previous
    entry.waiting = false
    entry.stopTimeout?.()
    this.#length--
  }

  #release(holder: Holder): void {
    holder.timer?.stop()
    this.#holder = undefined
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

  #timedOut(entry: Entry, timeoutMs: number): void {
    this.#leave(entry)
    const { name } = entry.request
    const holder = this.#holder?.grant
    const held = holder && Math.round(this.#clock.now() - holder.grantedAt)
    const before = holder ? ` "${holder.request.name}" has held it for ${held} ms.` : ''
    const error = new LeaseTimeoutError(
      `Lease "${name}" was not to be had within ${timeoutMs} ms.${before} Try again later, allow a longer timeout, or make the holder's lease shorter.`,
    )
    this.#call(() => entry.request.refused(error))
    this.#changed()
  }

  #time({ grant }: Holder): LeaseTimer {
    const { warn, warnAfterMs } = this.#options
    const { request } = grant
    return new LeaseTimer({
      clock: this.#clock,
      ttlMs: request.ttlMs,
      graceMs: this.#graceMs,
      probe: request.probe?.bind(request),
      warnAfterMs: warn && warnAfterMs,
      warn: (heldMs) => this.#call(() => warn?.(grant, heldMs)),
      expired: (heldMs, silentMs) => this.#expire(heldMs, silentMs),
    })
  }

  #expire(heldMs: number, silentMs: number | undefined): void {
    const holder = this.#holder
    if (holder === undefined) return
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
