/*
 * The atoms of one container of the observable view, but for those of single readers.
 *
 * - Made when somebody tracks, and not before: one for each key that was read, one for each that was only asked for, one for
 *   which keys there are (or how many entries), one for the content of an array or set, one for everything below.
 * - Those of keys are let go when nobody observes them: keys come and go without end, and are asked for that never come.
 */

import type { IAtom } from 'mobx'
import { createAtom } from 'mobx'
import type { Key } from '../state/mutation.js'

/** How many nodes and atoms were made so far, for tests that hold what reading costs. */
export const madeForTesting: { nodes: number; atoms: number } = { nodes: 0, atoms: 0 }

export function newAtom(name: string, onUnobserved?: () => void): IAtom {
  madeForTesting.atoms += 1
  return createAtom(name, undefined, onUnobserved)
}

/** Whether a key was there when somebody last asked, or was told. */
interface Presence {
  readonly atom: IAtom
  present: boolean
}

export class NodeAtoms {
  #keys: Map<Key, IAtom> | undefined
  /** Those of keys that are only asked for. */
  #presence: Map<Key, Presence> | undefined
  #which: IAtom | undefined
  #content: IAtom | undefined
  #all: IAtom | undefined
  /** What the atom for which keys there are was last told: how many entries, or, of an object, the keys. */
  #size = 0
  #known: Set<string> | undefined

  // --- reading: each makes the current reader depend on something

  /** @param isKept the key is one of few that stay */
  onKey(key: Key, isKept: boolean): void {
    let atom = this.#keys?.get(key)
    if (atom === undefined) {
      this.#keys ??= new Map()
      atom = newAtom(String(key), isKept ? undefined : forget(this.#keys, key))
      this.#keys.set(key, atom)
    }
    atom.reportObserved()
  }

  onPresence(key: Key, present: boolean): void {
    let known = this.#presence?.get(key)
    if (known === undefined) {
      this.#presence ??= new Map()
      known = { atom: newAtom(`has ${String(key)}`, forget(this.#presence, key)), present }
      this.#presence.set(key, known)
    }
    known.atom.reportObserved()
  }

  /** @param known of an object: its keys */
  onKeys(size: number, known: () => Set<string> | undefined): void {
    if (this.#which === undefined) {
      this.#which = newAtom('keys')
      this.#size = size
      this.#known = known()
    }
    this.#which.reportObserved()
  }

  onContent(): void {
    this.#content ??= newAtom('content')
    this.#content.reportObserved()
  }

  onAll(): void {
    this.#all ??= newAtom('all')
    this.#all.reportObserved()
  }

  // --- following a commit: each tells the atoms of what has changed

  changedBelow(): void {
    this.#all?.reportChanged()
  }

  changedContent(): void {
    this.#content?.reportChanged()
  }

  /** Another value stands at `key`, or, if it is not `present`, nothing. */
  wrote(key: Key, present: boolean): void {
    this.changedContent()
    const atom = this.#keys?.get(key)
    if (atom !== undefined) atom.reportChanged()
    this.#came(key, present)
    if (this.#known === undefined || this.#known.has(key as string) === present) return
    if (present) this.#known.add(key as string)
    else this.#known.delete(key as string)
    this.#which?.reportChanged()
  }

  /** @param before what the map or set had in it */
  cleared(before: object | undefined): void {
    if (before instanceof Map) for (const [key, atom] of this.#keys ?? []) if (before.has(key)) atom.reportChanged()
    for (const key of this.#presence?.keys() ?? []) this.#came(key, false)
  }

  resized(size: number): void {
    if (size !== this.#size && this.#which !== undefined) this.#which.reportChanged()
    this.#size = size
  }

  /** Tells who asks for the key, if it has come or gone. */
  #came(key: Key, present: boolean): void {
    const known = this.#presence?.get(key)
    if (known === undefined || known.present === present) return
    known.present = present
    known.atom.reportChanged()
  }
}

function forget(atoms: Map<Key, unknown>, key: Key): () => void {
  return () => atoms.delete(key)
}
