/*
 * What comes in on a link of the page: in its order, and few slices at a time.
 *
 * - A browser hands over all messages that have arrived by then one after the other, and what else the page has to do waits
 *   behind them: some hundred slices would be one long block. So after a few of them the next ones wait, unread, for a turn.
 * - What has come behind them waits with them.
 */

/** About 2 ms of a page, and 8 ms of a slow one. */
const SLICES_PER_TURN = 8

export class Inbox {
  readonly #turn: (run: () => void) => void
  #waiting: (() => void)[] = []
  /** Slices that were handled since all others had their turn. */
  #slices = 0

  /** @param turn runs something in a turn of its own, soon */
  constructor(turn: (run: () => void) => void) {
    this.#turn = turn
  }

  /** Handles a message, now or in its turn. */
  add(handle: () => void): void {
    if (this.#slices >= SLICES_PER_TURN) this.#waiting.push(handle)
    else handle()
  }

  /** The message that is being handled is a slice. */
  noteSlice(): void {
    this.#slices += 1
    if (this.#slices === 1) this.#turn(() => this.#goOn())
  }

  /** What waits is dropped. */
  close(): void {
    this.#waiting = []
  }

  #goOn(): void {
    this.#slices = 0
    while (this.#slices < SLICES_PER_TURN) {
      const handle = this.#waiting.shift()
      if (handle === undefined) return
      handle()
    }
  }
}
