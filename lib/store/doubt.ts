/*
 * Runs whose commits may have to be taken back: those of a page that does not know yet whether it may change what it shares.
 *
 * - Their commits are seen at once. Whoever awaits them is told when it is known whether they stand.
 * - Without a doubt, which is nearly always, an outcome is settled at once.
 */

import type { CommitOrigin } from './core.js'
import type { Outcome } from './outcome.js'

interface Doubtful {
  readonly origin: CommitOrigin
  stand(): void
  fall(error: Error): void
}

export class Doubt {
  #runs: Doubtful[] | undefined

  /** From now on nobody is told of success. */
  begin(): void {
    this.#runs ??= []
  }

  /** A run has ended well. */
  resolve<T>(outcome: Outcome<T>, value: T, origin: CommitOrigin): void {
    if (this.#runs === undefined) outcome.resolve(value)
    else this.#runs.push({ origin, stand: () => outcome.resolve(value), fall: (error) => outcome.reject(error) })
  }

  /**
   * It is known.
   * @param error why their commits are taken back; undefined if they stand
   * @returns who was told
   */
  end(error?: Error): readonly CommitOrigin[] {
    const runs = this.#runs ?? []
    this.#runs = undefined
    for (const run of runs) {
      if (error === undefined) run.stand()
      else run.fall(error)
    }
    return runs.map(({ origin }) => origin)
  }
}
