/*
 * A field as a follower knows it: which segments it is stored in, and how it becomes what its changed records say.
 *
 * - Only the changed segments are looked at. Between two that are the same, what stood there is compared with what is there
 *   now, so that a row that went from one segment to the next stays the same row.
 */

import type { ContainerKind } from '../state/container-kind.js'
import { containerKind } from '../state/container-kind.js'
import { emptyOf } from '../state/containers.js'
import type { Key, Path } from '../state/mutation.js'
import { noteWide } from '../state/values.js'
import type { Differences } from './differences.js'
import { differences, differencesOfKeys, differencesOfLists } from './differences.js'
import { keysIn, putIn, valueAt } from './entries.js'
import type { Field, FieldRecord } from './field.js'
import type { Directory } from './segments.js'

/** What was read, by keys without what all of them begin with. Values are fit for a state. */
export type ReadRecords = ReadonlyMap<string, unknown>

export class FollowedField {
  readonly path: Path
  readonly key: string
  #directory: Directory | undefined
  readonly #keys = new Map<number, readonly Key[]>()

  constructor({ path, key, segments }: Field) {
    this.path = path
    this.key = key
    this.#directory = segments?.directory
    for (const [i, keys] of segments?.keyLists?.entries() ?? []) this.#keys.set(this.#directory?.ids[i] as number, keys)
  }

  /**
   * Gives what the changed records have changed.
   * @param root the state before; it stays as it is meanwhile
   * @throws Error if they do not lead on from what is known
   */
  *follow(root: object, records: ReadRecords): Differences {
    const before = valueAt(root, this.path)
    const record = (records.get(this.key) ?? this.#directory) as FieldRecord | undefined
    if (record !== undefined && 'value' in record) {
      this.#directory = undefined
      yield* differences(this.path, before, record.value)
      return
    }
    const old = this.#directory
    const now = record ?? fail(`${this.key} is missing`)
    if (!Array.isArray(now.ids) || now.ids.length !== now.lengths?.length) fail(`${this.key} is no directory`)
    this.#directory = now
    if (old?.kind === now.kind) yield* this.#followParts(before as object, old, now, records)
    else yield* this.#replace(before, now, records)
  }

  *#replace(before: unknown, now: Directory, records: ReadRecords): Differences {
    const whole = emptyOf(now.kind) ?? fail(`${this.key} is of no kind`)
    let size = 0
    for (const [i, id] of now.ids.entries()) {
      const part = this.#part(id, now.kind, now.lengths[i], records)
      size += now.lengths[i] as number
      if (Array.isArray(whole)) for (const value of part as unknown[]) whole.push(value)
      else for (const key of keysIn(part)) putIn(whole, key, part)
      yield undefined
    }
    noteWide(whole, size)
    // A list that has grown keeps its rows; one that is mostly new is taken over as it is.
    if (Array.isArray(before) && before.length * 2 > size) yield* differences(this.path, before, whole)
    else yield { op: 'set', path: this.path, value: whole }
  }

  *#followParts(container: object, old: Directory, now: Directory, records: ReadRecords): Differences {
    const isIn = new Set(now.ids)
    const wasIn = new Set(old.ids)
    const isSame = (id: number) => isIn.has(id) && wasIn.has(id) && !records.has(`${this.key}/${id}`)
    // Places in the two directories; the first element there, before and now.
    let [i, j, start, at] = [0, 0, 0, 0]
    while (i < old.ids.length || j < now.ids.length) {
      const gone: number[] = []
      const come: object[] = []
      let length = 0
      for (; i < old.ids.length && !isSame(old.ids[i] as number); i++) {
        gone.push(old.ids[i] as number)
        length += old.lengths[i] as number
      }
      const keys = gone.flatMap((id) => this.#keys.get(id) ?? [])
      for (const id of gone) this.#keys.delete(id)
      for (; j < now.ids.length && !isSame(now.ids[j] as number); j++) {
        come.push(this.#part(now.ids[j] as number, now.kind, now.lengths[j], records))
      }
      if (old.ids[i] !== now.ids[j]) fail(`${this.key} has its segments in another order`)
      if (Array.isArray(container)) {
        const after = (come as unknown[][]).flat(1)
        yield* differencesOfLists(this.path, at, container.slice(start, start + length), after)
        at += after.length
      } else if (keys.length > 0 || come.length > 0) {
        const [before, after] = [emptyOf(now.kind), emptyOf(now.kind)] as [object, object]
        for (const key of keys) putIn(before, key, container)
        for (const one of come) for (const key of keysIn(one)) putIn(after, key, one)
        yield* differencesOfKeys(this.path, before, after, j === now.ids.length)
      }
      start += length
      for (; i < old.ids.length && isSame(old.ids[i] as number); i++, j++) {
        if (old.ids[i] !== now.ids[j] || old.lengths[i] !== now.lengths[j]) fail(`${this.key} has changed otherwise`)
        start += old.lengths[i] as number
        at += old.lengths[i] as number
      }
      yield undefined
    }
  }

  /** The container that is stored as a segment. */
  #part(id: number, kind: ContainerKind, length: number | undefined, records: ReadRecords): object {
    const found = records.get(`${this.key}/${id}`)
    if (containerKind(found) !== kind) fail(`${this.key}/${id} is missing`)
    const keys = Array.isArray(found) ? undefined : [...keysIn(found as object)]
    if ((keys ?? (found as unknown[])).length !== length) fail(`${this.key}/${id} has another length`)
    if (keys !== undefined) this.#keys.set(id, keys)
    return found as object
  }
}

function fail(what: string): never {
  throw new Error(`It cannot be followed: ${what}.`)
}
