/**
 * Holds a Web Lock for as long as this worker lives, and gives its name: the browser frees it when the worker has really
 * died, however it did. Undefined where there are no Web Locks, as on an insecure origin.
 */
export function holdLifeLock(): Promise<string | undefined> {
  const locks = globalThis.navigator?.locks as LockManager | undefined
  if (locks === undefined) return Promise.resolve(undefined)
  const name = `leasehold:${crypto.randomUUID()}`
  return new Promise((resolve) => {
    const hold = (): Promise<never> => {
      resolve(name)
      return new Promise(() => {})
    }
    locks.request(name, hold).catch(() => resolve(undefined)) // an opaque origin has locks, and may not use them
  })
}
