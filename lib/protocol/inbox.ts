/*
 * What comes in on a link: in its order, and few slices at a time.
 *
 * - A browser hands over all messages that have arrived by then one after the other, and what else the page has to do waits
 *   behind them: some hundred slices would be one long block. So after a few of them the next ones wait, unread, for a turn.
 * - What has come behind them waits with them.
 */

/** About 2 ms of a page, and 8 ms of a slow one. */
const SLICES_PER_TURN = 8

export class Inbox {
  readonly #handle: (event: MessageEvent) => void
  readonly #turn: ((run: () => void) => void) | undefined
  #waiting: MessageEvent[] = []
  /** Slices that were handled since all others had their turn. */
  #slices = 0

  /**
   * @param handle handles a message; tells of each slice
   * @param turn runs something in a turn of its own, soon; undefined where nobody minds a block
   */
  constructor(handle: (event: MessageEvent) => void, turn: ((run: () => void) => void) | undefined) {
    this.#handle = handle
    this.#turn = turn
  }

  add(event: MessageEvent): void {
    if (this.#isFull) this.#waiting.push(event)
    else this.#handle(event)
  }

  /** The message that is being handled is a slice. */
  noteSlice(): void {
    if (this.#turn === undefined) return
    this.#slices += 1
    if (this.#slices === 1) this.#turn(() => this.#goOn())
  }

  /** What waits is dropped. */
  close(): void {
    this.#waiting = []
  }

  get #isFull(): boolean {
    return this.#slices >= SLICES_PER_TURN
  }

  #goOn(): void {
    this.#slices = 0
    while (!this.#isFull) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#handle(next)
    }
  }
}
