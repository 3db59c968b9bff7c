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
  /** The page is hidden or left: the last moment to hand over what is not stored. */
  hidden(): void
  /** The page is left, and perhaps kept. */
  left(): void
  /** It was kept, and is back. */
  back(): void
}

export class Tabs {
  /** Resolves when it was known for the first time who writes, and that was acted upon. */
  readonly ready: Promise<void>
  readonly news: NewsChannel
  readonly #lock: WriterLock
  readonly #acts: TabActs
  readonly #stopWatching: () => void
  #acted = (): void => {}
  #isReady = false
  #isAway = false

  /** @param name of the lock and of the channel */
  constructor(name: string, surroundings: Surroundings, clock: Clock, acts: TabActs) {
    this.#acts = acts
    this.#lock = new WriterLock(name, surroundings.locks, clock)
    this.news = new NewsChannel(name, surroundings)
    this.ready = new Promise((resolve) => {
      this.#acted = () => {
        this.#isReady = true
        resolve()
      }
    })
    this.#stopWatching = surroundings.watch({
      hidden: acts.hidden,
      left: () => {
        acts.hidden()
        if (this.#isAway) return
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
        this.ask()
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

  get isReady(): boolean {
    return this.#isReady
  }

  ask(): void {
    if (this.areApart) this.#acts.doubt()
    this.#lock.ask((isOurs) => void this.#acts.heard(isOurs).finally(this.#acted))
  }

  /** Takes the pen where nobody can be kept from writing. */
  insist(): void {
    this.#lock.ask(() => {})
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
