/*
 * The persistence of one store: reads what is stored, then writes what commits change.
 *
 * - What is committed before the end of a hydration is kept, and applied on top of what was stored, in the turn in which that
 *   is published: nobody sees one without the other.
 * - What is stored and cannot be used is left alone: nothing is written, and the store goes on in memory.
 * - Hydrations and `clear` follow one another.
 */

import { StorageError } from '../errors.js'
import type { AttachedPersistence, PersistHost, StorePersist } from '../store/persistence.js'
import { createToken } from '../store/tokens.js'
import type { Unit } from './dirty.js'
import { valueAt } from './dirty.js'
import { EarlyCommits } from './early-commits.js'
import { Fields, hasPath, persistedPaths } from './fields.js'
import { onLeave } from './on-leave.js'
import { Rebase } from './rebase.js'
import { Keys, RUNS_KEY, toStorageError } from './records.js'
import { Status } from './status.js'
import type { ReaderOptions, StoredState } from './stored-state.js'
import { freshState, readStored } from './stored-state.js'
import type { Written } from './writer.js'
import { retryDelay, Writer } from './writer.js'

/** Options of `persist`, with their defaults, and without the state's type. */
export interface AttachOptions extends Pick<ReaderOptions, 'name' | 'storage' | 'version' | 'migrate' | 'merge'> {
  readonly partialize: ((state: never) => object) | undefined
  readonly onRehydrate: ((state: object, error: unknown) => void) | undefined
  readonly debounceMs: number
  readonly durability: 'relaxed' | 'strict'
}

export class Attached implements AttachedPersistence {
  readonly api: StorePersist
  readonly ready: Promise<void>
  readonly #host: PersistHost
  readonly #options: AttachOptions
  readonly #keys: Keys
  readonly #paths: readonly (readonly string[])[]
  readonly #status = new Status()
  readonly #writer: Writer
  readonly #stopLeave: () => void
  readonly #runs: Unit
  #fields: Fields
  #hydrated = false
  #commits = 0
  /** What was committed since the store was made, until what is stored has been read. */
  #early: EarlyCommits
  #failures = 0
  #stopRetry: (() => void) | undefined
  #disposed = false
  /** What is done one after the other. */
  #queue: Promise<unknown>

  constructor(host: PersistHost, options: AttachOptions) {
    const { name, storage, version, debounceMs, durability } = options
    this.#host = host
    this.#options = options
    this.#keys = new Keys(name)
    this.#runs = { key: RUNS_KEY, encode: () => host.runs }
    this.#paths = persistedPaths(host.shape, host.root, options.partialize)
    this.#fields = new Fields(this.#paths)
    this.#writer = new Writer(
      {
        host,
        storage,
        name,
        keys: this.#keys,
        debounceMs,
        durability,
        id: createToken(),
        runs: this.#runs,
        changed: (now) => (typeof now === 'string' ? this.#status.set(now) : this.#tell(now)),
      },
      { fields: this.#fields, generation: undefined, version, base: 0, previous: undefined, outdated: [] },
    )
    this.#early = new EarlyCommits(host)
    host.track((mutations) => {
      this.#commits++
      if (!this.#hydrated) return
      this.#fields.follow(mutations)
      this.#writer.schedule()
    })
    host.watchRuns(() => {
      if (this.#hydrated) this.#writeRuns()
    })
    this.#stopLeave = onLeave((goes) => {
      if (this.#hydrated) this.#writer.handOver(goes)
    })
    const status = this.#status
    this.api = {
      get status() {
        return status.get()
      },
      hasHydrated: () => this.#hydrated,
      rehydrate: () => this.#inOrder(() => this.#rehydrate()),
      flush: () => this.#flush(),
      clear: () => {
        const commits = this.#commits
        return this.#inOrder(() => this.#clear(commits))
      },
    }
    this.ready = this.#queue = this.#hydrateFirst()
  }

  async dispose(): Promise<void> {
    this.#disposed = true
    this.#stopLeave()
    this.#stopRetry?.()
    await this.#queue.catch(() => {})
    await this.#flush().catch(() => {}) // it was told
    await this.#writer.stop(new StorageError(`The store that is stored as "${this.#options.name}" was disposed of.`))
    await this.#options.storage.close?.()
  }

  #inOrder<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(run, run)
    this.#queue = done.catch(() => {})
    return done
  }

  async #flush(): Promise<void> {
    await this.#queue
    if (this.#hydrated) return this.#writer.flush()
    if (this.#early.commits.length === 0 && !this.#early.isTooMany) return
    throw new StorageError(`What is stored as "${this.#options.name}" could not be read, so nothing is stored yet.`)
  }

  /** Reads what is stored for as long as it takes; what goes wrong is told. */
  async #hydrateFirst(): Promise<void> {
    try {
      await this.#hydrate(this.#early)
    } catch (error) {
      if (this.#failures++ === 0) this.#tell(error)
      // It is told once, and the next time there is nothing.
      if ((error as StorageError).reason === 'lost') return this.#hydrateFirst()
      if (this.#disposed || isUnusable(error) || this.#early.isTooMany) return
      this.#stopRetry = this.#host.clock.setTimer(() => {
        if (!this.#hydrated) void this.#inOrder(() => this.#hydrateFirst())
      }, retryDelay(this.#failures))
    }
  }

  async #rehydrate(): Promise<void> {
    this.#stopRetry?.()
    if (!this.#hydrated) return this.#hydrate(this.#early)
    while (!this.#writer.isStopped && !this.#writer.isClean) await this.#writer.flush()
    // In this very turn: no commit is in neither of them.
    const stopped = this.#writer.stop(new StorageError(`"${this.#options.name}" is being read anew.`))
    const early = new EarlyCommits(this.#host)
    try {
      await stopped
      await this.#hydrate(early)
    } catch (error) {
      early.stop()
      if (isUnusable(error)) await this.#writer.stop(error)
      else this.#writer.resume()
      this.#status.set(isUnusable(error) ? 'degraded' : 'ready')
      throw error
    }
  }

  async #hydrate(early: EarlyCommits): Promise<void> {
    const { name, onRehydrate } = this.#options
    const options = { ...this.#options, host: this.#host, keys: this.#keys, paths: this.#paths }
    if (this.#failures === 0) this.#status.set('hydrating')
    let failure: StorageError | undefined
    try {
      if (early.isTooMany) {
        throw new StorageError(
          `"${name}" could not be read for so long that what was committed meanwhile cannot be put on top of it. Reload to read it, or call store.persist.clear() to delete it.`,
        )
      }
      const stored = await readStored(options, early.base)
      const isFirst = !this.#hydrated
      await this.#host.inTurn(() => this.#publish(stored, early))
      this.#failures = 0
      if (isFirst && !this.#disposed) this.#host.resume(stored.runs)
    } catch (error) {
      failure = toStorageError(error, name, 'read')
      this.#status.set('degraded')
    }
    try {
      onRehydrate?.(this.#host.state, failure)
    } catch (error) {
      this.#host.report(error, { kind: 'persist', name })
    }
    if (failure !== undefined) throw failure
  }

  #publish({ meta, base, outdated, fields, values }: StoredState, early: EarlyCommits): void {
    const { name, version } = this.#options
    early.stop()
    if (meta !== undefined) {
      const beside = this.#host.beside(overlay(early.base, values, this.#paths))
      const rebase = new Rebase(early.base, beside)
      for (const mutations of early.commits) {
        try {
          fields.follow(rebase.apply(mutations))
        } catch (error) {
          this.#host.report(error, { kind: 'persist', name })
        }
      }
      this.#host.publish(beside)
    }
    const isMigrated = meta !== undefined && meta.base !== base
    const previous = isMigrated ? { version: meta.version, base: meta.base } : meta?.previous
    this.#begin({ fields, generation: meta?.generation, version, base, previous, outdated })
    if (early.commits.length > 0) this.#writer.schedule()
  }

  /** @param commits how many there were when it was called: later ones are to be stored */
  async #clear(commits: number): Promise<void> {
    const { name, storage, version } = this.#options
    await this.#writer.stop(new StorageError(`What is stored as "${name}" is being deleted.`))
    try {
      await storage.write({ set: [], delete: await storage.keys(this.#keys.prefix) })
    } catch (error) {
      if (this.#hydrated) this.#writer.resume()
      throw toStorageError(error, name, 'written')
    }
    this.#stopRetry?.()
    this.#early.stop()
    const { fields, base } = freshState(this.#paths, 0)
    this.#begin({ fields, generation: undefined, version, base, previous: undefined, outdated: [] })
    if (this.#commits > commits) this.#writer.schedule()
  }

  /** Commits are written from now on. */
  #begin(written: Written): void {
    this.#fields = written.fields
    this.#hydrated = true
    this.#status.set('ready')
    this.#writer.resume(written)
    if (this.#host.runs.length > 0) this.#writeRuns()
  }

  #writeRuns(): void {
    this.#fields.dirty.write(this.#runs)
    this.#writer.schedule()
  }

  /** Once for each row of failures. */
  #tell(error: unknown): void {
    this.#status.set('degraded')
    this.#host.report(error, { kind: 'persist', name: this.#options.name })
  }
}

/** Trying again would find the same. */
function isUnusable(error: unknown): error is StorageError {
  return error instanceof StorageError && (error.reason === 'newer' || error.reason === 'corrupt')
}

/** A state with some of its fields replaced. */
function overlay(
  root: Record<string, unknown>,
  values: Record<string, unknown>,
  paths: readonly (readonly string[])[],
): Record<string, unknown> {
  const copy = { ...root }
  for (const path of paths) {
    if (!hasPath(values, path)) continue
    let holder = copy
    for (const name of path.slice(0, -1)) {
      holder[name] = { ...(holder[name] as object) }
      holder = holder[name] as Record<string, unknown>
    }
    holder[path.at(-1) as string] = valueAt(values, path)
  }
  return copy
}
