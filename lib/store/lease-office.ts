/*
 * The lease office: who holds, who is granted next, and the fence.
 *
 * - Those who hold at the same time share no field. Epochs strictly increase and are never used again, so a late commit can
 *   be told from a good one.
 * - Whose turn it is the line says (`line.ts`). Nothing recurses: ten thousand waiting events are granted in a loop.
 * - A lease ends by its holder, by its `ttl`, for an urgent event or by `close`; sync requests are over when their turn is.
 * - A callback that throws does not break the line; its error is thrown in a timer turn of its own.
 *
 * Grants and fence are one thing, in one file: a grant that the fence does not know of at once is a hole in it.
 */

import { LeaseExpiredError, LeaseRevokedError, LeaseTimeoutError } from '../errors.js'
import type { Scope } from '../state/scope.js'
import type { Clock } from './clock.js'
import type { Grant, Held, LeaseRequest } from './lease-request.js'
import { LeaseTimer } from './lease-timer.js'
import type { Place, Waiting } from './line.js'
import { Line } from './line.js'
import { ScopeCounts, shareField } from './scope-counts.js'

/** A place in the line, or the grant that came of it. */
export interface Ticket {
  /** Leaves the line without a callback; if granted meanwhile, ends the grant. */
  withdraw(): void
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

/** One who holds. */
interface Holder extends Grant {
  /** Nobody has seen this grant come, so nobody is told that it goes. */
  unseen: boolean
  timer: LeaseTimer | undefined
  /** Of what is over in the turn of its grant nobody asks; and beside an event it is dear to look at the clock. */
  grantedAt: number | undefined
}

export class LeaseOffice {
  readonly #options: LeaseOfficeOptions
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #line = new Line()
  /** The one that holds for longest first. They share no field, so they are few. */
  readonly #holders: Holder[] = []
  readonly #held = new ScopeCounts()
  #epoch = 0
  #paused = 0
  #serving = false
  #closed: Error | undefined
  #refusal: Error | undefined

  constructor(options: LeaseOfficeOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#graceMs = options.probeGraceMs ?? 2000
  }

  /**
   * Puts a request in the line.
   * @param options `timeoutMs`: refuse it with a LeaseTimeoutError if it was not granted by then
   */
  request(request: LeaseRequest, options: { readonly timeoutMs?: number | undefined } = {}): Ticket {
    const refusal = this.#closed ?? (request.own === true ? undefined : this.#refusal)
    if (refusal !== undefined) {
      this.#call(() => request.refused(refusal))
      return { withdraw() {} }
    }
    if (this.isFree(request.scope)) return this.#grantAtOnce(request)
    const { timeoutMs } = options
    const entry = this.#line.enter(request, this.#clock.now())
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
          this.#line.leave(entry)
          this.#serve() // whom it kept waiting behind it
          this.#changed()
        } else if (entry.epoch !== undefined) this.end(entry.epoch)
      },
    }
  }

  /** Whether a request for that scope, made now, would be granted inside `request()`. */
  isFree(scope?: Scope): boolean {
    return this.#mayGrant && !this.#serving && !this.#held.meet(scope) && !this.#line.meets(scope)
  }

  /** Those who hold, the one that holds for longest first. */
  get holders(): readonly Held[] {
    return this.#holders.map((holder) => ({ ...holder, grantedAt: this.#grantedAt(holder) }))
  }

  /** The line, from its front. */
  get waiting(): readonly Waiting[] {
    return Array.from(this.#line, ({ request, since }) => ({ request, since }))
  }

  /** The fence: whether this very epoch is held now. */
  holds(epoch: number): boolean {
    return this.#holderOf(epoch) !== undefined
  }

  /** The holder of this epoch is done; whoever waited for it is granted. False if it was over already. */
  end(epoch: number): boolean {
    const holder = this.#holderOf(epoch)
    if (holder === undefined) return false
    this.#release(holder)
    if (!holder.unseen) this.#changed()
    this.#serve()
    return true
  }

  /** Counts the holder's `ttl` from now. */
  renew(epoch: number): void {
    this.#holderOf(epoch)?.timer?.renew()
  }

  /** Grants nobody until as many `resume()`: a commit is being published. */
  pause(): void {
    this.#paused++
  }

  resume(): void {
    if (--this.#paused === 0) this.#serve()
  }

  /** Nobody is granted any more. */
  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /** Ends the grants, refuses whoever waits and whoever comes, with `error`. */
  close(error: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = error
    this.#clear(error, () => true)
  }

  /** The same for everybody but the store itself, until it is called without an error. */
  refuse(error: Error | undefined): void {
    this.#refusal = error
    if (error !== undefined && this.#closed === undefined) this.#clear(error, ({ own }) => own !== true)
  }

  #clear(error: Error, concerns: (request: LeaseRequest) => boolean): void {
    const refused = [...this.#line].filter(({ request }) => concerns(request))
    this.pause()
    for (const entry of refused) this.#line.leave(entry)
    for (const holder of [...this.#holders]) if (concerns(holder.request)) this.#lose(holder, error)
    for (const { request } of refused) this.#call(() => request.refused(error))
    this.resume()
    this.#changed()
  }

  get #mayGrant(): boolean {
    return this.#paused === 0 && this.#closed === undefined
  }

  // --- grants

  /** Nobody holds or waits for what it wants: most events find it so. */
  #grantAtOnce(request: LeaseRequest): Ticket {
    this.#serving = true
    const { epoch } = this.#grant(request, request.sync === true)
    this.#serveLine()
    return { withdraw: () => void this.end(epoch) }
  }

  /** Grants whoever may be granted, from the front of the line. `fresh`: came in this very call. */
  #serve(fresh?: Place): void {
    if (this.#serving) return // the loop below, further up the stack, goes on
    this.#serving = true
    this.#serveLine(fresh)
  }

  #serveLine(fresh?: Place): void {
    for (;;) {
      const entry = this.#mayGrant ? this.#line.nextInTurn(this.#held) : undefined
      if (entry !== undefined) {
        this.#line.leave(entry)
        entry.epoch = this.#epoch + 1
        this.#grant(entry.request, entry === fresh && entry.request.sync === true)
      } else if (!this.#revokeForUrgent()) break
    }
    this.#serving = false
  }

  #grant(request: LeaseRequest, unseen: boolean): Holder {
    const epoch = ++this.#epoch
    const grantedAt = unseen ? undefined : this.#clock.now()
    const holder: Holder = { epoch, request, grantedAt, unseen, timer: undefined }
    this.#holders.push(holder)
    this.#held.add(request.scope)
    const timed = request.sync !== true
    if (timed) holder.timer = this.#time(holder)
    let threw = false
    try {
      request.granted(holder)
    } catch (error) {
      threw = true
      this.#throwLater(error)
    }
    if (request.sync || threw) this.end(epoch)
    else if (this.holds(epoch)) {
      if (!timed) holder.timer = this.#time(holder)
      holder.unseen = false
      this.#changed()
    }
    return holder
  }

  #grantedAt(holder: Holder): number {
    holder.grantedAt ??= this.#clock.now()
    return holder.grantedAt
  }

  #holderOf(epoch: number): Holder | undefined {
    for (const holder of this.#holders) if (holder.epoch === epoch) return holder
    return undefined
  }

  #release(holder: Holder): void {
    holder.timer?.stop()
    const at = this.#holders.indexOf(holder)
    if (at === this.#holders.length - 1) this.#holders.pop()
    else this.#holders.splice(at, 1)
    this.#held.delete(holder.request.scope)
  }

  /** Takes the grant from its holder. Nobody is granted before everyone concerned knows. */
  #lose(holder: Holder, error: Error, unresponsive = false): void {
    const { request } = holder
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
    if (!this.#line.hasUrgent || !this.#mayGrant) return false
    const kept = new ScopeCounts()
    for (const { request } of this.#holders) if (request.revocable !== true) kept.add(request.scope)
    const event = this.#line.urgentBehind(kept)
    if (event === undefined) return false
    const between = this.#holders.filter(({ request }) => event.wanted.meet(request.scope))
    this.pause()
    for (const holder of between) this.#lose(holder, revoked(holder, event.name))
    this.resume()
    return between.length > 0
  }

  // --- ends in time

  #timedOut(entry: Place, timeoutMs: number): void {
    this.#line.leave(entry)
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
    const { request } = holder
    return new LeaseTimer({
      clock: this.#clock,
      ttlMs: request.ttlMs,
      graceMs: this.#graceMs,
      probe: request.probe?.bind(request),
      warnAfterMs: warn && warnAfterMs,
      warn: (heldMs) => this.#call(() => warn?.(holder, heldMs)),
      expired: (heldMs, silentMs) => this.#expire(holder, heldMs, silentMs),
    })
  }

  #expire(holder: Holder, heldMs: number, silentMs: number | undefined): void {
    const { epoch, request } = holder
    const { name, ttlMs, owner } = request
    let waits = false
    if (owner !== undefined) for (const entry of this.#line) waits ||= entry.request.owner === owner
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

  /** Calls code of others. */
  #call(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#throwLater(error)
    }
  }

  #throwLater(error: unknown): void {
    this.#clock.setTimer(() => {
      throw error
    }, 0)
  }
}

function revoked({ epoch, request }: Grant, event: string): LeaseRevokedError {
  return new LeaseRevokedError(
    `Lease "${request.name}" (epoch ${epoch}) was revoked for the urgent event "${event}". Its function runs again on the new state: keep its effects outside, or ask for the lease with { revocable: false }.`,
  )
}
