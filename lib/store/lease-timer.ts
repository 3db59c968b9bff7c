/*
 * When a lease expires.
 *
 * - `ttl` is a lower bound, counted in responsive time: a tick that comes more than its own length late counts for nothing,
 *   so a page that was blocked, frozen or asleep costs a holder nothing, whatever the clock says. In a hidden page all ticks
 *   are late: from the second one on each counts twice its length.
 * - A holder that can be asked is asked: only time that its answers confirm counts, and after the last of it one more answer
 *   must come, behind whatever the holder sent before.
 * - A holder that leaves the question open is hung after ttl + grace of the page's own responsive time.
 * - Timers that are run in one go, without turns between them, make one tick.
 */

import { keepShape } from '../state/keep-shape.js'
import type { Clock } from './clock.js'

export interface LeaseTimerOptions {
  readonly clock: Clock
  readonly ttlMs: number
  /** How long the question may stay open once `ttlMs` is used up. */
  readonly graceMs: number
  /** Asks the holder; resolves when the answer came. */
  readonly probe: (() => Promise<void>) | undefined
  readonly warnAfterMs: number | undefined
  /** Held for longer than `warnAfterMs`; called once. */
  warn(heldMs: number): void
  /** @param silentMs how long the holder has not answered, if that is why; else undefined */
  expired(heldMs: number, silentMs: number | undefined): void
}

// A tick of a second finds a hung holder of the default ttl (10 s) with a tenth to spare; below 10 ms timers are noise.
const LONGEST_TICK_MS = 1000
const SHORTEST_TICK_MS = 10

/** Counts the time of one grant, from its making to `stop()`. */
export class LeaseTimer {
  readonly #options: LeaseTimerOptions
  readonly #tickMs: number
  readonly #startedAt: number
  #seenAt: number
  /** Responsive time that counts. */
  #usedMs = 0
  /** Responsive time since then: counts when the holder has answered. */
  #pendingMs = 0
  /** The last tick was late. */
  #late = false
  #asked = false
  /** The last question, or the last turn, before the end is under way. */
  #last = false
  #warned: boolean
  #stopped = false
  #cancel: () => void = () => {}

  constructor(options: LeaseTimerOptions) {
    this.#options = options
    this.#tickMs = Math.max(SHORTEST_TICK_MS, Math.min(options.ttlMs / 4, LONGEST_TICK_MS))
    this.#startedAt = this.#seenAt = options.clock.now()
    this.#warned = options.warnAfterMs === undefined
    this.#schedule()
  }

  /** Counts from now. */
  renew(): void {
    this.#usedMs = this.#pendingMs = 0
    this.#last = false
    this.#seenAt = this.#options.clock.now()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  #schedule(): void {
    const { clock, ttlMs, graceMs, warnAfterMs } = this.#options
    const leftMs = ttlMs - this.#usedMs - this.#pendingMs
    let ms = leftMs > 0 || this.#last ? leftMs : leftMs + graceMs
    if (!this.#warned) ms = Math.min(ms, this.#startedAt + (warnAfterMs ?? 0) - clock.now())
    this.#cancel = clock.setTimer(() => this.#tick(), Math.min(Math.max(ms, 1), this.#tickMs))
  }

  #tick(): void {
    const { clock, ttlMs, graceMs, probe } = this.#options
    const now = clock.now()
    this.#pendingMs += this.#measure(now)
    this.#seenAt = now
    this.#warnOnce(now)
    if (this.#stopped) return // by the warning's listener
    if (probe === undefined) {
      const spent = this.#count()
      if (spent && this.#last) this.#expire(false)
      this.#last = spent // one more turn: what the holder has ready may be just behind this timer
    } else if (this.#usedMs + this.#pendingMs >= ttlMs + graceMs) this.#expire(true)
    else if (!this.#asked) this.#ask(probe)
    void Promise.resolve().then(() => {
      if (!this.#stopped) this.#schedule()
    })
  }

  /** How much of the time since the last tick counts. */
  #measure(now: number): number {
    const elapsed = now - this.#seenAt
    const mostMs = 2 * this.#tickMs
    const stalled = elapsed > mostMs && !this.#late
    this.#late = elapsed > mostMs
    return stalled ? 0 : Math.min(elapsed, mostMs)
  }

  #ask(probe: () => Promise<void>): void {
    this.#asked = true
    this.#last = this.#usedMs >= this.#options.ttlMs
    const answered = () => {
      if (this.#stopped) return
      this.#asked = false
      if (!this.#count()) return
      // A question put before the time was used up proves nothing: its answer may have waited for a blocked page, with
      // the commit right behind it. One more.
      if (this.#last) this.#expire(false)
      else this.#ask(probe)
    }
    const ask = async () => probe()
    ask().then(answered, () => {}) // a holder that cannot be asked is one that does not answer
  }

  /** Whether the time is used up. */
  #count(): boolean {
    this.#usedMs += this.#pendingMs
    this.#pendingMs = 0
    return this.#usedMs >= this.#options.ttlMs
  }

  #expire(hung: boolean): void {
    this.stop()
    this.#options.expired(this.#options.clock.now() - this.#startedAt, hung ? this.#pendingMs : undefined)
  }

  #warnOnce(now: number): void {
    const heldMs = now - this.#startedAt
    if (this.#warned || heldMs < (this.#options.warnAfterMs ?? 0)) return
    this.#warned = true
    this.#options.warn(heldMs)
  }
}

const still: Clock = { now: () => 0, setTimer: () => () => {}, turn() {} }
keepShape(
  new LeaseTimer({
    clock: still,
    ttlMs: 1,
    graceMs: 1,
    probe: undefined,
    warnAfterMs: undefined,
    warn() {},
    expired() {},
  }),
)
