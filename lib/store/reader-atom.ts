/*
 * Atoms of readers: one for all keys of a row that one reaction or computed reads in one run.
 *
 * - Who reads one field of a row mostly reads others. An atom for each is the larger part of what observing 100,000 rows costs:
 *   MobX gives each atom a set of its observers.
 * - Nobody runs for a key that he has not read: an atom stands for the keys of one reader alone, and of one run. The next run
 *   begins another.
 * - It is let go when its reader has run again, or is gone.
 */

import type { IAtom } from 'mobx'
import { createAtom } from 'mobx'
import type { Key } from '../state/mutation.js'
import { madeForTesting } from './node-atoms.js'

/**
 * What `createAtom` makes. MobX calls `onBUO` when an atom becomes unobserved; a handler given to `createAtom` stands in a set of
 * its own for each atom, which is as much again as all the rest.
 */
const Atom = createAtom('store.state').constructor as new (name: string) => IAtom

/** More keys of one row go to a further atom. */
const MAX_KEYS = 16
/** So many sets are kept for those who read the same keys. Records may have any keys, and each of its readers others. */
const MAX_SHARED = 1_000

/** The keys that were read, in the order of reading. Rows are read alike, so their atoms share them. */
export class ReadKeys {
  static #shared = 0
  static #none: ReadKeys = new ReadKeys([])

  readonly #keys: readonly Key[]
  #more: Map<Key, ReadKeys> | undefined

  private constructor(keys: readonly Key[]) {
    this.#keys = keys
  }

  static of(key: Key): ReadKeys {
    if (ReadKeys.#shared >= MAX_SHARED) {
      ReadKeys.#shared = 0
      ReadKeys.#none = new ReadKeys([])
    }
    return ReadKeys.#none.with(key) as ReadKeys // there is place for the first
  }

  has(key: Key): boolean {
    return this.#keys.includes(key)
  }

  /** These and one more; undefined if they are too many. */
  with(key: Key): ReadKeys | undefined {
    if (this.has(key)) return this
    let more = this.#more?.get(key)
    if (more === undefined && this.#keys.length < MAX_KEYS) {
      more = new ReadKeys([...this.#keys, key])
      ReadKeys.#shared += 1
      this.#more ??= new Map()
      this.#more.set(key, more)
    }
    return more
  }
}

/** Who holds atoms of readers. */
export interface ReaderHolder {
  /** Nobody depends on the atom any more. */
  letGo(gone: ReaderAtom): void
}

export class ReaderAtom extends Atom {
  /** That of another reader, or of another run. */
  next: ReaderAtom | undefined
  readonly #holder: ReaderHolder
  readonly #reader: object
  readonly #run: number
  #keys: ReadKeys

  constructor(holder: ReaderHolder, reader: object, run: number, key: Key, next: ReaderAtom | undefined) {
    super('store.state')
    madeForTesting.atoms += 1
    this.next = next
    this.#holder = holder
    this.#reader = reader
    this.#run = run
    this.#keys = ReadKeys.of(key)
  }

  has(key: Key): boolean {
    return this.#keys.has(key)
  }

  /** Whether it stands for that key too: if it is the same reader who reads, and still the same run. */
  takes(reader: object, run: number, key: Key): boolean {
    if (reader !== this.#reader || run !== this.#run) return false
    const keys = this.#keys.with(key)
    if (keys === undefined) return false
    this.#keys = keys
    return true
  }

  override onBUO(): void {
    this.#holder.letGo(this)
  }
}
