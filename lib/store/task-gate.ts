/*
 * Which runs of one task go on at once: its `concurrency`.
 *
 * - A run is under way from the turn in which it is let through until it has ended; that it is being cancelled does not end it.
 * - Runs are let through in the order of their start.
 * - Of runs that were started before anything was known of the task, those that lose to a later one never begin.
 */

import type { TaskInfo } from '../protocol/messages.js'

/** A run, as its gate knows it. */
export interface GatedRun {
  /** Whether it is being cancelled, or has been. */
  readonly isCancelled: boolean
  cancel(reason: unknown): void
}

const waitingForTurn = new WeakSet<object>()

/** Whether a run waits for others of its task, so that nothing of it is under way. Not observed. */
export function waitsForTurn(run: object): boolean {
  return waitingForTurn.has(run)
}

export class TaskGate<R extends GatedRun> {
  /** What is known of the task. */
  info: TaskInfo
  readonly #begin: (run: R) => void
  /** In the order in which they were let through. */
  readonly #underWay = new Set<R>()
  /** In the order of their start. No set: to find the first of one takes as long as many were taken out before it. */
  readonly #waiting: R[] = []
  #releasing = false

  /** @param begin called with each run that is let through */
  constructor(info: TaskInfo, begin: (run: R) => void) {
    this.info = info
    this.#begin = begin
  }

  /** Whether a run that is started now has to wait, or is cancelled. */
  get isFull(): boolean {
    return this.#underWay.size + this.#waiting.length >= this.#most
  }

  /** Takes a run, and cancels what has to make room: others, or the run itself. It does not begin before {@link pass} or {@link release}. */
  add(run: R): void {
    const { concurrency } = this.info
    if (concurrency === 'drop' && this.isFull) {
      this.#cancel(run, 'another run of it has not ended')
      return
    }
    this.#waiting.push(run)
    waitingForTurn.add(run)
    if (concurrency === 'keepLatest') this.#keepLatest()
    else if (concurrency === 'restartable') this.#restart()
  }

  /** Lets a run through that was taken, if it is its turn. */
  pass(run: R): void {
    if (this.#waiting[0] === run && this.#underWay.size < this.#most) this.#passNext()
  }

  /** Lets through as many of those that wait as may go on. */
  release(): void {
    if (this.#releasing) return // a run has ended as soon as it was let through: the loop below sees it
    this.#releasing = true
    try {
      while (this.#waiting.length > 0 && this.#underWay.size < this.#most) this.#passNext()
    } finally {
      this.#releasing = false
    }
  }

  /** The run has ended, whether it was let through or not: whoever waits for it goes on. */
  ended(run: R): void {
    if (this.#underWay.delete(run)) this.release()
    else this.#take(run)
  }

  /** Gives up all that wait. */
  drain(): readonly R[] {
    return this.#waiting.splice(0)
  }

  get #most(): number {
    const { concurrency = 'parallel', maxConcurrency = 1 } = this.info
    return concurrency === 'parallel' ? Number.POSITIVE_INFINITY : maxConcurrency
  }

  #passNext(): void {
    const next = this.#waiting.shift()
    if (next === undefined) return
    waitingForTurn.delete(next)
    this.#underWay.add(next)
    this.#begin(next)
  }

  /** Of those that have to wait the last one stays. Each is looked for anew: reactions run when one is cancelled. */
  #keepLatest(): void {
    for (;;) {
      const fits = Math.max(this.#most - this.#underWay.size, 0)
      const [oldest, ...later] = this.#waiting.slice(fits)
      if (oldest === undefined || later.length === 0) return
      this.#replace(oldest)
    }
  }

  /** The last ones go on, as many as may. */
  #restart(): void {
    for (;;) {
      const goOn = [...this.#underWay, ...this.#waiting].filter(({ isCancelled }) => !isCancelled)
      const [oldest] = goOn
      if (oldest === undefined || goOn.length <= this.#most) return
      this.#replace(oldest)
    }
  }

  #take(run: R): void {
    const index = this.#waiting.indexOf(run)
    if (index >= 0) this.#waiting.splice(index, 1)
  }

  #replace(run: R): void {
    this.#take(run)
    this.#cancel(run, 'a later run has taken its place')
  }

  #cancel(run: R, why: string): void {
    const { name, concurrency } = this.info
    const message = `Task "${name}" was cancelled: its concurrency is '${concurrency}', and ${why}.`
    run.cancel(new DOMException(message, 'AbortError'))
  }
}
