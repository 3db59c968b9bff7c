/*
 * This tab among the others: whether it writes, and what its page's life has to do with that.
 *
 * - Until it is known whether this tab writes, what is committed may have to be taken back: see `doubt`.
 * - A page that is left lets go of everything that others may wait for, and asks again if it comes back.
 */

import type { Clock } from '../store/clock.js'
import { NewsChannel } from './news.js'
import type { Surroundings } from './surroundings.js'
import { WriterLock } from './writer-lock.js'

/** What the persistence of a store does about it. */
export interface TabActs {
  doubt(): void
  /** This tab writes, or follows another that does. */
  heard(isWriter: boolean): Promise<void>
  /** The page is hidden, or goes: the last moment to hand over what is not stored. */
  hidden(goes: boolean): void
  /** The page is left, and perhaps kept. */
  left(): void
  /** It was kept, and is back. */
  back(): void
}

export class Tabs {
  readonly news: NewsChannel
  readonly #lock: WriterLock
  readonly #acts: TabActs
  readonly #stopWatching: () => void
  #decided: Promise<void>
  #isDecided = false
  #acted = (): void => {}
  #isAway = false

  /** @param name of the lock and of the channel */
  constructor(name: string, surroundings: Surroundings, clock: Clock, acts: TabActs) {
    this.#acts = acts
    this.#lock = new WriterLock(name, surroundings.locks, clock)
    this.news = new NewsChannel(name, surroundings)
    this.#decided = this.#undecided()
    this.#stopWatching = surroundings.watch({
      hidden: () => acts.hidden(false),
      left: () => {
        if (this.#isAway) return
        acts.hidden(true)
        this.#isAway = true
        acts.left()
        this.#lock.release()
        this.news.close()
      },
      back: () => {
        if (!this.#isAway) return
        this.#isAway = false
        this.news.open()
        acts.back()
        this.#ask(false)
      },
    })
  }

  /** Others are kept from writing while this tab does. */
  get areApart(): boolean {
    return this.#lock.isReal
  }

  get isWriter(): boolean {
    return this.#lock.isHeld
  }

  /** Resolves when it is known who writes, and that was acted upon. */
  get decided(): Promise<void> {
    return this.#decided
  }

  get isDecided(): boolean {
    return this.#isDecided
  }

  ask(): void {
    this.#ask(true)
  }

  #ask(isNew: boolean): void {
    if (this.areApart) this.#acts.doubt()
    if (this.#isDecided) this.#decided = this.#undecided()
    this.#lock.ask(isNew, (isOurs) => void this.#acts.heard(isOurs).finally(this.#acted))
  }

  #undecided(): Promise<void> {
    this.#isDecided = false
    return new Promise((resolve) => {
      this.#acted = () => {
        this.#isDecided = true
        resolve()
      }
    })
  }

  /** Takes the pen where nobody can be kept from writing. */
  insist(): void {
    this.#lock.ask(true, () => {})
  }

  /** Somebody else writes. */
  giveUp(): void {
    this.#lock.release()
  }

  close(): void {
    this.#stopWatching()
    this.#lock.release()
    this.news.close()
  }
}
