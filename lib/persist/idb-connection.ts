/*
 * The connection to a database: opened when it is first needed, and again whenever it was lost.
 *
 * - One at a time, for all who ask; one that was dropped, or closed by the browser, is forgotten, and the next call opens another.
 * - It gives way: a newer version of the app, or somebody who deletes the database, is never blocked by it.
 * - An opening that hangs is given up after a while, and closed if it succeeds later.
 * - One for which the browser has thrown away what was stored fails, so that somebody is told. The next one succeeds.
 * - It never deletes nor upgrades what others have made: a database that lacks the object store is left as it is, and one of
 *   a name of its own is taken.
 */

import type { Clock } from '../store/clock.js'
import { afterResponsive } from '../store/clock.js'

export interface ConnectionOptions {
  readonly databaseName: string
  readonly storeName: string
  /** Milliseconds, of time in which the page could have taken the answer. */
  readonly openTimeout: number
  readonly clock: Clock
  /** Asked at each opening: there may be none, and some browsers throw when they are asked. */
  readonly factory: () => IDBFactory | undefined
}

export interface Connection {
  /** Whoever finds that what it gives has failed drops it. */
  open(): Promise<IDBDatabase>
  /** Closes a database that `open` gave, and forgets it. Its transactions still end. */
  drop(opened: Promise<IDBDatabase>): void
  close(): void
}

export function createConnection(options: ConnectionOptions): Connection {
  const { databaseName, storeName } = options
  let current: Promise<IDBDatabase> | undefined

  function drop(opened: Promise<IDBDatabase>): void {
    if (current === opened) current = undefined
    opened.then(
      (database) => database.close(),
      () => {},
    )
  }

  async function openWithStore(): Promise<IDBDatabase> {
    const database = await openDatabase(databaseName, options)
    if (database.objectStoreNames.contains(storeName)) return database
    database.close()
    return openDatabase(`${databaseName}/${storeName}`, options)
  }

  return {
    drop,
    open() {
      if (current !== undefined) return current
      const opened = openWithStore()
      current = opened
      // Before those who wait for it: a connection without these handlers would block upgrades.
      opened.then(
        (database) => {
          database.onversionchange = database.onclose = () => drop(opened)
        },
        () => {},
      )
      return opened
    },
    close() {
      if (current !== undefined) drop(current)
    },
  }
}

/** Without a version, so that a database of any version opens. */
function openDatabase(
  name: string,
  { storeName, openTimeout, clock, factory }: ConnectionOptions,
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const indexedDB = factory()
    if (!indexedDB) throw new DOMException('There is no indexedDB.', 'NotSupportedError')
    const request = indexedDB.open(name)
    let isLate = false
    const cancel = afterResponsive(clock, openTimeout, () => {
      isLate = true
      reject(new DOMException(`"${name}" did not open within ${openTimeout} ms`, 'TimeoutError'))
    })
    let loss: DOMException | undefined
    request.onupgradeneeded = (event) => {
      request.result.createObjectStore(storeName) // it is new
      // Chromium finds the checksums of its files wrong, after it was killed say, and makes new ones; it alone says so.
      const { dataLoss, dataLossMessage } = event as { readonly dataLoss?: string; readonly dataLossMessage?: string }
      if (dataLoss === 'total') loss = new DOMException(dataLossMessage, 'DataLossError')
    }
    request.onerror = () => {
      cancel()
      reject(request.error)
    }
    request.onsuccess = () => {
      cancel()
      if (isLate || loss !== undefined) request.result.close()
      if (loss !== undefined) reject(loss)
      else if (!isLate) resolve(request.result)
    }
  })
}
