/*
 * The copies that tabs keep, each under its token.
 *
 * - A duplicated tab begins with a copy of what the first has stored. Runs that are to be resumed stay with the first.
 * - If the first is gone, its records move: that was a crash, and the page after it has a new token.
 * - Copies of tabs long gone are deleted: those that were not used for a month, and the oldest of very many. A tab that lives
 *   has a Web Lock, and keeps its copy; without Web Locks its last use decides alone.
 */

import { StorageError } from '../errors.js'
import { nextTurn } from '../store/clock.js'
import type { PersistHost } from '../store/persistence.js'
import { Keys, RUNS_KEY, toMeta } from './records.js'
import type { StateStorage } from './storage.js'
import { ATTEMPTS, PER_TURN } from './stored-state.js'
import type { Surroundings } from './surroundings.js'
import type { TabToken } from './tab-token.js'
import { withFreeLock } from './writer-lock.js'

const DAY_MS = 86_400_000
/** A tab that was closed can be opened again; after as long nobody will. */
export const KEPT_MS: number = 30 * DAY_MS
/** More tabs than anybody has open, each with a state of its own. */
export const KEPT_COUNT = 50

export interface TabCopiesOptions {
  readonly name: string
  readonly storage: StateStorage
  readonly host: PersistHost
  readonly surroundings: Surroundings
  readonly tab: TabToken
  readonly keys: Keys
}

export class TabCopies {
  readonly #options: TabCopiesOptions
  #usedAt = Number.NEGATIVE_INFINITY

  constructor(options: TabCopiesOptions) {
    this.#options = options
  }

  /**
   * Sees to it that there is what this tab begins with.
   * @throws StorageError (awaited)
   */
  async arrive(): Promise<void> {
    const { name, surroundings, tab } = this.#options
    if (tab.from === undefined) return
    const from = new Keys(name, tab.from)
    await withFreeLock(from.lock, surroundings.locks, (isFree) => this.#copy(from, isFree === true))
    tab.copied()
  }

  async #copy(from: Keys, isMove: boolean): Promise<void> {
    const { name, storage, keys } = this.#options
    if ((await storage.read([keys.meta]))[0] !== undefined) return // done, and the page went before it could be noted
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const [before] = await storage.read([from.meta])
      if (before === undefined) return
      const stored = await storage.keys(from.prefix)
      const set = (await this.#readAll(stored)).filter(
        ([key, value]) => value !== undefined && key !== from.used && (isMove || !key.endsWith(`/${RUNS_KEY}`)),
      )
      const [after] = await storage.read([from.meta])
      if (toMeta(after, name)?.generation !== toMeta(before, name)?.generation) continue
      const moved = set.map(([key, value]) => [keys.prefix + key.slice(from.prefix.length), value] as const)
      await storage.write(
        { set: moved, delete: isMove ? stored : [] },
        { expect: { key: keys.meta, value: undefined } },
      )
      return
    }
    throw new StorageError(`The state of the tab that this one is a copy of was written each time it was read.`)
  }

  async #readAll(keys: readonly string[]): Promise<[string, unknown][]> {
    const { storage, host } = this.#options
    const read: [string, unknown][] = []
    for (let first = 0; first < keys.length; first += PER_TURN) {
      await nextTurn(host.clock)
      const some = keys.slice(first, first + PER_TURN)
      const values = await storage.read(some)
      for (const [i, key] of some.entries()) read.push([key, values[i]])
    }
    return read
  }

  /** Notes that this copy is used, once a day. */
  async use(): Promise<void> {
    const { storage, surroundings, keys } = this.#options
    const now = surroundings.wallTime()
    if (now - this.#usedAt < DAY_MS) return
    this.#usedAt = now
    await storage.write({ set: [[keys.used, now]], delete: [] })
  }

  /** Deletes copies that nobody will ask for any more. */
  async tidy(): Promise<void> {
    const { name, storage, surroundings, keys } = this.#options
    const now = surroundings.wallTime()
    const tokens = new Set((await storage.keys(Keys.tabs(name))).map((key) => Keys.tokenIn(key, name)))
    const others = [...tokens].map((token) => new Keys(name, token)).filter(({ prefix }) => prefix !== keys.prefix)
    const times = await storage.read(others.map(({ used }) => used))
    const copies = others.map((copy, i) => ({ copy, usedAt: times[i] }))
    // One whose time is not known was made by a page that did not come so far. It counts from now.
    const unknown = copies.filter(({ usedAt }) => typeof usedAt !== 'number')
    if (unknown.length > 0) await storage.write({ set: unknown.map(({ copy }) => [copy.used, now]), delete: [] })
    const known = copies.filter((each): each is { copy: Keys; usedAt: number } => typeof each.usedAt === 'number')
    known.sort((one, other) => other.usedAt - one.usedAt)
    for (const [i, { copy, usedAt }] of known.entries()) {
      if (i < KEPT_COUNT && now - usedAt <= KEPT_MS) continue
      await withFreeLock(copy.lock, surroundings.locks, async (isFree) => {
        if (isFree === false || (isFree === undefined && now - usedAt <= KEPT_MS)) return
        await storage.write({ set: [], delete: await storage.keys(copy.prefix) })
      })
    }
  }
}
