/*
 * Transactions for idb-keyval: its `UseStore`, with what its own lacks.
 *
 * - Whole or nothing: what throws or rejects inside aborts the transaction. It settles once the transaction has: `complete`
 *   means stored, and only `abort` says why not (an exceeded quota is in no other event).
 * - A connection that was closing is opened again, once. One on which something failed is not used a second time: whatever
 *   is wrong with it does not stay.
 * - Bounded: a transaction that neither completes nor aborts is given up after `STALL_MS`.
 */

import type { Clock } from '../store/clock.js'
import { afterResponsive } from '../store/clock.js'
import type { Connection } from './idb-connection.js'

/** A hundred times what the largest write takes, and a user still looks at the page. Counted while the page can take answers. */
export const STALL_MS = 30_000

export type Transact = <T>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => T | PromiseLike<T>,
  durability?: 'relaxed' | 'strict',
) => Promise<T>

export function createTransact(connection: Connection, storeName: string, clock: Clock): Transact {
  return async function transact(mode, work, durability = 'relaxed') {
    const begin = (database: IDBDatabase) => database.transaction(storeName, mode, { durability })
    let opened = connection.open()
    try {
      let transaction: IDBTransaction
      try {
        transaction = begin(await opened)
      } catch (error) {
        if ((error as Error).name !== 'InvalidStateError') throw error
        connection.drop(opened)
        opened = connection.open()
        transaction = begin(await opened)
      }
      return await settle(transaction, () => work(transaction.objectStore(storeName)), clock)
    } catch (error) {
      connection.drop(opened)
      throw error
    }
  }
}

function settle<T>(transaction: IDBTransaction, work: () => T | PromiseLike<T>, clock: Clock): Promise<T> {
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
    const stop = afterResponsive(clock, STALL_MS, () => {
      fail(new DOMException(`the transaction did not end within ${STALL_MS} ms, and may end later`, 'TimeoutError'))
      reject(failure)
    })
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
