/*
 * `idbStorage`: records in IndexedDB, by idb-keyval.
 *
 * - A write is one transaction, and stored whole or not at all, whatever fails in it.
 * - It touches nothing until its first call, and throws nowhere else: without IndexedDB only the calls reject.
 * - Values are cloned a few milliseconds at a time: the page stays free while hundreds of them are written.
 */

import { getMany, keys } from 'idb-keyval'
import type { Clock } from '../store/clock.js'
import { pageClock } from '../store/clock.js'
import type { ConnectionOptions } from './idb-connection.js'
import { createConnection } from './idb-connection.js'
import type { StateStorage, StorageChange } from './storage.js'
import { assertExpected } from './storage.js'
import { toStorageError } from './storage-failure.js'
import { createTransact } from './use-store.js'
import type { Handover } from './write-line.js'
import { createWriteLine } from './write-line.js'

/** Options of {@link idbStorage}. */
export interface IdbStorageOptions {
  /** The database; made when it is first used. @default 'leasehold' */
  readonly databaseName?: string
  /**
   * The object store in it. One database has one: if it was made with another, by you or by somebody else, it is left as it is,
   * and the database `databaseName/storeName` is taken. @default 'state'
   */
  readonly storeName?: string
  /** Milliseconds, in which the page was free, that opening may take; then the calls that wait for it reject. @default 5_000 */
  readonly openTimeout?: number
}

/** What {@link idbStorage} makes. */
export interface IdbStorage extends StateStorage {
  /** Lets go of the connection, at once or when it is open; what is under way is done. The next call opens another. */
  close(): void
}

/** How long values are cloned in one go: a quarter of a frame. */
const PIECE_MS = 4

/**
 * Makes a storage over IndexedDB. The database is opened at its first call; if it closes, or something fails, at the next.
 *
 * It gives way to upgrades and deletes of its database. A transaction that neither ends nor fails is given up after 30 seconds:
 * such a write may be stored later, whole.
 *
 * @param options names, and `openTimeout` in milliseconds
 * @returns a storage whose calls reject with a StorageError; its `cause` is what IndexedDB gave
 * @example
 * persist({ name: 'todos', storage: idbStorage({ databaseName: 'my-app' }) })
 */
export function idbStorage(options: IdbStorageOptions = {}): IdbStorage {
  const { databaseName = 'leasehold', storeName = 'state', openTimeout = 5_000 } = options
  const factory = () => globalThis.indexedDB as IDBFactory | undefined
  return storageOver({ databaseName, storeName, openTimeout, factory, clock: pageClock })
}

/** {@link idbStorage}, with everything that it takes from the page. */
export function storageOver(options: ConnectionOptions): IdbStorage {
  const { clock, databaseName, storeName } = options
  const connection = createConnection(options)
  const transact = createTransact(connection, storeName, clock)

  const naming = (action: string) => (error: unknown) => {
    throw toStorageError(`${action} database "${databaseName}"`, error)
  }

  const write = createWriteLine((handover, signal) => {
    const { changes, options } = handover
    const work = (store: IDBObjectStore) => handOver(store, handover, clock)
    const count = countOf(changes.flatMap((change) => [...change.set, ...change.delete]))
    return transact('readwrite', work, { ...options, signal }).catch(naming(`Writing ${count} to`))
  })

  return {
    read: (wanted) => getMany([...wanted], transact).catch(naming(`Reading ${countOf(wanted)} from`)),

    async keys(prefix) {
      const all = await keys<IDBValidKey>(transact).catch(naming('Listing the records of'))
      return all.filter((key) => typeof key === 'string' && key.startsWith(prefix)) as string[]
    },

    write: (change, writeOptions = {}) => write(change, writeOptions),

    close: connection.close,
  }
}

function countOf({ length }: readonly unknown[]): string {
  return length === 1 ? '1 record' : `${length} records`
}

/** Makes the requests of a write; rejects if it is not to be. */
function handOver(store: IDBObjectStore, { changes, options, onHandedOver }: Handover, clock: Clock): Promise<void> {
  const { expect, atOnce = false } = options
  return new Promise((resolve, reject) => {
    /** Goes on when a request has succeeded, while the transaction lives. What a listener throws would reach nobody. */
    const after = (request: IDBRequest, next: () => void) => {
      request.onsuccess = () => {
        try {
          next()
        } catch (error) {
          reject(error)
        }
      }
    }
    const requests = requestsOf(store, changes)
    const makeSome = () => {
      const pauseAt = clock.now() + PIECE_MS
      // Not by `for…of`: leaving that would end the generator.
      for (let made = requests.next(); !made.done; made = requests.next()) {
        if (!atOnce && clock.now() >= pauseAt) return after(made.value, makeSome)
      }
      // Now, and not when the last request has been heard of: by then the page may be gone.
      store.transaction.commit?.()
      onHandedOver()
      resolve()
    }
    if (expect === undefined) return makeSome()
    const request = store.get(expect.key)
    after(request, () => {
      assertExpected(request.result, expect)
      makeSome()
    })
  })
}

function* requestsOf(store: IDBObjectStore, changes: readonly StorageChange[]): Generator<IDBRequest> {
  for (const change of changes) {
    for (const [key, value] of change.set) yield put(store, key, value)
    for (const key of change.delete) yield store.delete(key)
  }
}

function put(store: IDBObjectStore, key: string, value: unknown): IDBRequest {
  try {
    return store.put(value, key)
  } catch (error) {
    throw toStorageError(`Writing "${key}"`, error)
  }
}
