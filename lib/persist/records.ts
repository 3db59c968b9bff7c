/*
 * What is stored, and under which keys.
 *
 * - All keys begin with the name. One record says what the others are, and changes with every write: `meta`.
 * - The rest stands under the number of its base. A migration begins a new one, so that the records from before stay as they
 *   are until the next.
 */

import { StorageError } from '../errors.js'
import type { KeptRun } from '../store/resumable-runs.js'

/** What the records look like. One that says another format was not written by this code, and is left alone. */
export const FORMAT = 1

/** The record `meta`. */
export interface Meta {
  readonly format: typeof FORMAT
  /** Of what the app keeps in them: the option `version`. */
  readonly version: number
  /** Names the write that stored this: no two are the same. */
  readonly generation: string
  readonly base: number
  /** The keys of the fields that are stored, behind the base. */
  readonly fields: readonly string[]
  /** Before the last migration. */
  readonly previous?: { readonly version: number; readonly base: number } | undefined
}

/** The key of the runs that are to be started again, behind the base. */
export const RUNS_KEY = 'runs'

/** The keys of one name, or those of one tab of that name. */
export class Keys {
  readonly prefix: string
  readonly meta: string

  /** @param token of a tab that has a copy of its own */
  constructor(name: string, token?: string) {
    // No name is the beginning of another's keys.
    this.prefix =
      token === undefined ? `${encodeURIComponent(name)}/` : `${Keys.tabs(name)}${encodeURIComponent(token)}/`
    this.meta = `${this.prefix}meta`
  }

  /** What the keys of all tabs begin with. */
  static tabs(name: string): string {
    return `${encodeURIComponent(name)}/tab/`
  }

  /** The token of the tab that a key belongs to. */
  static tokenIn(key: string, name: string): string {
    return decodeURIComponent(key.slice(Keys.tabs(name).length).split('/', 1)[0] as string)
  }

  /** When the copy of a tab was used last. */
  get used(): string {
    return `${this.prefix}used`
  }

  /** The Web Lock of who writes them, and the channel on which that is told. */
  get lock(): string {
    return `leasehold/${this.prefix}`
  }

  base(base: number): string {
    return `${this.prefix}${base}/`
  }
}

/** Reads `meta`; undefined where nothing is stored. */
export function toMeta(record: unknown, name: string): Meta | undefined {
  if (record === undefined) return undefined
  const { format, version, generation, base, fields } = (record ?? {}) as Partial<Meta>
  if (format !== undefined && format !== FORMAT) {
    throw new StorageError(
      `What is stored as "${name}" has the format ${String(format)}, and this code knows ${FORMAT}. It is left as it is, and nothing is stored: load the newest version of the app.`,
      { reason: 'newer' },
    )
  }
  const isRight = typeof version === 'number' && typeof generation === 'string' && typeof base === 'number'
  if (!isRight || format === undefined || !Array.isArray(fields)) throw corrupt(name, 'meta')
  return record as Meta
}

/** Reads the record of runs; none where nothing is stored. */
export function toRuns(record: unknown, name: string): readonly KeptRun[] {
  const runs = record ?? []
  const isRun = (run: unknown): boolean => {
    const { name, args, attempt } = (run ?? {}) as Partial<KeptRun>
    return typeof name === 'string' && Array.isArray(args) && typeof attempt === 'number'
  }
  if (!Array.isArray(runs) || !runs.every(isRun)) throw corrupt(name, RUNS_KEY)
  return runs
}

/** @param what the record, or what is wrong with it */
export function corrupt(name: string, what: string, cause?: unknown): StorageError {
  return new StorageError(
    `What is stored as "${name}" cannot be read: ${what} is not what it should be. It is left as it is, and nothing is stored. store.persist.clear() deletes it.`,
    { reason: 'corrupt', cause },
  )
}

/** Whatever a storage rejects with, as a StorageError. */
export function toStorageError(error: unknown, name: string, deed: 'read' | 'written'): StorageError {
  if (error instanceof StorageError) return error
  return new StorageError(`What is stored as "${name}" could not be ${deed}: ${String(error)}`, { cause: error })
}
