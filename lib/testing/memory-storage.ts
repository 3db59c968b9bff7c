/*
 * `memoryStorage`: a storage that lives as long as the test.
 *
 * - What goes in and what comes out is a copy, as with a real one, and a write is stored whole or not at all.
 * - Hand one to two stores in turn, and the second finds what the first has stored: a reload.
 * - `fail` makes it fail on purpose.
 */

import { StorageError } from '../errors.js'
import type { StateStorage, StorageChange, StorageWriteOptions } from '../persist/storage.js'
import { assertExpected } from '../persist/storage.js'
import { cloneHere } from './own-copy.js'

/** A call that is about to be served. */
export interface StorageCall {
  readonly method: 'read' | 'keys' | 'write'
  /** The keys that are read, set or deleted; the prefix, for `keys`. */
  readonly keys: readonly string[]
}

/** What {@link memoryStorage} makes. */
export interface MemoryStorage extends StateStorage {
  /** A copy of what is stored, by key. */
  readonly records: Map<string, unknown>
  /**
   * Asked at each call, before anything is read or stored: the call rejects with what it throws, or rejects with, and waits for
   * the promise that it gives. Set it to `undefined`, and the storage works again. @default undefined
   */
  fail: ((call: StorageCall) => void | Promise<void>) | undefined
}

/**
 * Makes a storage in memory, for tests.
 *
 * @param records what is stored already, by key; copied
 * @throws DOMException if a record cannot be cloned
 * @example
 * const storage = memoryStorage()
 * const store = createStore(todosState, { persist: persist({ name: 'todos', storage }) })
 * storage.fail = ({ method }) => {
 *   if (method === 'write') throw new StorageError('full', { reason: 'quota' })
 * }
 */
export function memoryStorage(records: Iterable<readonly [key: string, value: unknown]> = []): MemoryStorage {
  const stored = new Map<string, unknown>()
  for (const [key, value] of records) stored.set(key, cloneHere(value))

  async function serve<T>(call: StorageCall, run: () => T): Promise<T> {
    await storage.fail?.(call)
    return run()
  }

  const storage: MemoryStorage = {
    fail: undefined,
    get records() {
      return new Map([...stored].map(([key, value]) => [key, cloneHere(value)]))
    },
    read: (keys) => serve({ method: 'read', keys }, () => keys.map((key) => cloneHere(stored.get(key)))),
    keys: (prefix) =>
      serve({ method: 'keys', keys: [prefix] }, () => [...stored.keys()].filter((key) => key.startsWith(prefix))),
    write(change, options = {}) {
      const keys = [...change.set.map(([key]) => key), ...change.delete]
      return serve({ method: 'write', keys }, () => store(stored, change, options))
    },
  }
  return storage
}

function store(stored: Map<string, unknown>, change: StorageChange, { expect }: StorageWriteOptions): void {
  if (expect !== undefined) assertExpected(stored.get(expect.key), expect)
  const copies = change.set.map(([key, value]) => [key, copyOf(key, value)] as const) // all, before the first is stored
  for (const [key, copy] of copies) stored.set(key, copy)
  for (const key of change.delete) stored.delete(key)
}

function copyOf(key: string, value: unknown): unknown {
  try {
    return cloneHere(value)
  } catch (cause) {
    throw new StorageError(`The value under "${key}" cannot be cloned. Nothing was stored: keep plain data in state.`, {
      cause,
      reason: 'value',
    })
  }
}
