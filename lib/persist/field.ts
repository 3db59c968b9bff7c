/*
 * A persisted field: one record, or a directory and the segments that it names.
 */

import type { ContainerKind } from '../state/container-kind.js'
import { containerKind } from '../state/container-kind.js'
import type { Mutation } from '../state/mutation.js'
import { ArraySegments } from './array-segments.js'
import type { Dirty, Unit } from './dirty.js'
import { countIn, valueAt } from './entries.js'
import { KeyedSegments } from './keyed-segments.js'
import type { Directory, SegmentOwner, Segments } from './segments.js'
import { JOIN_BELOW, SPLIT_ABOVE } from './segments.js'

/** What is stored of a field. */
export type FieldRecord = { readonly value: unknown } | Directory

export class Field implements Unit, SegmentOwner {
  /** From the root of the state: longer than 1 in a substate. */
  readonly path: readonly string[]
  readonly key: string
  readonly dirty: Dirty
  nextId = 0
  #segments: Segments | undefined

  constructor(path: readonly string[], dirty: Dirty) {
    this.path = path
    this.key = keyOfField(path)
    this.dirty = dirty
  }

  /** Undefined while it is one record. */
  get segments(): Segments | undefined {
    return this.#segments
  }

  valueIn(root: object): unknown {
    return valueAt(root, this.path)
  }

  /** Follows a mutation at or below its path. */
  follow(mutation: Mutation): void {
    const depth = this.path.length
    if (this.#segments === undefined) this.dirty.write(this)
    else if (mutation.op === 'set' && mutation.path.length === depth) this.replaced()
    else if (this.#segments.follow(mutation, depth)) this.dirty.write(this)
  }

  /** All of it is to be written. */
  replaced(): void {
    this.#close()
    this.dirty.write(this)
  }

  encode(root: object): FieldRecord {
    const value = this.valueIn(root)
    const kind = containerKind(value)
    if (this.#segments !== undefined && this.#segments.size < JOIN_BELOW) this.#close()
    if (this.#segments === undefined && kind !== undefined && countIn(value as object) > SPLIT_ABOVE) {
      this.open(kind).split(value as object)
    }
    return this.#segments?.directory ?? { value }
  }

  /** It is stored in segments from now on. There are none yet. */
  open(kind: ContainerKind): Segments {
    this.#segments = kind === 'array' ? new ArraySegments(this) : new KeyedSegments(this, kind)
    return this.#segments
  }

  #close(): void {
    this.#segments?.dropAll()
    this.#segments = undefined
  }
}

const FIELD = 'field/'

/** Names are escaped: none has a slash in it, by which the keys of segments are known, or a colon. */
export function keyOfField(path: readonly string[]): string {
  return FIELD + path.map(encodeURIComponent).join(':')
}

/** The path of the field whose record a key is. */
export function pathOfKey(key: string): readonly string[] {
  return key.slice(FIELD.length).split(':').map(decodeURIComponent)
}
