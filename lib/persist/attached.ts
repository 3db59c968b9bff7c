/*
 * The persistence of one store: the part that this tab plays among those that share what is stored.
 *
 * - One tab writes, see `pen.ts`. The others follow it, and refuse whoever would change the state.
 * - What a tab commits before it knows that it follows is taken back, and whoever awaits it is told.
 * - A tab that takes over reads first: nobody changes a state that is behind what is stored.
 * - Hydrations, `clear` and changes of the part follow one another.
 */

import { StorageError } from '../errors.js'
import type { AttachedPersistence, PersistHost, StorePersist } from '../store/persistence.js'
import { nameOf } from './early-commits.js'
import { persistedPaths } from './fields.js'
import { Follower } from './follower.js'
import { Pen } from './pen.js'
import { Keys } from './records.js'
import { Status } from './status.js'
import type { ReaderOptions } from './stored-state.js'
import type { Surroundings } from './surroundings.js'
import { TabCopies } from './tab-copies.js'
import type { TabToken } from './tab-token.js'
import { Tabs } from './tabs.js'

/** Options of `persist`, with their defaults, and without the state's type. */
export interface AttachOptions extends Pick<ReaderOptions, 'name' | 'storage' | 'version' | 'migrate' | 'merge'> {
  readonly partialize: ((state: never) => object) | undefined
  readonly onRehydrate: ((state: object, error: unknown) => void) | undefined
  readonly debounceMs: number
  readonly durability: 'relaxed' | 'strict'
  readonly surroundings: Surroundings
  /** Of a tab that has a copy of its own. */
  readonly tab?: TabToken | undefined
}

export class Attached implements AttachedPersistence {
  readonly api: StorePersist
  readonly ready: Promise<void>
  readonly #host: PersistHost
  readonly #options: AttachOptions
  readonly #reader: ReaderOptions
  readonly #status = new Status()
  readonly #pen: Pen
  readonly #tabs: Tabs
  readonly #copies: TabCopies | undefined
  /** While another tab writes. */
  #follower: Follower | undefined
  #hasHydrated = false
  #disposed = false
  /** What is done one after the other. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(host: PersistHost, options: AttachOptions) {
    const { name, storage, version, migrate, merge, surroundings, tab } = options
    this.#host = host
    this.#options = options
    const keys = new Keys(name, tab && host.token)
    const paths = persistedPaths(host.shape, host.root, options.partialize)
    this.#reader = { host, storage, name, keys, paths, version, migrate, merge }
    this.#copies = tab && new TabCopies({ name, storage, host, surroundings, tab, keys })
    this.#pen = new Pen({
      host,
      reader: this.#reader,
      options,
      status: this.#status,
      isOurs: () => this.#tabs.isWriter,
      prepare: async () => this.#copies?.arrive(),
      isOver: (failure) => this.#hydrationIsOver(failure),
      stored: (news) => this.#tabs.news.tell(news),
      overtaken: (error) => this.#overtaken(error),
      report: (error) => this.#report(error),
      inOrder: (run) => this.#inOrder(run),
    })
    this.#tabs = new Tabs(keys.lock, surroundings, host.clock, {
      doubt: () => {
        if (this.#follower === undefined) host.doubt()
      },
      heard: (isWriter) => this.#inOrder(() => (isWriter ? this.#take() : this.#yield())),
      hidden: (goes) => {
        // Where others may write, too, even the last write looks whether they have.
        this.#pen.handOver(goes && this.#tabs.areApart)
        if (this.#pen.isWriting) this.#copies?.use().catch(() => {}) // next time
      },
      left: () => {
        this.#leaveToken()
        void this.#follower?.stop()
        this.#pen.leave()
      },
      back: () => tab?.comeBack(),
    })
    if (tab?.problem !== undefined) {
      const message = `This tab cannot keep its token: its browser denies sessionStorage. What is stored as "${name}" is not found again after a reload. Allow site data for this page.`
      this.#report(new StorageError(message, { reason: 'unavailable', cause: tab.problem }))
    }
    const status = this.#status
    this.api = {
      get status() {
        return status.get()
      },
      hasHydrated: () => this.#hasHydrated,
      rehydrate: () => this.#whenReady(() => this.#rehydrate()),
      flush: () => this.#flush(),
      clear: () => {
        const { commits } = this.#pen
        return this.#whenReady(async () => {
          if (this.#follower !== undefined) throw this.#refusal()
          await this.#pen.clear(commits)
          this.#hasHydrated = true
        })
      },
    }
    this.#tabs.ask()
    this.ready = this.#tabs.decided
  }

  async dispose(): Promise<void> {
    this.#disposed = true
    this.#pen.retire()
    await this.#flush().catch(() => {}) // it was told
    await this.#follower?.stop()
    await this.#pen.stop(new StorageError(`The store that is stored as "${this.#options.name}" was disposed of.`))
    this.#tabs.close()
    this.#leaveToken()
    await this.#options.storage.close?.()
  }

  #inOrder<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(run, run)
    this.#queue = done.catch(() => {})
    return done
  }

  /** After it is known who writes. */
  #whenReady<T>(run: () => Promise<T>): Promise<T> {
    return this.#tabs.isDecided ? this.#inOrder(run) : this.#tabs.decided.then(() => this.#inOrder(run))
  }

  async #flush(): Promise<void> {
    await this.#tabs.decided
    await this.#queue
    if (this.#follower === undefined) await this.#pen.flush()
  }

  async #rehydrate(): Promise<void> {
    const follower = this.#follower
    if (follower === undefined) return this.#pen.rehydrate()
    if (this.#tabs.areApart) return follower.read()
    this.#tabs.insist()
    await this.#relieve(follower)
    try {
      await this.#pen.rehydrate()
    } finally {
      this.#host.admit()
    }
  }

  /** This tab writes from now on. */
  async #take(): Promise<void> {
    if (!this.#tabs.isWriter) return
    const pen = this.#pen
    const follower = this.#follower
    if (follower !== undefined) {
      if (this.#disposed) return
      await this.#relieve(follower)
    } else if (!pen.isPaused) {
      this.#host.admit() // what is committed before the first hydration goes on top of it
    } else if (await pen.goOn()) {
      if (this.#tabs.isWriter) this.#host.admit()
      return
    } else {
      const { name } = this.#options
      const what = `Another tab has written "${name}" while this page was away: nothing was changed. Look at what it has written, and do it again.`
      await this.#takeBack(new StorageError(what, { reason: 'conflict' }))
    }
    await pen.hydrate()
    if (this.#tabs.isWriter) this.#host.admit()
    this.#tidy()
  }

  async #relieve(follower: Follower): Promise<void> {
    await follower.stop()
    this.#follower = undefined
    this.#pen.takeFrom(follower.shown, this.#tabs.areApart) // else the other may go on
  }

  /** Another tab writes. */
  async #yield(): Promise<void> {
    if (this.#tabs.isWriter) return
    if (this.#follower === undefined) await this.#takeBack(this.#refusal())
    else await this.#follower.stop()
    await this.#follow()
  }

  /** Nobody changes the state until `admit`. What was committed while that was not known is taken back. */
  async #takeBack(why: StorageError): Promise<void> {
    const told = new Set(this.#host.refuse(why).map(nameOf))
    const others = (await this.#pen.takeBack(this.#tabs.areApart)).filter((name) => !told.has(name))
    if (others.length === 0) return
    const { reason } = why
    this.#report(
      new StorageError(`What was committed by ${others.join(', ')} was taken back. ${why.message}`, { reason }),
    )
  }

  async #follow(): Promise<void> {
    this.#pen.rest()
    const changed = (now: 'follower' | StorageError) => {
      this.#status.set(now === 'follower' ? now : 'degraded')
      if (now !== 'follower') this.#report(now)
    }
    this.#follower = new Follower({ reader: this.#reader, news: this.#tabs.news, changed })
    const failure = this.#disposed ? undefined : await this.#follower.read().catch((error: StorageError) => error)
    this.#hydrationIsOver(failure ?? undefined)
  }

  /** Somebody else has written, though this tab was to. */
  #overtaken(error: StorageError): void {
    this.#report(error)
    if (this.#tabs.areApart) {
      void this.#inOrder(() => this.#pen.hydrate())
      return
    }
    this.#tabs.giveUp()
    this.#host.refuse(this.#refusal())
    void this.#inOrder(() => this.#follow())
  }

  #hydrationIsOver(failure: StorageError | undefined): void {
    if (failure === undefined) this.#hasHydrated = true
    try {
      this.#options.onRehydrate?.(this.#host.state, failure)
    } catch (error) {
      this.#report(error)
    }
  }

  /** For the next page in this tab; but where another tab has the same token, that page is to take one of its own. */
  #leaveToken(): void {
    if (this.#follower === undefined) this.#options.tab?.leave()
  }

  #tidy(): void {
    const copies = this.#copies
    if (copies === undefined || !this.#pen.isWriting) return
    const done = copies.use().then(() => copies.tidy())
    done.catch(() => {}) // next time
  }

  #refusal(): StorageError {
    const { name } = this.#options
    const why = this.#tabs.areApart
      ? 'Change it there, or close that tab: this one goes on then'
      : 'Change it there, or call store.persist.rehydrate() to write here instead'
    return new StorageError(`Another tab writes "${name}", and this one follows it: nothing was changed. ${why}.`, {
      reason: 'follower',
    })
  }

  #report(error: unknown): void {
    this.#host.report(error, { kind: 'persist', name: this.#options.name })
  }
}
