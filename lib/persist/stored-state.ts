/*
 * Reads what is stored, and makes of it values that a state may hold.
 *
 * - A few records at a time, each checked and copied in, with turns of the page between them.
 * - All of one version: if `meta` has moved meanwhile it is read anew.
 * - What is newer, or not what it should be, is a StorageError, and nothing of it is touched.
 */

import { StorageError } from '../errors.js'
import type { ContainerKind } from '../state/container-kind.js'
import { containerKind } from '../state/container-kind.js'
import { emptyOf } from '../state/containers.js'
import { noteWide } from '../state/values.js'
import { nextTurn } from '../store/clock.js'
import type { PersistHost } from '../store/persistence.js'
import type { KeptRun } from '../store/resumable-runs.js'
import { valueAt } from './entries.js'
import type { Field, FieldRecord } from './field.js'
import { pathOfKey } from './field.js'
import { Fields, hasPath, pick, put } from './fields.js'
import type { Keys, Meta } from './records.js'
import { corrupt, RUNS_KEY, toMeta, toRuns, toStorageError } from './records.js'
import type { Directory } from './segments.js'
import type { StateStorage } from './storage.js'

/** Records that are read and checked in one turn of the page. */
export const PER_TURN = 8
/** Somebody else may be writing. Each time is a whole write of theirs. */
export const ATTEMPTS = 10

/** What was read. */
export interface StoredState {
  /** Undefined where nothing is stored. */
  readonly meta: Meta | undefined
  /** What is written next stands under this number. */
  readonly base: number
  /** Keys from before the migration before this one. */
  readonly outdated: readonly string[]
  /** By their paths in the state. */
  readonly fields: Fields
  /** The stored fields, nested as in the state; fit for a state, and nobody else's. */
  readonly values: Record<string, unknown>
  /** Those that were cut short. */
  readonly runs: readonly KeptRun[]
}

/** What reading needs. */
export interface ReaderOptions {
  readonly host: PersistHost
  readonly storage: StateStorage
  readonly name: string
  readonly keys: Keys
  readonly paths: readonly (readonly string[])[]
  readonly version: number
  readonly migrate: ((stored: never, version: number) => unknown) | undefined
  readonly merge: ((stored: never, current: never) => unknown) | undefined
}

/**
 * Reads what is stored.
 * @param current the state that it is to be merged into
 * @throws StorageError
 */
export async function readStored(options: ReaderOptions, current: object): Promise<StoredState> {
  const { storage, keys, name } = options
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const meta = toMeta((await storage.read([keys.meta]))[0], name)
      let stored: StoredState | undefined
      let failure: unknown
      try {
        stored = await new Reader(options).read(meta, current)
      } catch (error) {
        failure = error // perhaps because somebody else was writing
      }
      const [now] = (await storage.read([keys.meta])) as [Meta | undefined]
      if (now?.generation !== meta?.generation) continue
      if (stored === undefined) throw failure
      return stored
    }
    throw new StorageError(`"${name}" was written by somebody else each time it was read, ${ATTEMPTS} times in a row.`)
  } catch (error) {
    throw toStorageError(error, name, 'read')
  }
}

class Reader {
  readonly #options: ReaderOptions

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  async read(meta: Meta | undefined, current: object): Promise<StoredState> {
    const { version, paths } = this.#options
    if (meta === undefined) return freshState(paths, 0)
    if (meta.version > version)
      throw this.#unusable(meta, 'it is newer than this code', 'load the newest version of the app')
    const [record] = await this.#read([this.#options.keys.base(meta.base) + RUNS_KEY])
    const runs = toRuns(record, this.#options.name)
    if (meta.version < version) return this.#migrate(meta, runs, current)
    const fields = new Fields(paths)
    const values = await this.#load(fields.all, meta)
    return this.#merge(meta, { meta, base: meta.base, outdated: [], fields, values, runs }, current)
  }

  async #migrate(meta: Meta, runs: readonly KeptRun[], current: object): Promise<StoredState> {
    const { migrate, storage, keys, paths } = this.#options
    if (migrate === undefined) throw this.#unusable(meta, 'there is no migrate', 'give one')
    const old = new Fields(meta.fields.map(pathOfKey))
    const before = await this.#load(old.all, meta)
    const values = await this.#ask(meta, 'migrate', () => migrate(before as never, meta.version), undefined)
    const { previous } = meta
    const outdated = previous === undefined ? [] : await storage.keys(keys.base(previous.base))
    return this.#merge(meta, { ...freshState(paths, meta.base + 1), meta, outdated, values, runs }, current)
  }

  async #merge(meta: Meta, stored: StoredState, current: object): Promise<StoredState> {
    const { merge, paths } = this.#options
    if (merge === undefined) return stored
    const ask = () => merge(stored.values as never, pick(current, paths) as never)
    const values = await this.#ask(meta, 'merge', ask, stored.values)
    for (const field of stored.fields.all) {
      const isSame = Object.is(valueAt(values, field.path), valueAt(stored.values, field.path))
      if (!isSame || !hasPath(stored.values, field.path)) field.replaced()
    }
    return { ...stored, values }
  }

  /**
   * Calls a function of the app and takes the persisted fields of what it gives.
   * @param own what it was given and leaves as it is: that is fit for a state
   */
  async #ask(meta: Meta, name: string, call: () => unknown, own: object | undefined): Promise<Record<string, unknown>> {
    const { paths, host } = this.#options
    const values: Record<string, unknown> = {}
    try {
      const given = await call()
      if (containerKind(given) !== 'object') throw new TypeError('it gives no plain object of the fields')
      for (const path of paths) {
        if (!hasPath(given as object, path)) continue
        const value = valueAt(given, path)
        const isOwn = own !== undefined && value === valueAt(own, path)
        put(values, path, isOwn ? value : host.copyIn(value, path))
      }
    } catch (error) {
      throw this.#unusable(meta, `${name} has failed (${String(error)})`, `mend ${name}`, error)
    }
    return values
  }

  /** Reads fields, and what is known of their segments. Those that are not stored are to be. */
  async #load(fields: readonly Field[], meta: Meta): Promise<Record<string, unknown>> {
    const base = this.#options.keys.base(meta.base)
    const values: Record<string, unknown> = {}
    for (let first = 0; first < fields.length; first += PER_TURN) {
      const some = fields.slice(first, first + PER_TURN)
      const records = await this.#read(some.map(({ key }) => base + key))
      for (const [i, field] of some.entries()) {
        if (!meta.fields.includes(field.key)) field.dirty.write(field)
        else put(values, field.path, await this.#value(field, records[i], base))
      }
    }
    return values
  }

  async #value(field: Field, stored: unknown, base: string): Promise<unknown> {
    const record = (typeof stored === 'object' && stored !== null ? stored : {}) as Partial<FieldRecord>
    if ('value' in record) return this.#copyIn(record.value, field)
    const { kind, ids, lengths } = record as Partial<Directory>
    const container = emptyOf(kind)
    if (container === undefined || !Array.isArray(ids) || ids.length !== lengths?.length)
      throw this.#corrupt(base + field.key)
    const segments = field.open(kind as ContainerKind)
    for (let first = 0; first < ids.length; first += PER_TURN) {
      const some = ids.slice(first, first + PER_TURN) as number[]
      const parts = await this.#read(some.map((id) => `${base}${field.key}/${id}`))
      for (const [i, id] of some.entries()) {
        const part = this.#copyIn(parts[i], field)
        if (containerKind(part) !== kind || segments.restore(container, id, part as object) !== lengths[first + i]) {
          throw this.#corrupt(`${base}${field.key}/${id}`)
        }
      }
    }
    noteWide(container, segments.size)
    return container
  }

  #copyIn(value: unknown, { path }: Field): unknown {
    try {
      return this.#options.host.copyIn(value, path)
    } catch (error) {
      throw this.#corrupt(path.join('.'), error)
    }
  }

  async #read(keys: readonly string[]): Promise<unknown[]> {
    const { storage, host } = this.#options
    await nextTurn(host.clock)
    return storage.read(keys)
  }

  #corrupt(what: string, cause?: unknown): StorageError {
    return corrupt(this.#options.name, what, cause)
  }

  #unusable(meta: Meta, what: string, advice: string, cause?: unknown): StorageError {
    const { name, version } = this.#options
    return new StorageError(
      `What is stored as "${name}" has version ${meta.version}, where version ${version} is wanted, and ${what}. It is left as it is, and nothing is stored: ${advice}.`,
      { reason: meta.version > version ? 'newer' : 'corrupt', cause },
    )
  }
}

/** Nothing of the fields is stored. */
export function freshState(paths: readonly (readonly string[])[], base: number): StoredState {
  const fields = new Fields(paths)
  for (const field of fields.all) field.replaced()
  return { meta: undefined, base, outdated: [], fields, values: {}, runs: [] }
}
