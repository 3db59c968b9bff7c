/*
 * What `persist` needs of a storage.
 *
 * - Records under string keys, read a few at a time, written together or not at all.
 * - A record is anything that state may hold: what comes back is a copy that equals what was written.
 * - Several stores may share one storage: each keeps to keys that begin with its own name.
 * - Whether a storage keeps to this, `storageConformance` of `leasehold/testing` finds out.
 */

import { StorageError } from '../errors.js'

/** Records to write and keys to delete, together. No key is in both, and none twice. */
export interface StorageChange {
  readonly set: readonly (readonly [key: string, value: unknown])[]
  readonly delete: readonly string[]
}

/** What has to stand under a key for a write to go ahead. */
export interface StorageExpectation {
  readonly key: string
  /** The record under `key`, or its `generation` if it is an object; `undefined`: there is none. */
  readonly value: string | number | undefined
}

/** Options of {@link StateStorage.write}. */
export interface StorageWriteOptions {
  /**
   * Whether it counts as stored once the operating system has it (`'relaxed'`), or only once the disk has (`'strict'`). Both
   * survive a crash of the browser. A storage without such a choice may leave it out. @default 'relaxed'
   */
  readonly durability?: 'relaxed' | 'strict'
  /** Compared in the transaction of the write: a difference rejects with a StorageError of reason `'conflict'`. @default none */
  readonly expect?: StorageExpectation
  /**
   * The page is about to go: hand over all values in this turn, however long that takes, and with them those of writes that are
   * not wholly handed over. `expect` takes a turn more, which a page that goes does not have. @default false
   */
  readonly atOnce?: boolean
}

/** What `persist` needs of a storage. */
export interface StateStorage {
  /**
   * Gives the records under `keys`, in their order, `undefined` where there is none; read in one transaction.
   * @throws StorageError (awaited)
   */
  read(keys: readonly string[]): Promise<unknown[]>
  /**
   * Gives every stored key that begins with `prefix`, once each, in any order.
   * @throws StorageError (awaited)
   */
  keys(prefix: string): Promise<string[]>
  /**
   * Sets and deletes in one transaction: all of it or nothing. Resolves once stored. Writes are stored in the order of their
   * calls. The values do not change until the promise has settled (the caller sees to that), so a storage may hand them over in pieces.
   * @throws StorageError (awaited) and has changed nothing; after a `'timeout'` it may be stored later, whole
   */
  write(change: StorageChange, options?: StorageWriteOptions): Promise<void>
  /** Lets go of connections; the next call opens them again. */
  close?(): void | Promise<void>
}

/**
 * Checks an expectation against the record that stands under its key: for storages of your own.
 *
 * @param stored the record under `expect.key`, read in the transaction of the write
 * @throws StorageError of reason `'conflict'` if it is another
 */
export function assertExpected(stored: unknown, expect: StorageExpectation): void {
  const isObject = typeof stored === 'object' && stored !== null
  const found = isObject ? (stored as { readonly generation?: unknown }).generation : stored
  if (found === expect.value) return
  throw new StorageError(
    `"${expect.key}" holds ${found}, not ${expect.value}: somebody else has written. Nothing was stored; read again first.`,
    { reason: 'conflict' },
  )
}
