/**
 * Calls `died` once the worker that holds this Web Lock is gone; gives what stops the watch. A port has no event for that in
 * any engine, and a worker that ended itself sends nothing.
 */
export function watchLifeLock(name: string, died: () => void): () => void {
  const locks = globalThis.navigator?.locks as LockManager | undefined
  if (locks === undefined) return () => {}
  const watch = new AbortController()
  locks.request(name, { signal: watch.signal }, died).catch(() => {}) // nobody watches any more
  return () => watch.abort()
}
