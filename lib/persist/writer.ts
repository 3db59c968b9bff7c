/*
 * Writes what is dirty.
 *
 * - What a write holds is one whole version: it is taken in turns, and what a commit changes meanwhile is taken again.
 * - The first commit after a write begins the wait for the next, and later ones do not put it off.
 * - A write names the one that has to be stored before it. So none is stored on top of one that failed, nor on somebody else's.
 *   That takes a look into storage, for which a page that goes has no time: its last write holds what is under way, too.
 * - A write that fails leaves everything as dirty as it was. It is told once, and tried again after longer and longer waits.
 */

import { StorageError } from '../errors.js'
import { nextTurn } from '../store/clock.js'
import type { PersistHost } from '../store/persistence.js'
import { Batch } from './batch.js'
import type { Unit } from './dirty.js'
import type { Fields } from './fields.js'
import { lookUp } from './look-up.js'
import type { News } from './news.js'
import type { Keys, Meta } from './records.js'
import { FORMAT, toStorageError } from './records.js'
import type { StateStorage, StorageWriteOptions } from './storage.js'

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
/** Of a frame of 16 ms, so much is taken at a time. */
export const TURN_MS = 5

/** What is written: it changes with each hydration. */
export interface Written {
  readonly fields: Fields
  /** The write that is stored; undefined if none is. */
  readonly generation: string | undefined
  readonly version: number
  readonly base: number
  readonly previous: Meta['previous']
  /** Whole keys, to be deleted with the next write. */
  readonly outdated: readonly string[]
}

export interface WriterOptions {
  readonly host: PersistHost
  readonly storage: StateStorage
  readonly name: string
  readonly keys: Keys
  readonly debounceMs: number
  readonly durability: 'relaxed' | 'strict'
  /** Names the writes of this store. */
  readonly id: string
  /** What is stored besides the fields. */
  readonly runs: Unit
  /** A write is stored. */
  stored(news: News): void
  /** A write has begun, is stored, or has failed for the first time in a row. */
  changed(state: 'writing' | 'ready' | StorageError): void
  /** Somebody else has written. Nothing more is written until `resume`. */
  overtaken(error: StorageError): void
}

export class Writer {
  readonly #options: WriterOptions
  #written: Written
  /** Known to be stored. */
  #confirmed: string | undefined
  /** Handed over last. */
  #generation: string | undefined
  #count = 0
  #batch: Batch = new Batch()
  /** Takes what is dirty; undefined once it has been handed over. */
  #next: Promise<void> | undefined
  /** The last that was handed over, while it is under way; false if what was stored before is gone. */
  #current: Promise<boolean> | undefined
  /** In the order in which they were handed over. */
  readonly #underWay = new Set<Batch>()
  #stopTimer: (() => void) | undefined
  #failures = 0
  /** A commit has changed something since all was stored: else what is dirty can wait for the next one. */
  #isDue = false
  /** Nothing is written any more. */
  #stopped: StorageError | undefined

  constructor(options: WriterOptions, written: Written) {
    this.#options = options
    this.#written = written
    this.#confirmed = this.#generation = written.generation
  }

  get #dirty() {
    return this.#written.fields.dirty
  }

  /** All that was committed is stored. */
  get isClean(): boolean {
    return !this.#isDue && this.#next === undefined && this.#current === undefined
  }

  /** The last write that is known to be stored. */
  get generation(): string | undefined {
    return this.#confirmed
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined
  }

  /** A commit has changed something. */
  schedule(): void {
    if (this.#dirty.isEmpty) return
    this.#isDue = true
    if (this.#stopTimer !== undefined || this.#stopped !== undefined) return
    if (this.#next === undefined && this.#current === undefined) this.#wait(this.#options.debounceMs)
  }

  /** Writes what is dirty now; resolves when it is stored. */
  async flush(): Promise<void> {
    if (this.#stopped !== undefined) throw this.#stopped
    this.#stopWaiting()
    if (this.isClean) return
    this.#next ??= this.#write()
    await this.#next
  }

  /**
   * The page is hidden, or goes: hands everything over in this very turn, and what is being handed over slowly.
   * @param goes there will be no time to look what is stored
   */
  handOver(goes: boolean): void {
    if (this.#stopped !== undefined || (!this.#isDue && this.#current === undefined)) return
    this.#take(Number.POSITIVE_INFINITY)
    this.#stopWaiting()
    if (goes) for (const earlier of [...this.#underWay].reverse()) this.#batch.addEarlier(earlier)
    this.#send({ atOnce: true }, goes).catch(() => {}) // it was told
  }

  /** Writes nothing from now on, but what is under way; resolves when that has ended. */
  async stop(why: StorageError): Promise<void> {
    this.#stopped = why
    this.#stopWaiting()
    await this.#next?.catch(() => {})
    await this.#idle()
    this.#putBack(this.#batch)
    this.#batch = new Batch()
  }

  /** Goes on after `stop`, with the same records or with others, of which nothing is due. */
  resume(written?: Written): void {
    if (written !== undefined) {
      this.#written = written
      this.#confirmed = this.#generation = written.generation
      this.#isDue = false
    }
    this.#stopped = undefined
    this.#failures = 0
    if (this.#isDue) this.schedule()
  }

  #wait(ms: number): void {
    this.#stopTimer = this.#options.host.clock.setTimer(() => {
      this.#stopTimer = undefined
      this.flush().catch(() => {}) // it was told
    }, ms)
  }

  #stopWaiting(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }

  /** Nothing is under way. */
  async #idle(): Promise<void> {
    while (this.#current !== undefined) await this.#current.catch(() => {})
  }

  async #write(): Promise<void> {
    const { clock } = this.#options.host
    try {
      await this.#idle()
      while (!this.#take(clock.now() + TURN_MS)) await nextTurn(clock)
    } finally {
      this.#next = undefined
    }
    if (this.#stopped !== undefined) throw this.#stopped
    // `handOver` may have come between, and left nothing.
    const stored = this.#batch.isEmpty ? await this.#current : await this.#send({})
    if (stored === false) await this.flush()
  }

  /** Takes what is dirty until some time; whether that was all. */
  #take(until: number): boolean {
    const { host } = this.#options
    const all = this.#batch.take(this.#dirty, host.root, (value) => {
      host.keep(value)
      return host.clock.now() > until
    })
    if (all) this.#isDue = false
    return all
  }

  /**
   * Hands over what was taken.
   * @param blindly without a look at what is stored
   */
  #send(more: StorageWriteOptions, blindly = false): Promise<boolean> {
    const { storage, keys, durability, id, changed, stored } = this.#options
    const { fields, version, base, previous, outdated } = this.#written
    const batch = this.#batch
    this.#batch = new Batch()
    this.#underWay.add(batch)
    const expect = { key: keys.meta, value: this.#generation }
    const generation = `${id}/${++this.#count}`
    this.#generation = generation
    const meta: Meta = { format: FORMAT, version, generation, base, fields: fields.keys, ...(previous && { previous }) }
    const prefix = keys.base(base)
    const change = {
      set: [[keys.meta, meta] as const, ...[...batch.set].map(([key, value]) => [prefix + key, value] as const)],
      delete: [...[...batch.gone].map((key) => prefix + key), ...outdated],
    }
    const write = async () => storage.write(change, { durability, ...(!blindly && { expect }), ...more }) // it may throw
    const done: Promise<boolean> = write().then(
      () => {
        this.#underWay.delete(batch)
        this.#confirmed = generation
        this.#written = { ...this.#written, outdated: [] }
        stored({ before: expect.value, generation, keys: [...batch.set.keys(), ...batch.gone] })
        if (blindly) void this.#lookForAll()
        if (this.#current === done) this.#stored()
        return true
      },
      (error: unknown) => this.#failed(batch, error, () => this.#current === done),
    )
    this.#current = done
    changed('writing')
    return done
  }

  /** The page has not gone, and what was stored before may have: then all of it is to be written. */
  async #lookForAll(): Promise<void> {
    const { storage, keys } = this.#options
    const { fields, base } = this.#written
    const prefix = keys.base(base)
    const stored = new Set(await storage.keys(prefix).catch(() => fields.keys.map((key) => prefix + key)))
    if (fields.keys.every((key) => stored.has(prefix + key))) return
    this.#writeAll()
  }

  #writeAll(): void {
    for (const field of this.#written.fields.all) field.replaced()
    this.#dirty.write(this.#options.runs)
    this.schedule()
  }

  #stored(): void {
    this.#current = undefined
    this.#failures = 0
    this.#options.changed('ready')
    this.schedule()
  }

  /**
   * What was to be written is dirty again.
   * @returns false if it was not stored because all that was stored is gone
   * @throws StorageError
   */
  async #failed(batch: Batch, reason: unknown, isLast: () => boolean): Promise<boolean> {
    const { name, changed, overtaken } = this.#options
    let error = toStorageError(reason, name, 'written')
    this.#underWay.delete(batch)
    this.#putBack(batch)
    if (!isLast()) throw error // the next one fails, too: it was to be stored on top of this one
    this.#generation = this.#confirmed
    const found = await lookUp(this.#options, this.#confirmed)
    if (!isLast()) throw error
    this.#current = undefined
    if (found instanceof StorageError) {
      error = found
      this.#stopped ??= error
    } else if (found !== undefined) {
      const isGone = found.generation === undefined && this.#confirmed !== undefined
      this.#confirmed = this.#generation = found.generation
      if (isGone) {
        this.#writeAll()
        return false
      }
    }
    this.#failures++
    if (error === found && error.reason === 'conflict') overtaken(error)
    else if (this.#failures === 1) changed(error)
    if (this.#stopped === undefined) this.#wait(retryDelay(this.#failures))
    throw error
  }

  #putBack(batch: Batch): void {
    batch.putBack(this.#dirty)
    this.#isDue ||= !this.#dirty.isEmpty
  }
}

/** How long to wait after so many failures in a row, in milliseconds. */
export function retryDelay(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS)
}
