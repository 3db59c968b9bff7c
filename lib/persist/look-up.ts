import { StorageError } from '../errors.js'
import type { Keys } from './records.js'
import { toMeta } from './records.js'
import type { StateStorage } from './storage.js'

/** Whose records are looked for. */
export interface LookUpOptions {
  readonly storage: StateStorage
  readonly name: string
  readonly keys: Keys
  /** Names the writes of this store. */
  readonly id: string
}

/**
 * Looks what is stored, after a write that failed.
 * @param confirmed the write that was known to be stored
 * @returns which write is stored now, if it is that, one of the store's own, or none; a StorageError if it is anything else;
 *   undefined where nothing can be said
 */
export async function lookUp(
  { storage, name, keys, id }: LookUpOptions,
  confirmed: string | undefined,
): Promise<{ readonly generation: string | undefined } | StorageError | undefined> {
  let record: unknown
  try {
    record = (await storage.read([keys.meta]))[0]
  } catch {
    return undefined
  }
  try {
    const generation = toMeta(record, name)?.generation
    // One of its own may have been given up too early.
    if (generation === undefined || generation === confirmed || generation.startsWith(`${id}/`)) return { generation }
  } catch (error) {
    return error as StorageError // `toMeta` throws no other
  }
  return new StorageError(
    `"${name}" was written by somebody else: another tab, where there are no Web Locks. What was committed here since is not stored, and gives way to what is. To go on here instead of there, call store.persist.rehydrate(), and commit it again.`,
    { reason: 'conflict' },
  )
}
