/*
 * The nodes of the observable view: one for each container that was reached.
 *
 * - A node, and so its proxy, follows the mutations, not the identity of the data: a container that a commit copies keeps
 *   its node, and a row keeps it when its list is spliced, sorted or filtered, or when it moves to another place.
 * - A node holds those of the containers in it, for arrays in a list parallel to the data, so that the operations on the
 *   data are the operations on the nodes.
 * - Whoever reads while MobX tracks depends on atoms of the node: see `NodeAtoms`, and for the keys of rows `ReaderAtom`.
 *
 * One file: what is read and what follows a commit are the same few fields.
 */

import type { IComputedValue } from 'mobx'
import { computed } from 'mobx'
import type { ContainerKind } from '../state/container-kind.js'
import { containerKind } from '../state/container-kind.js'
import { sizeOf, spliceArray } from '../state/containers.js'
import type { StateShape } from '../state/define-state.js'
import type { Key, Mutation, Path } from '../state/mutation.js'
import type { StatePart } from '../state/part.js'
import { createProxy, createStateProxy } from '../state/proxies.js'
import { RawPart } from '../state/raw-part.js'
import { entryOf } from '../state/values.js'
import { madeForTesting, NodeAtoms } from './node-atoms.js'
import type { ReaderHolder } from './reader-atom.js'
import { ReaderAtom } from './reader-atom.js'
import { currentReader, currentRun, isReaderObserved } from './tracking.js'

/** Further readers of one row share an atom for each key. Two that run again have each two for a moment. */
const MAX_READERS = 4

export abstract class ViewNode extends RawPart {
  raw: object
  /** Where it stood when it was reached or last moved: the rows of a list shift without being told. */
  parent: ViewNode | undefined
  key: Key
  /** Of an object or a map: the nodes of the containers in it, by key. */
  #entries: Map<Key, ViewNode> | undefined
  /** Of an array: the same by index, as far as they were reached. */
  #rows: (ViewNode | undefined)[] | undefined
  #atoms: NodeAtoms | undefined

  constructor(raw: object, parent: ViewNode | undefined, key: Key) {
    super()
    this.raw = raw
    this.parent = parent
    this.key = key
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
    this.#tracked()?.onKey(key, this.hasFixedKeys)
  }

  override onPresence(key: Key, present: boolean): void {
    this.#tracked()?.onPresence(key, present)
  }

  override onKeys(): void {
    const { raw } = this
    this.#tracked()?.onKeys(sizeOf(raw), () => (this.kind === 'object' ? new Set(Object.keys(raw)) : undefined))
  }

  override onContent(): void {
    this.#tracked()?.onContent()
  }

  override onAll(): void {
    this.#tracked()?.onAll()
  }

  /** No key comes or goes. */
  get hasFixedKeys(): boolean {
    return false
  }

  /** The atoms, for a reader to depend on; undefined if there is none, or if it depends on everything already. */
  #tracked(): NodeAtoms | undefined {
    if (currentReader() === undefined) return undefined
    this.#atoms ??= new NodeAtoms()
    if (isReaderObserved()) return this.#atoms
    this.#atoms.onAll()
    return undefined
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
    this.#atoms?.changedBelow()
  }

  /**
   * The mutation was performed on the container, which is now `raw`; `cleared` holds what was in it before a `clear`, and `size`
   * is how large it was then.
   */
  take(mutation: Mutation, raw: object, cleared: object | undefined, size: number = sizeOf(raw)): void {
    this.raw = raw
    if (mutation.op === 'set' || mutation.op === 'delete') {
      this.wrote(mutation.path.at(-1), mutation.op === 'set')
    } else {
      if (mutation.op === 'clear') {
        this.#entries = undefined
        this.#atoms?.cleared(cleared)
      } else if (this.#rows !== undefined) this.#rearrange(this.#rows, mutation)
      this.#atoms?.changedContent()
    }
    this.#atoms?.resized(size)
  }

  /** Another value stands at `key`, or, if it is not `present`, nothing. */
  protected wrote(key: Key, present: boolean): void {
    this.put(key, undefined)
    this.#atoms?.wrote(key, present)
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

class ContainerNode extends ViewNode implements ReaderHolder {
  readonly kind: ContainerKind
  readonly outer: object
  /** Of an object: those of its latest readers, who depend on no other atoms for its keys. */
  #readers: ReaderAtom | undefined

  constructor(kind: ContainerKind, raw: object, parent: ViewNode, key: Key) {
    super(raw, parent, key)
    this.kind = kind
    this.outer = createProxy(this)
  }

  override onKey(key: Key): void {
    if (this.kind !== 'object' || !this.#isReadBy(currentReader(), key)) super.onKey(key)
  }

  /** Makes the reader depend on the key by an atom of its own; false if it has none and can have none. */
  #isReadBy(reader: object | undefined, key: Key): boolean {
    if (reader === undefined) return true
    const run = currentRun()
    if (this.#readers?.takes(reader, run, key) === true) return true
    let count = 0
    for (let known = this.#readers; known !== undefined; known = known.next) count += 1
    if (count === MAX_READERS || !isReaderObserved()) return false
    this.#readers = new ReaderAtom(this, reader, run, key, this.#readers)
    this.#readers.reportObserved()
    return true
  }

  letGo(gone: ReaderAtom): void {
    if (this.#readers === gone) this.#readers = gone.next
    for (let known = this.#readers; known !== undefined; known = known.next) {
      if (known.next === gone) known.next = gone.next
    }
  }

  protected override wrote(key: Key, present: boolean): void {
    super.wrote(key, present)
    for (let known = this.#readers; known !== undefined; known = known.next) {
      if (known.has(key)) known.reportChanged()
    }
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

  override get hasFixedKeys(): boolean {
    return true
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
