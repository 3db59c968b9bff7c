/*
 * The nodes of the observable view: one for each container that was reached.
 *
 * - A node, and so its proxy, follows the mutations, not the identity of the data: a container that a commit copies keeps
 *   its node, and a row keeps it when its list is spliced, sorted or filtered, or when it moves to another place.
 * - A node holds those of the containers in it, for arrays in a list parallel to the data, so that the operations on the
 *   data are the operations on the nodes.
 * - Atoms are made when somebody tracks, and not before: one for each key that was read, one for each that was only asked
 *   for, one for which keys there are (or how many entries), one for the content of an array or set, one for everything below.
 *
 * One file: what is read and what follows a commit are the same few fields.
 */

import type { IAtom, IComputedValue } from 'mobx'
import { computed, createAtom, onBecomeUnobserved, Reaction } from 'mobx'
import type { ContainerKind } from '../state/container-kind.js'
import { containerKind } from '../state/container-kind.js'
import { spliceArray } from '../state/containers.js'
import type { StateShape } from '../state/define-state.js'
import type { Key, Mutation, Path } from '../state/mutation.js'
import type { StatePart } from '../state/part.js'
import { createProxy, createStateProxy } from '../state/proxies.js'
import { RawPart } from '../state/raw-part.js'
import { entryOf } from '../state/values.js'

/** How many nodes and atoms were made so far, for tests that hold what reading costs. */
export const madeForTesting: { nodes: number; atoms: number } = { nodes: 0, atoms: 0 }

const probe = createAtom('store.state')

/** Whether a reaction or computed is tracking. MobX says so to atoms alone; this one never changes. */
function isTracked(): boolean {
  return probe.reportObserved()
}

function newAtom(name: string, onUnobserved?: () => void): IAtom {
  madeForTesting.atoms += 1
  return createAtom(name, undefined, onUnobserved)
}

/**
 * A handler for the end of observation doubles what an atom costs: the atoms of objects get one when their key goes. In maps
 * keys come and go without end, and are asked for that never come.
 */
function forget(atoms: Map<Key, unknown>, key: Key): () => void {
  return () => atoms.delete(key)
}

export abstract class ViewNode extends RawPart {
  raw: object
  /** Where it stood when it was reached or last moved: the rows of a list shift without being told. */
  parent: ViewNode | undefined
  key: Key
  /** Of an object or a map: the nodes of the containers in it, by key. */
  #entries: Map<Key, ViewNode> | undefined
  /** Of an array: the same by index, as far as they were reached. */
  #rows: (ViewNode | undefined)[] | undefined
  #keyAtoms: Map<Key, IAtom> | undefined
  /** Those of an object whose key has gone once: each is let go when nobody observes it. */
  #forgetful: WeakSet<IAtom> | undefined
  /** By key: whether it was there when somebody last asked, or was told. */
  #presence: Map<Key, { readonly atom: IAtom; present: boolean }> | undefined
  #keysAtom: IAtom | undefined
  #contentAtom: IAtom | undefined
  #allAtom: IAtom | undefined
  /** What the atom for which keys there are was last told: how many entries, or, of an object, the keys. */
  #size: number
  #keys: Set<Key> | undefined

  constructor(raw: object, parent: ViewNode | undefined, key: Key) {
    super()
    this.raw = raw
    this.parent = parent
    this.key = key
    this.#size = sizeOf(raw)
    madeForTesting.nodes += 1
  }

  /** Its proxy, as those see it who see no backend fields. */
  abstract readonly outer: object

  get label(): string {
    return 'store.state'
  }

  path(): Key[] {
    const path: Key[] = []
    for (let node: ViewNode = this; node.parent !== undefined; node = node.parent) {
      const { raw } = node.parent
      const key = Array.isArray(raw) && raw[node.key as number] !== node.raw ? raw.indexOf(node.raw) : node.key
      if (entryOf(raw, key) !== node.raw) return [] // it has left the state
      path.unshift(key)
    }
    return path
  }

  // --- reading

  child(key: Key, value: object): unknown {
    return this.reach(key, value)?.outer ?? value
  }

  override onKey(key: Key): void {
    let atom = this.#keyAtoms?.get(key)
    if (atom === undefined) {
      if (!isTracked()) return
      atom = this.#newKeyAtom(key)
    }
    atom.reportObserved()
  }

  override onPresence(key: Key, present: boolean): void {
    let known = this.#presence?.get(key)
    if (known === undefined) {
      if (!isTracked()) return
      this.#presence ??= new Map()
      known = { atom: newAtom(`has ${String(key)}`, forget(this.#presence, key)), present }
      this.#presence.set(key, known)
    }
    known.atom.reportObserved()
  }

  override onKeys(): void {
    if (this.#keysAtom === undefined) {
      if (!isTracked()) return
      this.#keysAtom = newAtom('keys')
      if (this.kind === 'object') this.#keys = new Set(Object.keys(this.raw))
    }
    this.#keysAtom.reportObserved()
  }

  override onContent(): void {
    if (this.#contentAtom === undefined && isTracked()) this.#contentAtom = newAtom('content')
    this.#contentAtom?.reportObserved()
  }

  override onAll(): void {
    if (this.#allAtom === undefined && isTracked()) this.#allAtom = newAtom('all')
    this.#allAtom?.reportObserved()
  }

  #newKeyAtom(key: Key): IAtom {
    this.#keyAtoms ??= new Map()
    const atom = newAtom(String(key), this.kind === 'map' ? forget(this.#keyAtoms, key) : undefined)
    this.#keyAtoms.set(key, atom)
    return atom
  }

  #forgetUnobserved(key: Key, atom: IAtom): void {
    if (this.#forgetful?.has(atom) === true) return
    this.#forgetful ??= new WeakSet()
    this.#forgetful.add(atom)
    onBecomeUnobserved(atom, forget(this.#keyAtoms as Map<Key, IAtom>, key)) // it is one of them
    // It may be unobserved already, and would never say so. Who is in the middle of reading it counts as an observer.
    const reaction = new Reaction('store.state', () => {})
    reaction.track(() => atom.reportObserved())
    reaction.dispose()
  }

  // --- following a commit

  /** The node of the container at `key`, if there is one. */
  find(key: Key): ViewNode | undefined {
    return this.kind === 'array' ? this.#rows?.[key as number] : this.#entries?.get(key)
  }

  /** The node of the container at `key`, which is `value`; undefined for a leaf. */
  reach(key: Key, value: unknown): ViewNode | undefined {
    const known = this.find(key)
    if (known !== undefined) return known
    const kind = containerKind(value)
    if (kind === undefined) return undefined
    const node = new ContainerNode(kind, value as object, this, key)
    this.put(key, node)
    return node
  }

  /** Something in the container has changed. */
  changedBelow(): void {
    this.#allAtom?.reportChanged()
  }

  /**
   * The mutation was performed on the container, which is now `raw`; `cleared` holds what was in it before a `clear`, and `size`
   * is how large it was then.
   */
  take(mutation: Mutation, raw: object, cleared: object | undefined, size: number = sizeOf(raw)): void {
    this.raw = raw
    if (mutation.op === 'set' || mutation.op === 'delete') {
      this.#written(mutation.path.at(-1), mutation.op === 'set')
    } else {
      if (mutation.op === 'clear') {
        this.#entries = undefined
        if (cleared instanceof Map)
          for (const [key, atom] of this.#keyAtoms ?? []) if (cleared.has(key)) atom.reportChanged()
        for (const key of this.#presence?.keys() ?? []) this.#came(key, false)
      } else if (this.#rows !== undefined) this.#rearrange(this.#rows, mutation)
      this.#contentAtom?.reportChanged()
    }
    if (size !== this.#size) this.#keysAtom?.reportChanged()
    this.#size = size
  }

  /** Puts the node of a container that moved to where it now stands: at `at` inside of what a mutation has put at `key`. */
  adopt(moved: ViewNode, key: Key, at: Path): void {
    let holder: ViewNode = this
    let last = key
    for (const next of at) {
      holder = holder.reach(last, entryOf(holder.raw, last)) as ViewNode // a ref leads through containers
      last = next
    }
    holder.put(last, moved)
  }

  /** Tells who asks for the key, if it has come or gone. */
  #came(key: Key, present: boolean): void {
    const known = this.#presence?.get(key)
    if (known === undefined || known.present === present) return
    known.present = present
    known.atom.reportChanged()
  }

  /** Another value stands at `key`, or, if it is not `present`, nothing. */
  #written(key: Key, present: boolean): void {
    this.put(key, undefined)
    this.#contentAtom?.reportChanged()
    const atom = this.#keyAtoms?.get(key)
    if (atom !== undefined) {
      atom.reportChanged()
      if (!present && this.kind === 'object') this.#forgetUnobserved(key, atom)
    }
    this.#came(key, present)
    if (this.#keys === undefined || this.#keys.has(key) === present) return
    if (present) this.#keys.add(key)
    else this.#keys.delete(key)
    this.#keysAtom?.reportChanged()
  }

  protected put(key: Key, node: ViewNode | undefined): void {
    if (this.kind !== 'array') {
      if (node === undefined) this.#entries?.delete(key)
      else {
        this.#entries ??= new Map()
        this.#entries.set(key, node)
      }
    } else if (node !== undefined || (key as number) < (this.#rows?.length ?? 0)) {
      this.#rows ??= []
      while (this.#rows.length < (key as number)) this.#rows.push(undefined)
      this.#rows[key as number] = node
    }
    if (node === undefined) return
    node.parent = this
    node.key = key
  }

  #rearrange(rows: (ViewNode | undefined)[], mutation: Mutation): void {
    if (mutation.op === 'splice') {
      if (mutation.index >= rows.length) return
      spliceArray(rows, mutation.index, mutation.remove, new Array<undefined>(mutation.values.length))
    } else if (mutation.op === 'arrange') {
      this.#rows = mutation.keep.map((from) => rows[from]) // nothing stood at −1
    } else if (mutation.op === 'move') {
      const [node] = rows.splice(mutation.from, 1)
      if (mutation.at < rows.length) rows.splice(mutation.at, 0, node)
      else this.put(mutation.at, node)
    }
  }
}

class ContainerNode extends ViewNode {
  readonly kind: ContainerKind
  readonly outer: object

  constructor(kind: ContainerKind, raw: object, parent: ViewNode, key: Key) {
    super(raw, parent, key)
    this.kind = kind
    this.outer = createProxy(this)
  }
}

/** The node of a state or substate. */
export class StateNode extends ViewNode implements StatePart {
  readonly kind = 'object'
  readonly shape: StateShape
  readonly inner: object
  readonly outer: object
  readonly #computeds = new Map<string, IComputedValue<unknown>>()

  constructor(shape: StateShape, raw: object, parent?: ViewNode, key?: string) {
    super(raw, parent, key)
    this.shape = shape
    this.inner = createStateProxy(this, { backend: true })
    this.outer = createStateProxy(this, { backend: false })
  }

  getter(name: string): unknown {
    let value = this.#computeds.get(name)
    if (value === undefined) {
      const getter = this.shape.getters.get(name) as () => unknown // the guard asks for declared getters alone
      value = computed(() => getter.call(this.inner), { name: `${this.shape.definition.fullName}.${name}` })
      this.#computeds.set(name, value)
    }
    return value.get()
  }

  substate(name: string): StatePart {
    return this.reach(name, entryOf(this.raw, name)) as StateNode // `reach` makes no other node for a substate
  }

  override reach(key: Key, value: unknown): ViewNode | undefined {
    const shape = this.shape.substates.get(key as string)
    if (shape === undefined) return super.reach(key, value)
    const known = this.find(key)
    if (known !== undefined) return known
    const node = new StateNode(shape, value as object, this, key as string)
    this.put(key, node)
    return node
  }
}

function sizeOf(raw: object): number {
  if (Array.isArray(raw)) return raw.length
  return raw instanceof Map || raw instanceof Set ? raw.size : 0
}
