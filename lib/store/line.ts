/*
 * The line: who waits, in which order, and whose turn it is.
 *
 * - First in, first out, and nobody overtakes somebody with whom it shares a field. Two exceptions: an urgent event goes ahead
 *   of the leases, with the sync events that came before it and that it would pass; and a lease that was revoked for one
 *   goes ahead when its function is to run again.
 * - A ring of neighbours: to leave from the middle costs the same as from the front.
 */

import type { Scope } from '../state/scope.js'
import type { LeaseRequest } from './lease-request.js'
import { ScopeCounts } from './scope-counts.js'

/** A request in the line, and since when by the office's clock. */
export interface Waiting {
  readonly request: LeaseRequest
  readonly since: number
}

/** A place in the line. */
export interface Place extends Waiting {
  /** Still in the line. */
  readonly waiting: boolean
  /** Of its grant, once it has left the line by one. */
  epoch: number | undefined
  stopTimeout: (() => void) | undefined
}

/** Urgent events and those before them; leases whose function runs again; the rest. A lower one stands ahead. */
type Rank = 0 | 1 | 2

interface Entry extends Place {
  previous: Entry
  next: Entry
  waiting: boolean
  rank: Rank
}

export class Line {
  readonly #knot: Entry
  /** The last entry of each rank or of a lower one; the ring's knot where there is none. */
  readonly #lastOf: [Entry, Entry, Entry]
  readonly #wanted = new ScopeCounts()
  #length = 0
  #urgent = 0

  constructor() {
    const knot = { waiting: false } as Entry // never granted, so its request is never read
    knot.previous = knot.next = knot
    this.#knot = knot
    this.#lastOf = [knot, knot, knot]
  }

  /** From the front. */
  *[Symbol.iterator](): Generator<Place> {
    for (let entry = this.#knot.next; entry !== this.#knot; entry = entry.next) yield entry
  }

  /** Whether an urgent event waits. */
  get hasUrgent(): boolean {
    return this.#urgent > 0
  }

  /** Whether somebody in it shares a field with that scope. */
  meets(scope: Scope): boolean {
    return this.#wanted.meet(scope)
  }

  enter(request: LeaseRequest, since: number): Place {
    const entry: Entry = {
      previous: this.#knot, // until it is linked
      next: this.#knot,
      request,
      since,
      waiting: true,
      rank: request.urgent === true ? 0 : request.again === true ? 1 : 2,
      epoch: undefined,
      stopTimeout: undefined,
    }
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

  leave(place: Place): void {
    const entry = place as Entry // `enter` makes no others
    this.#unlink(entry)
    entry.waiting = false
    entry.stopTimeout?.()
    this.#length--
    if (entry.request.urgent === true) this.#urgent--
    this.#wanted.delete(entry.request.scope)
  }

  /**
   * Whose turn it is: the first who shares no field with a holder, nor with anybody ahead.
   * @param held what the holders have
   */
  nextInTurn(held: ScopeCounts): Place | undefined {
    if (this.#length === 0) return undefined
    const first = this.#knot.next
    if (!held.meet(first.request.scope)) return first
    const open = this.#wanted.fieldsBeside(held)
    for (const entry of this) {
      if (open.size === 0) return undefined // whoever stands behind wants what is taken
      const { scope } = entry.request
      if (scope === undefined) return undefined // nobody passes it
      if (isWithin(scope, open)) return entry
      for (const field of scope) open.delete(field)
    }
    return undefined
  }

  /**
   * The first urgent event between which and its turn stand only holders that let it, and what has to be free for it: what
   * it wants itself, and what those want that have their turn before it.
   * @param kept what the other holders have
   */
  urgentBehind(kept: ScopeCounts): { readonly name: string; readonly wanted: ScopeCounts } | undefined {
    if (kept.isWhole) return undefined
    const open = this.#wanted.fieldsBeside(kept)
    let all = kept.isEmpty
    for (let entry = this.#knot.next; entry !== this.#knot && entry.rank === 0; entry = entry.next) {
      const { scope, urgent, name } = entry.request
      if (scope === undefined ? all : isWithin(scope, open)) {
        if (urgent === true) return { name, wanted: this.#wantedBefore(entry) }
        continue
      }
      if (scope === undefined) return undefined // nobody passes it
      all = false
      for (const field of scope) open.delete(field)
      if (open.size === 0) return undefined
    }
    return undefined
  }

  #wantedBefore(entry: Entry): ScopeCounts {
    const wanted = new ScopeCounts()
    wanted.add(entry.request.scope)
    for (let before = entry.previous; before !== this.#knot; before = before.previous) {
      if (wanted.meet(before.request.scope)) wanted.add(before.request.scope)
    }
    return wanted
  }

  /** The sync events that an urgent one would pass, though it shares a field with them, or with one that does: in order. */
  #eventsBefore(scope: Scope): readonly Entry[] {
    const events: Entry[] = []
    const shared = new ScopeCounts()
    shared.add(scope)
    for (let entry = this.#knot.previous; entry !== this.#lastOf[0]; entry = entry.previous) {
      const { request } = entry
      if (request.kind !== 'event' || request.sync !== true || !shared.meet(request.scope)) continue
      shared.add(request.scope)
      events.push(entry)
    }
    return events.reverse()
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
}

function isWithin(scope: ReadonlySet<string>, open: ReadonlySet<string>): boolean {
  for (const field of scope) if (!open.has(field)) return false
  return true
}
