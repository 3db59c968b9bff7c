/*
 * What persistence takes from its page, beside storage: other tabs, and the life of this one.
 *
 * - Asked for when it is needed: importing touches nothing, and where there is no page there is none of it.
 */

/** One end of a `BroadcastChannel`. */
export interface Channel {
  postMessage(message: unknown): void
  onmessage: ((event: MessageEvent) => void) | null
  close(): void
}

/** What a page does. */
export interface PageEvents {
  /** It is hidden or left: the last moment in which a write that is begun is finished. */
  hidden(): void
  /** It is left: for ever, or to be kept in the back/forward cache. Nothing of it may hold up other pages. */
  left(): void
  /** It was kept, and is back. */
  back(): void
}

export interface Surroundings {
  /** Web Locks; undefined on an insecure origin. */
  readonly locks: Pick<LockManager, 'request'> | undefined
  openChannel(name: string): Channel | undefined
  /**
   * What this tab keeps over its reloads; undefined where there is no page.
   * @throws where the browser denies it
   */
  tabStorage(): Pick<Storage, 'getItem' | 'setItem'> | undefined
  /** The browser had thrown this tab out of memory: it did not hear that it was left. */
  readonly wasDiscarded: boolean
  /** Milliseconds since 1970. */
  wallTime(): number
  watch(events: PageEvents): () => void
}

/** Those of this page. */
export const pageSurroundings: Surroundings = {
  get locks() {
    return globalThis.navigator?.locks as LockManager | undefined
  },
  openChannel(name) {
    if (typeof BroadcastChannel === 'undefined') return undefined
    const channel = new BroadcastChannel(name) as BroadcastChannel & { unref?(): void }
    channel.unref?.() // in Node an open one keeps the process running
    return channel
  },
  tabStorage: () => globalThis.sessionStorage,
  get wasDiscarded() {
    return (globalThis.document as { wasDiscarded?: boolean } | undefined)?.wasDiscarded === true
  },
  wallTime: () => Date.now(),
  watch: ({ hidden, left, back }) => {
    if (typeof document === 'undefined') return () => {}
    const ends = new AbortController()
    const { signal } = ends
    const whenHidden = () => {
      if (document.visibilityState === 'hidden') hidden()
    }
    // Never `unload`, which keeps a page out of the back/forward cache.
    document.addEventListener('visibilitychange', whenHidden, { signal })
    addEventListener('pagehide', left, { signal })
    addEventListener('pageshow', ({ persisted }) => persisted && back(), { signal })
    return () => ends.abort()
  },
}
