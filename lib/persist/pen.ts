/*
 * What the tab that writes does: reads what is stored, then writes what commits change.
 *
 * - What is committed before the end of a hydration is kept, and applied on top of what was stored, in the turn in which that
 *   is published: nobody sees one without the other.
 * - What is stored and cannot be used is left alone: nothing is written, and the store goes on in memory.
 * - A page that was left and is back goes on where it was, unless somebody has written meanwhile.
 *
 * One file: each of these decides what becomes of the same two things, commits that are not stored yet and the right to write.
 */

import { StorageError } from '../errors.js'
import type { PersistHost } from '../store/persistence.js'
import type { KeptRun } from '../store/resumable-runs.js'
import { createToken } from '../store/tokens.js'
import type { AttachOptions } from './attached.js'
import type { Unit } from './dirty.js'
import { EarlyCommits } from './early-commits.js'
import { Fields, overlay } from './fields.js'
import type { News } from './news.js'
import { Rebase } from './rebase.js'
import { RUNS_KEY, toMeta, toStorageError } from './records.js'
import type { Status } from './status.js'
import type { ReaderOptions, StoredState } from './stored-state.js'
import { freshState, readStored } from './stored-state.js'
import type { Written } from './writer.js'
import { retryDelay, Writer } from './writer.js'

export interface PenOptions {
  readonly host: PersistHost
  readonly reader: ReaderOptions
  readonly options: AttachOptions
  readonly status: Status
  /** This tab may write now. */
  isOurs(): boolean
  /** Before anything is read. */
  prepare(): Promise<void>
  /** What was read is part of the state, or could not be read. */
  isOver(failure: StorageError | undefined): void
  /** A write is stored. */
  stored(news: News): void
  /** Somebody else has written, though it was ours. */
  overtaken(error: StorageError): void
  report(error: unknown): void
  /** Runs something when what is under way is done. */
  inOrder(run: () => Promise<void>): Promise<void>
}

export class Pen {
  readonly #options: PenOptions
  readonly #host: PersistHost
  readonly #writer: Writer
  readonly #runs: Unit
  #fields: Fields
  #isWriting = false
  /** The write that the state shows, where another tab has written it. */
  #shown: string | undefined
  /** What was cut short is to be started again: it is not under way in this or another tab. */
  #resumes = true
  /** The page was left: resolves when its last write has ended. */
  #pause: Promise<void> | undefined
  /** The runs that it has left to whoever writes next. */
  #left: readonly KeptRun[] = []
  #commits = 0
  /** What was committed since the state was last the stored one, or the store was made. */
  #early: EarlyCommits
  #failures = 0
  #stopRetry: (() => void) | undefined
  #retired = false

  constructor(options: PenOptions) {
    this.#options = options
    const { host, reader, status, stored, overtaken } = options
    const { name, storage, keys, version } = reader
    const { debounceMs, durability } = options.options
    this.#host = host
    this.#runs = { key: RUNS_KEY, encode: () => host.runs }
    this.#fields = new Fields(reader.paths)
    this.#writer = new Writer(
      {
        host,
        storage,
        name,
        keys,
        debounceMs,
        durability,
        id: createToken(),
        runs: this.#runs,
        stored,
        changed: (now) => (typeof now === 'string' ? status.set(now) : this.#tell(now)),
        overtaken: (error) => {
          this.#resumes = false
          this.#interrupt()
          overtaken(error)
        },
      },
      { fields: this.#fields, generation: undefined, version, base: 0, previous: undefined, outdated: [] },
    )
    this.#early = new EarlyCommits(host)
    host.track((mutations) => {
      this.#commits++
      if (!this.#isWriting) return
      this.#fields.follow(mutations)
      this.#writer.schedule()
    })
    host.watchRuns(() => {
      if (this.#isWriting) this.#writeRuns()
    })
  }

  /** What is stored is part of the state, and commits are written. */
  get isWriting(): boolean {
    return this.#isWriting
  }

  /** How many there were in all. */
  get commits(): number {
    return this.#commits
  }

  /** The page was left while it wrote. */
  get isPaused(): boolean {
    return this.#pause !== undefined
  }

  /**
   * Another tab wrote until now, and the state shows what it has stored.
   * @param resumes it has gone, and what it has left is to be started again
   */
  takeFrom(shown: string | undefined, resumes: boolean): void {
    this.#shown = shown
    this.#resumes = resumes
    this.#early = new EarlyCommits(this.#host)
  }

  async flush(): Promise<void> {
    if (this.#isWriting) return this.#writer.flush()
    await this.#pause
    const { name } = this.#options.reader
    if (this.#pause !== undefined && !this.#writer.isClean) {
      throw new StorageError(`What was committed to "${name}" before its page was left could not be stored.`)
    }
    if (this.#early.origins.size === 0) return
    throw new StorageError(`What is stored as "${name}" could not be read, so nothing is stored yet.`)
  }

  /** The page is hidden; or it goes, and nobody else can have written. */
  handOver(goes: boolean): void {
    if (this.#isWriting) this.#writer.handOver(goes)
  }

  /** The store is disposed of: nothing is started or tried again. */
  retire(): void {
    this.#retired = true
    this.#stopRetry?.()
  }

  /** Writes nothing more; resolves when what is under way has ended. */
  async stop(why: StorageError): Promise<void> {
    await this.#writer.stop(why)
  }

  /** The page is left, and may be kept. */
  leave(): void {
    this.#stopRetry?.()
    if (!this.#isWriting) return
    this.#interrupt()
    this.#left = this.#host.runs
    this.#pause = this.#writer.stop(new StorageError(`The page of the store "${this.#options.reader.name}" was left.`))
  }

  /**
   * The page is back, and may write.
   * @returns whether nobody has written meanwhile, and it goes on where it was
   */
  async goOn(): Promise<boolean> {
    const { reader, status, isOurs } = this.#options
    const { storage, name, keys } = reader
    const writer = this.#writer
    await this.#pause
    const reading = storage.read([keys.meta]).then(([meta]) => toMeta(meta, name)?.generation)
    const stored = await reading.catch(() => writer.generation) // its writes will find out
    if (!isOurs()) return true // it was left again
    if (stored !== undefined && stored !== writer.generation) return false
    this.#pause = undefined
    const early = this.#early
    early.stop()
    if (early.isTooMany || stored !== writer.generation) for (const field of this.#fields.all) field.replaced()
    for (const mutations of early.commits) this.#fields.follow(mutations)
    this.#isWriting = true
    status.set('ready')
    writer.resume()
    writer.schedule()
    return true
  }

  /**
   * Makes the state what it was before commits that may not stand, and gives up what the page could not store when it was left.
   * @param resumes who has written meanwhile has started the runs that the page has left, and left those that have not ended
   * @returns by whom they were, by name
   */
  async takeBack(resumes: boolean): Promise<readonly string[]> {
    const { base, origins, stop } = this.#early
    stop()
    if (origins.size > 0) await this.#host.inTurn(() => this.#host.publish(this.#host.beside(base)))
    if (this.#pause !== undefined) {
      await this.#pause
      this.#pause = undefined
      if (!this.#writer.isClean) this.#options.report(this.#unsaved())
      if (resumes) this.#host.leaveRuns(this.#left, this.#takenOver())
      this.#resumes = resumes
    }
    this.#shown = undefined
    this.#early = new EarlyCommits(this.#host)
    return [...origins.keys()]
  }

  /** Nothing is to be put on top of what another tab stores. */
  rest(): void {
    this.#early.stop()
  }

  /** Reads what is stored for as long as it takes; what goes wrong is told. */
  async hydrate(): Promise<void> {
    try {
      await this.#read(this.#early)
    } catch (error) {
      if (this.#failures++ === 0) this.#tell(error)
      // It is told once, and the next time there is nothing.
      if ((error as StorageError).reason === 'lost') return this.hydrate()
      if (this.#retired || isUnusable(error) || this.#early.isTooMany || !this.#options.isOurs()) return
      this.#stopRetry = this.#host.clock.setTimer(() => {
        if (!this.#isWriting) void this.#options.inOrder(() => this.hydrate())
      }, retryDelay(this.#failures))
    }
  }

  /**
   * Stores what is not stored yet, and reads again.
   * @throws StorageError
   */
  async rehydrate(): Promise<void> {
    this.#stopRetry?.()
    if (!this.#isWriting) return this.#read(this.#early)
    while (!this.#writer.isStopped && !this.#writer.isClean) await this.#writer.flush()
    // In this very turn: no commit is in neither of them.
    const stopped = this.#writer.stop(new StorageError(`"${this.#options.reader.name}" is being read anew.`))
    const early = new EarlyCommits(this.#host)
    try {
      await stopped
      await this.#read(early)
      early.stop() // it may have been left, and nothing read
    } catch (error) {
      early.stop()
      if (!this.#isWriting) throw error // the page was left meanwhile
      if (isUnusable(error)) await this.#writer.stop(error)
      else this.#writer.resume()
      this.#options.status.set(isUnusable(error) ? 'degraded' : 'ready')
      throw error
    }
  }

  async #read(early: EarlyCommits): Promise<void> {
    const { reader, status, isOurs, prepare, isOver } = this.#options
    const { name } = reader
    if (this.#failures === 0) status.set('hydrating')
    let failure: StorageError | undefined
    try {
      if (early.isTooMany) {
        throw new StorageError(
          `"${name}" could not be read for so long that what was committed meanwhile cannot be put on top of it. Reload to read it, or call store.persist.clear() to delete it.`,
        )
      }
      await prepare()
      const stored = await readStored(reader, early.base)
      await this.#host.inTurn(() => {
        if (isOurs()) this.#publish(stored, early)
      })
      if (!isOurs()) return // the page was left meanwhile
      this.#failures = 0
      if (this.#resumes && !this.#retired) this.#host.resume(stored.runs)
      this.#resumes = false
    } catch (error) {
      failure = toStorageError(error, name, 'read')
      status.set('degraded')
    }
    isOver(failure)
    if (failure !== undefined) throw failure
  }

  #publish({ meta, base, outdated, fields, values }: StoredState, early: EarlyCommits): void {
    const { reader, report } = this.#options
    early.stop()
    if (meta !== undefined && meta.generation === this.#shown && meta.base === base) {
      // The state is what was stored already, and early commits are on top of it.
      for (const mutations of early.commits) fields.follow(mutations)
    } else if (meta !== undefined) {
      const beside = this.#host.beside(overlay(early.base, values, reader.paths))
      const rebase = new Rebase(early.base, beside)
      for (const mutations of early.commits) {
        try {
          fields.follow(rebase.apply(mutations))
        } catch (error) {
          report(error)
        }
      }
      this.#host.publish(beside)
    }
    const isMigrated = meta !== undefined && meta.base !== base
    const previous = isMigrated ? { version: meta.version, base: meta.base } : meta?.previous
    this.#begin({ fields, generation: meta?.generation, version: reader.version, base, previous, outdated })
    if (early.commits.length > 0) this.#writer.schedule()
  }

  /**
   * Deletes what is stored.
   * @param commits how many there were when it was called: later ones are to be stored
   * @throws StorageError
   */
  async clear(commits: number): Promise<void> {
    const { name, storage, version, keys, paths } = this.#options.reader
    await this.#writer.stop(new StorageError(`What is stored as "${name}" is being deleted.`))
    try {
      await storage.write({ set: [], delete: await storage.keys(keys.prefix) })
    } catch (error) {
      if (this.#isWriting) this.#writer.resume()
      throw toStorageError(error, name, 'written')
    }
    if (!this.#options.isOurs()) return // the page was left meanwhile
    this.#stopRetry?.()
    this.#early.stop()
    const { fields, base } = freshState(paths, 0)
    this.#begin({ fields, generation: undefined, version, base, previous: undefined, outdated: [] })
    if (this.#commits > commits) this.#writer.schedule()
  }

  /** Commits are written from now on. */
  #begin(written: Written): void {
    this.#fields = written.fields
    this.#isWriting = true
    this.#shown = undefined
    this.#options.status.set('ready')
    this.#writer.resume(written)
    if (this.#host.runs.length > 0) this.#writeRuns()
  }

  #writeRuns(): void {
    this.#fields.dirty.write(this.#runs)
    this.#writer.schedule()
  }

  /** What is committed from now on is not written until what is stored has been read, or the page is back. */
  #interrupt(): void {
    this.#isWriting = false
    this.#early = new EarlyCommits(this.#host)
  }

  #unsaved(): StorageError {
    const { name } = this.#options.reader
    return new StorageError(
      `What was committed to "${name}" before its page was left could not be stored, and another tab has written since. It gives way to what is stored.`,
      { reason: 'conflict' },
    )
  }

  #takenOver(): StorageError {
    const { name } = this.#options.reader
    return new StorageError(
      `Another page has written "${name}" while this one was away, and has started its runs again: look there what has become of them.`,
      { reason: 'conflict' },
    )
  }

  /** Once for each row of failures. */
  #tell(error: unknown): void {
    this.#options.status.set('degraded')
    this.#options.report(error)
  }
}

/** Trying again would find the same. */
function isUnusable(error: unknown): error is StorageError {
  return error instanceof StorageError && (error.reason === 'newer' || error.reason === 'corrupt')
}
