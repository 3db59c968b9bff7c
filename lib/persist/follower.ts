/*
 * A tab that does not write: it shows what is stored.
 *
 * - Told of a write, it reads the records that were changed, and publishes them as one commit: always one whole version.
 * - What was read stays good until a later write names it. So it keeps up with a writer that never rests, and reads a few
 *   records at a time.
 * - Whatever does not lead on from what it knows (news that were missed, another version, somebody's nonsense) makes it read
 *   everything again.
 */

import type { StorageError } from '../errors.js'
import type { Mutation } from '../state/mutation.js'
import { valueBrought } from '../state/mutation.js'
import { nextTurn } from '../store/clock.js'
import { pathOfKey } from './field.js'
import { overlay } from './fields.js'
import { FollowedField } from './followed-field.js'
import type { News, NewsChannel } from './news.js'
import { toMeta, toStorageError } from './records.js'
import type { ReaderOptions } from './stored-state.js'
import { PER_TURN, readStored } from './stored-state.js'
import { retryDelay, TURN_MS } from './writer.js'

/** News of what was stored come at once; if they do not, their writer is gone, or cannot tell. */
const SILENCE_MS = 1_000

export interface FollowerOptions {
  readonly reader: ReaderOptions
  readonly news: NewsChannel
  /** It shows what is stored; or it could not be read, for the first time in a row. */
  changed(state: 'follower' | StorageError): void
}

export class Follower {
  readonly #options: FollowerOptions
  /** The write that the state shows; undefined where nothing is stored. */
  shown: string | undefined
  /** The last write that is known of. */
  #heard: string | undefined
  /** What changed since the one that is shown, and has not been read. */
  #pending = new Set<string>()
  #records = new Map<string, unknown>()
  /** Those that were heard of since the one that is shown. */
  readonly #since = new Set<string>()
  /** What was read last, together with a write whose news have not come yet: it is good as of that one. */
  #ahead: { readonly generation: string; readonly keys: ReadonlySet<string> } | undefined
  /** By the beginning of their keys; undefined where changes can't be followed one by one. */
  #fields: ReadonlyMap<string, FollowedField> | undefined
  #base = ''
  /** What is known does not lead on: all is to be read. */
  #isLost = true
  /** What was heard while all was read. */
  #early: News[] | undefined
  #running: Promise<void> | undefined
  #failure: StorageError | undefined
  #failures = 0
  #stopTimer: (() => void) | undefined
  #isStopped = false

  constructor(options: FollowerOptions) {
    this.#options = options
    options.news.listen((news) => {
      if (this.#early !== undefined) this.#early.push(news)
      else this.#note(news)
      void this.#run()
    })
  }

  /**
   * Reads everything.
   * @throws StorageError; it is told, and tried again
   */
  async read(): Promise<void> {
    this.#isLost = true
    await this.#run()
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Publishes nothing more; resolves when it has come to rest. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#options.news.listen(undefined)
    this.#stopTimer?.()
    await this.#running
  }

  #run(): Promise<void> {
    this.#running ??= this.#catchUp()
    return this.#running
  }

  async #catchUp(): Promise<void> {
    const { reader, changed } = this.#options
    this.#stopTimer?.()
    await undefined // `#running` is set
    try {
      while (!this.#isStopped && (this.#isLost || this.#heard !== this.shown)) {
        if (this.#isLost) await this.#readAll()
        else if (!(await this.#readSome())) break
      }
      this.#failure = undefined
      this.#failures = 0
      if (!this.#isStopped) changed('follower')
    } catch (error) {
      this.#early = undefined
      this.#isLost = true
      this.#failure = toStorageError(error, reader.name, 'read')
      if (this.#isStopped) return
      if (this.#failures++ === 0) changed(this.#failure)
      this.#again(retryDelay(this.#failures))
    } finally {
      this.#running = undefined
    }
  }

  #again(ms: number): void {
    this.#stopTimer = this.#options.reader.host.clock.setTimer(() => {
      this.#isLost = true
      void this.#run()
    }, ms)
  }

  #note({ before, generation, keys }: News): void {
    if (generation === this.#heard) return
    if (before !== this.#heard || this.#fields === undefined) this.#isLost = true
    this.#heard = generation
    this.#since.add(generation)
    for (const key of keys) {
      if (this.#ahead?.keys.has(key)) continue
      this.#records.delete(key)
      if (this.#fieldOf(key) !== undefined) this.#pending.add(key)
    }
    if (generation === this.#ahead?.generation) this.#ahead = undefined
  }

  #fieldOf(key: string): FollowedField | undefined {
    return this.#fields?.get(fieldKeyOf(key))
  }

  async #readAll(): Promise<void> {
    const { reader } = this.#options
    const { host, paths, merge } = reader
    this.#isLost = false
    this.#early = []
    const { meta, base, values, fields } = await readStored(reader, host.root)
    await host.inTurn(() => {
      if (this.#isStopped || meta === undefined) return
      host.publish(host.beside(overlay(host.root, values, paths)))
    })
    if (this.#isStopped) return
    this.shown = this.#heard = meta?.generation
    this.#base = reader.keys.base(base)
    this.#pending.clear()
    this.#records.clear()
    this.#since.clear()
    this.#ahead = undefined
    const isPlain = meta?.base === base && merge === undefined
    this.#fields = isPlain ? new Map(fields.all.map((field) => [field.key, new FollowedField(field)])) : undefined
    const early = this.#early
    this.#early = undefined
    for (const one of early) if (one.before === this.#heard) this.#note(one) // the others came before
  }

  /** Reads some of what is pending, and publishes it when that was all. False if there are news to be waited for. */
  async #readSome(): Promise<boolean> {
    const { storage, keys: names, host, name, version } = this.#options.reader
    const keys = [...this.#pending].slice(0, PER_TURN)
    for (const key of keys) this.#pending.delete(key)
    await nextTurn(host.clock)
    const [record, ...values] = await storage.read([names.meta, ...keys.map((key) => this.#base + key)])
    const meta = toMeta(record, name)
    for (const [i, key] of keys.entries()) if (!this.#pending.has(key)) this.#keep(key, values[i])
    if (meta === undefined || meta.version !== version || names.base(meta.base) !== this.#base) this.#isLost = true
    if (this.#isLost || meta === undefined) return true
    const { generation } = meta
    const isAhead = generation !== this.shown && !this.#since.has(generation)
    if (isAhead) this.#ahead = { generation, keys: new Set(keys.filter((key) => !this.#pending.has(key))) }
    if (this.#pending.size > 0) return true
    if (generation === this.#heard) await this.#publish(generation)
    else if (isAhead) this.#again(SILENCE_MS)
    return !isAhead
  }

  #keep(key: string, value: unknown): void {
    const { host } = this.#options.reader
    const { path } = this.#fieldOf(key) as FollowedField // others are not read
    if (value === undefined) return // deleted: the directory says so, too
    const isWhole = pathOfKey(key) !== undefined
    if (!isWhole) this.#records.set(key, host.copyIn(value, path))
    else if (typeof value === 'object' && value !== null && 'value' in value) {
      this.#records.set(key, { value: host.copyIn(value.value, path) })
    } else this.#records.set(key, value)
  }

  async #publish(generation: string): Promise<void> {
    const { host } = this.#options.reader
    const records = this.#records
    this.#records = new Map()
    const mutations: Mutation[] = []
    const fresh = new Set<object>()
    try {
      let until = host.clock.now() + TURN_MS
      for (const key of new Set([...records.keys()].map(fieldKeyOf))) {
        for (const mutation of (this.#fieldOf(key) as FollowedField).follow(host.root, records)) {
          if (mutation !== undefined) {
            mutations.push(mutation)
            const value = valueBrought(mutation)
            if (typeof value === 'object' && value !== null) fresh.add(value)
          }
          if (host.clock.now() < until) continue
          await nextTurn(host.clock)
          if (this.#isStopped) return
          until = host.clock.now() + TURN_MS
        }
      }
      await host.receive(mutations, fresh, () => !this.#isStopped)
    } catch {
      this.#isLost = true // what is read then, and whether it can be, says more
      return
    }
    if (this.#isStopped) return // it was not wanted any more, perhaps
    this.shown = generation
    // Those up to it are the past; its own place is `shown`.
    for (const past of this.#since) {
      this.#since.delete(past)
      if (past === generation) break
    }
  }
}

/** The key of the field of a segment, or that of the field itself. */
function fieldKeyOf(key: string): string {
  return key.split('/', 2).join('/')
}
