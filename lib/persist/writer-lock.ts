/*
 * Which tab writes: the one that has the Web Lock.
 *
 * - It is asked for once and waited for: whoever has it, closes or crashes, the next in the line has it at once.
 * - Who has to wait hears so after a moment, and not before: a page that is reloaded meets the lock of its own predecessor.
 * - Without Web Locks everybody has it.
 */

import type { Clock } from '../store/clock.js'
import type { Surroundings } from './surroundings.js'

/** A page that was left, or a store that was disposed of, has let go by then. */
const GRACE_MS = 100

export class WriterLock {
  readonly #name: string
  #locks: Surroundings['locks']
  readonly #clock: Clock
  #letGo = (): void => {}
  #isHeld = false

  constructor(name: string, locks: Surroundings['locks'], clock: Clock) {
    this.#name = name
    this.#locks = locks
    this.#clock = clock
  }

  /** Somebody else can be kept from writing. */
  get isReal(): boolean {
    return this.#locks !== undefined
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /**
   * Asks for the lock.
   * @param isNew the page is: the one before it may be letting go just now
   * @param heard told once that it is ours; before that, once, that it is not, if it is somebody else's for now
   */
  ask(isNew: boolean, heard: (isOurs: boolean) => void): void {
    const has = () => {
      this.#isHeld = true
      heard(true)
    }
    if (this.#locks === undefined) {
      has()
      return
    }
    const locks = this.#locks
    const waiting = new AbortController()
    let isOver = false
    // By the time of this answer that to the first question is there, too, if there is one, however busy the page was.
    const lookUp = async () => {
      await locks.request(this.#name, { ifAvailable: true }, () => {})
      if (!isOver && !this.#isHeld) heard(false)
    }
    const stopGrace = this.#clock.setTimer(() => void lookUp().catch(() => {}), isNew ? GRACE_MS : 0)
    const held = new Promise<void>((resolve) => {
      this.#letGo = () => {
        isOver = true
        stopGrace()
        waiting.abort()
        resolve()
      }
    })
    const hold = () => {
      stopGrace()
      if (!isOver) has()
      return held
    }
    locks.request(this.#name, { signal: waiting.signal }, hold).catch(() => {
      if (isOver || this.#isHeld) return
      this.#locks = undefined // denied to this page: as without
      void hold()
    })
  }

  /** Lets go of it, or does not wait for it any more. */
  release(): void {
    this.#isHeld = false
    this.#letGo()
  }
}

/** Whether nobody has the lock of that name; `use` runs meanwhile, and nobody gets it. Without Web Locks nobody can know. */
export async function withFreeLock(
  name: string,
  locks: Surroundings['locks'],
  use: (isFree: boolean | undefined) => Promise<void>,
): Promise<void> {
  if (locks === undefined) return use(undefined)
  await locks.request(name, { ifAvailable: true }, (lock) => use(lock !== null))
}
