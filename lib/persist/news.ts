/*
 * What a writer tells the other tabs: that something was stored, and under which keys.
 *
 * - A hint and no data: any script of the origin can send it. What it names is read from storage and checked there.
 * - A channel with a listener keeps a page from being cached: it is closed when the page is left.
 */

import type { Channel, Surroundings } from './surroundings.js'

/** One write was stored. */
export interface News {
  /** The write that was stored before it; undefined where there was none. */
  readonly before: string | undefined
  readonly generation: string
  /** Of the records that were set or deleted, without what all of them begin with. */
  readonly keys: readonly string[]
}

export class NewsChannel {
  readonly #name: string
  readonly #surroundings: Surroundings
  #channel: Channel | undefined
  #listener: ((news: News) => void) | undefined

  constructor(name: string, surroundings: Surroundings) {
    this.#name = name
    this.#surroundings = surroundings
    this.open()
  }

  open(): void {
    this.#channel ??= this.#surroundings.openChannel(this.#name)
    this.listen(this.#listener)
  }

  tell(news: News): void {
    this.#channel?.postMessage(news)
  }

  /** @param listener undefined: nobody listens any more */
  listen(listener: ((news: News) => void) | undefined): void {
    this.#listener = listener
    if (this.#channel === undefined) return
    this.#channel.onmessage =
      listener === undefined
        ? null
        : ({ data }) => {
            if (isNews(data)) listener(data)
          }
  }

  close(): void {
    this.#channel?.close()
    this.#channel = undefined
  }
}

function isNews(data: unknown): data is News {
  const { before, generation, keys } = (data ?? {}) as Partial<News>
  return (
    (before === undefined || typeof before === 'string') &&
    typeof generation === 'string' &&
    Array.isArray(keys) &&
    keys.every((key) => typeof key === 'string')
  )
}
