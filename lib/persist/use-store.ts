/*
 * Transactions for idb-keyval: its `UseStore`, with what its own lacks.
 *
 * - Whole or nothing: what throws or rejects inside aborts the transaction. It settles once the transaction has: `complete`
 *   means stored, and only `abort` says why not (an exceeded quota is in no other event).
 * - A connection that was closing is opened again, once. One on which something failed is not used a second time: whatever
 *   is wrong with it does not stay.
 * - Bounded: a transaction that neither completes nor aborts is given up after `STALL_MS`, or when its connection is closed by
 *   the browser.
 */

import type { Clock } from '../store/clock.js'
import { afterResponsive } from '../store/clock.js'
import type { Connection } from './idb-connection.js'

/** Time in which the page could have taken an answer. Longer than any write takes, also on a slow disk or behind another tab's. */
export const STALL_MS = 30_000

export interface TransactOptions {
  readonly durability?: 'relaxed' | 'strict'
  /** Aborts the transaction, at once; without a fault, so that its connection is used on. */
  readonly signal?: AbortSignal | undefined
}

export type Transact = <T>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => T | PromiseLike<T>,
  options?: TransactOptions,
) => Promise<T>

export function createTransact(connection: Connection, storeName: string, clock: Clock): Transact {
  return async function transact(mode, work, { durability = 'relaxed', signal = new AbortController().signal } = {}) {
    let opened = connection.open()
    const begin = async () => {
      const database = await opened
      signal.throwIfAborted()
      return database.transaction(storeName, mode, { durability })
    }
    try {
      const transaction = await begin().catch((error) => {
        if (signal.aborted || !isClosing(error)) throw error
        connection.drop(opened)
        opened = connection.open()
        return begin()
      })
      return await settle(transaction, () => work(transaction.objectStore(storeName)), clock, signal)
    } catch (error) {
      if (!signal.aborted) connection.drop(opened)
      throw error
    }
  }
}

/** `transaction` says so of a connection that is closing, and `open` while the browser closes others, as when it clears data. */
function isClosing({ name }: Error): boolean {
  return name === 'InvalidStateError' || name === 'AbortError'
}

function settle<T>(
  transaction: IDBTransaction,
  work: () => T | PromiseLike<T>,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let failure: unknown
    const fail = (error: unknown) => {
      failure ??= error
      try {
        transaction.abort()
      } catch {
        // it is over, or being committed: its event decides
      }
    }
    const giveUp = (happened: string) => {
      stop()
      fail(new DOMException(`${happened}; the transaction may yet end`, 'TimeoutError'))
      reject(failure)
    }
    // In one engine transactions hear nothing any more when the data of the site are cleared; the connection does.
    const onClose = () => giveUp('the browser has closed the connection')
    transaction.db.addEventListener('close', onClose)
    const cancel = afterResponsive(clock, STALL_MS, () => giveUp(`no answer came within ${STALL_MS} ms`))
    const stop = () => {
      cancel()
      transaction.db.removeEventListener('close', onClose)
    }
    signal.addEventListener('abort', () => fail(signal.reason))
    const result = new Promise<T>((give) => give(work()))
    result.catch(fail)
    transaction.oncomplete = () => {
      stop()
      resolve(result)
    }
    transaction.onabort = () => {
      stop()
      // An abort that somebody asked for has no error.
      reject(failure ?? transaction.error ?? new DOMException('the transaction was aborted', 'AbortError'))
    }
  })
}
