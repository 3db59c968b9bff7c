/*
 * The nodes of a draft: one for each container that a recipe has reached.
 *
 * - A node lies over a container that it never touches, its base, and holds what was written as an overlay: changed, added
 *   and deleted keys; for arrays a piece table. A write costs the same whatever the size.
 * - A node stands for its container: wherever a recipe puts it, it is the same node, as in plain JavaScript. Its home is
 *   where it stood when the draft began; that place is how mutations name it.
 * - A slot holds a primitive, a leaf, a node, or a fresh container: a private copy of what the recipe assigned, which
 *   becomes a node when it is reached.
 */

import { InvalidMutationError } from '../errors.js'
import type { StateShape } from './define-state.js'
import type { Key, Path } from './mutation.js'
import { formatPath } from './mutation.js'
import { PieceTable } from './piece-table.js'
import type { ContainerKind } from './values.js'
import { containerKind } from './values.js'

/** What a slot holds. */
export type Stored = unknown

/** What the nodes of one draft share. */
export interface DraftContext {
  /** Why the draft can no longer be used. */
  closed: Error | undefined
  /** A getter of the state is running: nothing may be written. */
  evaluating: number
  /** Fresh containers that hold nodes, or a container that does. */
  readonly embedding: WeakSet<object>
  /** Every node of the draft. */
  readonly nodes: DraftNode[]
  proxyOf(node: DraftNode): object
  /** Turns what a recipe assigns into what a slot holds: a node for a proxy of this draft, a checked copy for the rest. */
  toStored(value: unknown, holder: DraftNode, key: Key): Stored
}

export abstract class DraftNode {
  abstract readonly kind: ContainerKind
  /** Set on the root and on substates. */
  shape: StateShape | undefined
  readonly context: DraftContext
  base: object
  /** Where the container stood when the draft began; for fresh containers, where it was reached. */
  parent: DraftNode | undefined
  key: Key
  /** Not in the tree: it came in by an assignment. */
  fresh: boolean
  /** The base, or something in it, holds nodes instead of plain data. */
  embeds: boolean
  /** Left the state with an earlier batch of this draft: others may know its data, so it comes back as a copy. */
  detached = false
  children: Map<Key, DraftNode> | undefined
  /** Its own overlay holds something. */
  dirty = false
  /** Something at home below it was written or has moved. */
  below = false
  // Marks of the last walk, see draft-changes.
  pass = 0
  atHome = false
  holder: object | undefined
  settled = 0
  #proxy: object | undefined

  constructor(context: DraftContext, base: object, parent: DraftNode | undefined, key: Key, fresh: boolean) {
    this.context = context
    this.base = base
    this.parent = parent
    this.key = key
    this.fresh = fresh
    this.embeds = fresh && context.embedding.has(base)
    context.nodes.push(this)
  }

  get proxy(): object {
    this.#proxy ??= this.context.proxyOf(this)
    return this.#proxy
  }

  /** Each key with what stands there, without making nodes. */
  abstract entries(): Iterable<readonly [Key, Stored]>
  /** What was written here, by its key now. */
  abstract slots(): Iterable<readonly [Key, Stored]>
  /** What stands under a key now, reached: a container is given as its node. */
  abstract reach(key: Key): Stored
  /** A look-up of the key under which the content of a base key stands now; undefined where it is gone. */
  abstract keysNow(): (key: Key) => Key | undefined
  /** A test for whether a key of the base still shows what the base has there. */
  abstract intact(): (key: Key) => boolean
  abstract clearOverlay(): void

  /** Where it stood when the draft began, from the root inwards. */
  path(): Key[] {
    const path: Key[] = []
    for (let node: DraftNode = this; node.parent !== undefined; node = node.parent) path.push(node.key)
    return path.reverse()
  }

  markDirty(): void {
    if (this.dirty) return
    this.dirty = true
    this.markMoved()
  }

  /** Tells the containers that it stood in that something is to be seen here. */
  markMoved(): void {
    for (let node = this.parent; node !== undefined && !node.below; node = node.parent) node.below = true
  }

  /** What stands under a key of the base: its node, made if need be. */
  fromBase(key: Key, value: unknown): Stored {
    if (typeof value !== 'object' || value === null) return value
    const known = this.children?.get(key)
    if (known !== undefined) return known
    if (value instanceof DraftNode) return value
    const node = createNode(this.context, value, this, key, this.fresh)
    if (node === undefined) return value
    const substate = this.shape?.substates.get(key as string)
    if (substate !== undefined) node.shape = substate
    this.children ??= new Map()
    this.children.set(key, node)
    return node
  }

  /** The same, without making a node. */
  peekBase(key: Key, value: unknown): Stored {
    return typeof value === 'object' && value !== null ? (this.children?.get(key) ?? value) : value
  }

  /** A node for a fresh container in a slot of this one; undefined for anything else. */
  wrap(stored: Stored): DraftNode | undefined {
    if (typeof stored !== 'object' || stored === null || stored instanceof DraftNode) return undefined
    return createNode(this.context, stored, this, undefined, true)
  }

  isHomeOf(stored: Stored, key: Key): boolean {
    return stored instanceof DraftNode && stored.parent === this && this.children?.get(key) === stored
  }
}

/** Makes the node for a container; undefined for a primitive or leaf. */
export function createNode(
  context: DraftContext,
  base: object,
  parent: DraftNode | undefined,
  key: Key,
  fresh: boolean,
): DraftNode | undefined {
  switch (containerKind(base)) {
    case 'object':
      return new ObjectNode(context, base, parent, key, fresh)
    case 'array':
      return new ArrayNode(context, base, parent, key, fresh)
    case 'map':
      return new MapNode(context, base, parent, key, fresh)
    case 'set':
      return new SetNode(context, base, parent, key, fresh)
    default:
      return undefined
  }
}

/** Records and maps: keys in an order, with a value each. */
export abstract class KeyedNode extends DraftNode {
  changed: Map<Key, Stored> | undefined
  added: Map<Key, Stored> | undefined
  deleted: Set<Key> | undefined
  /** Nothing of the base is left. */
  cleared = false

  abstract baseHas(key: Key): boolean
  abstract baseGet(key: Key): unknown
  abstract baseKeys(): Iterable<Key>

  #inBase(key: Key): boolean {
    return !this.cleared && this.deleted?.has(key) !== true && this.baseHas(key)
  }

  has(key: Key): boolean {
    return this.added?.has(key) === true || this.#inBase(key)
  }

  get(key: Key): Stored {
    if (this.added?.has(key) === true) return this.#reach(this.added, key)
    if (!this.#inBase(key)) return undefined
    if (this.changed?.has(key) === true) return this.#reach(this.changed, key)
    return this.fromBase(key, this.baseGet(key))
  }

  #reach(slots: Map<Key, Stored>, key: Key): Stored {
    const stored = slots.get(key)
    const node = this.wrap(stored)
    if (node === undefined) return stored
    slots.set(key, node)
    return node
  }

  #peek(key: Key): Stored {
    if (this.added?.has(key) === true) return this.added.get(key)
    if (this.changed?.has(key) === true) return this.changed.get(key)
    return this.peekBase(key, this.baseGet(key))
  }

  set(key: Key, stored: Stored): void {
    const present = this.has(key)
    if (present && Object.is(this.#peek(key), stored)) return
    if (stored instanceof DraftNode) stored.markMoved()
    this.markDirty()
    if (this.added?.has(key) === true || !present) {
      this.added ??= new Map()
      this.added.set(key, stored)
      return
    }
    const before = this.baseGet(key)
    if (this.isHomeOf(stored, key) || (!(stored instanceof DraftNode) && Object.is(before, stored)))
      this.changed?.delete(key)
    else {
      this.changed ??= new Map()
      this.changed.set(key, stored)
    }
  }

  delete(key: Key): boolean {
    if (this.added?.delete(key) === true) return true
    if (!this.#inBase(key)) return false
    this.markDirty()
    this.changed?.delete(key)
    this.deleted ??= new Set()
    this.deleted.add(key)
    return true
  }

  *keys(): Generator<Key> {
    // The overlay exists before the loop body can write, so that what it adds is visited as in a plain Map.
    this.added ??= new Map()
    if (!this.cleared) {
      for (const key of this.baseKeys()) {
        if (this.cleared) break
        if (this.deleted?.has(key) !== true) yield key
      }
    }
    yield* this.added.keys()
  }

  *entries(): Generator<readonly [Key, Stored]> {
    for (const key of this.keys()) yield [key, this.#peek(key)]
  }

  *slots(): Generator<readonly [Key, Stored]> {
    if (this.changed !== undefined) yield* this.changed
    if (this.added !== undefined) yield* this.added
  }

  reach(key: Key): Stored {
    return this.get(key)
  }

  intact(): (key: Key) => boolean {
    return (key) => this.#inBase(key) && this.changed?.has(key) !== true
  }

  keysNow(): (key: Key) => Key | undefined {
    const intact = this.intact()
    return (key) => (intact(key) ? key : undefined)
  }

  clearOverlay(): void {
    this.changed = undefined
    this.added = undefined
    this.deleted = undefined
    this.cleared = false
  }
}

export class ObjectNode extends KeyedNode {
  readonly kind = 'object'

  baseHas(key: Key): boolean {
    return Object.hasOwn(this.base, key as string)
  }
  baseGet(key: Key): unknown {
    return (this.base as Record<string, unknown>)[key as string]
  }
  baseKeys(): Iterable<Key> {
    return Object.keys(this.base)
  }

  /** Keys in JavaScript's order: array-like ones first, by number. */
  orderedKeys(): string[] {
    const keys = [...this.keys()] as string[]
    if (this.added === undefined || this.added.size === 0) return keys
    const order: Record<string, true> = {}
    for (const key of keys) order[key] = true
    return Object.keys(order)
  }

  override *entries(): Generator<readonly [Key, Stored]> {
    if (this.added === undefined) {
      yield* super.entries()
      return
    }
    const entries = new Map(super.entries())
    for (const key of this.orderedKeys()) yield [key, entries.get(key)]
  }
}

export class MapNode extends KeyedNode {
  readonly kind = 'map'

  baseHas(key: Key): boolean {
    return (this.base as Map<Key, unknown>).has(key)
  }
  baseGet(key: Key): unknown {
    return (this.base as Map<Key, unknown>).get(key)
  }
  baseKeys(): Iterable<Key> {
    return (this.base as Map<Key, unknown>).keys()
  }

  get size(): number {
    return (
      (this.cleared ? 0 : (this.base as Map<Key, unknown>).size - (this.deleted?.size ?? 0)) + (this.added?.size ?? 0)
    )
  }

  clear(): void {
    if (this.size === 0) return
    this.markDirty()
    this.cleared = true
    this.changed = undefined
    this.deleted = undefined
    this.added?.clear()
  }
}

export class SetNode extends DraftNode {
  readonly kind = 'set'
  added: Set<Key> | undefined
  deleted: Set<Key> | undefined
  cleared = false

  get #members(): Set<Key> {
    return this.base as Set<Key>
  }

  has(member: Key): boolean {
    if (this.added?.has(member) === true) return true
    return !this.cleared && this.deleted?.has(member) !== true && this.#members.has(member)
  }

  add(member: Key): void {
    if (this.has(member)) return
    this.markDirty()
    this.added ??= new Set()
    this.added.add(member)
  }

  delete(member: Key): boolean {
    if (this.added?.delete(member) === true) return true
    if (!this.has(member)) return false
    this.markDirty()
    this.deleted ??= new Set()
    this.deleted.add(member)
    return true
  }

  clear(): void {
    if (this.size === 0) return
    this.markDirty()
    this.cleared = true
    this.deleted = undefined
    this.added?.clear()
  }

  get size(): number {
    return (this.cleared ? 0 : this.#members.size - (this.deleted?.size ?? 0)) + (this.added?.size ?? 0)
  }

  *values(): Generator<Key> {
    this.added ??= new Set()
    if (!this.cleared) {
      for (const member of this.#members) {
        if (this.cleared) break
        if (this.deleted?.has(member) !== true) yield member
      }
    }
    yield* this.added
  }

  *entries(): Generator<readonly [Key, Stored]> {
    for (const member of this.values()) yield [member, member]
  }

  slots(): Iterable<readonly [Key, Stored]> {
    return []
  }

  reach(member: Key): Stored {
    return member
  }

  intact(): (key: Key) => boolean {
    return () => true
  }

  keysNow(): (key: Key) => Key | undefined {
    return (key) => key
  }

  clearOverlay(): void {
    this.added = undefined
    this.deleted = undefined
    this.cleared = false
  }
}

export class ArrayNode extends DraftNode {
  readonly kind = 'array'
  table: PieceTable | undefined

  get #array(): unknown[] {
    return this.base as unknown[]
  }

  get length(): number {
    return this.table === undefined ? this.#array.length : this.table.length
  }

  /** What stands at an index below `length`. */
  at(index: number): Stored {
    const { table } = this
    if (table === undefined) return this.fromBase(index, this.#array[index])
    const base = table.baseIndexAt(index)
    if (base >= 0) return this.fromBase(base, this.#array[base])
    const stored = table.valueAt(index)
    const node = this.wrap(stored)
    if (node === undefined) return stored
    table.set(index, node)
    return node
  }

  peek(index: number): Stored {
    const { table } = this
    const base = table === undefined ? index : table.baseIndexAt(index)
    return base >= 0 ? this.peekBase(base, this.#array[base]) : table?.valueAt(index)
  }

  set(index: number, stored: Stored): void {
    if (Object.is(this.peek(index), stored)) return
    if (stored instanceof DraftNode) stored.markMoved()
    this.#write().set(index, stored)
  }

  splice(index: number, remove: number, values: readonly Stored[]): void {
    if (remove === 0 && values.length === 0) return
    for (const value of values) if (value instanceof DraftNode) value.markMoved()
    this.#write().splice(index, remove, values)
  }

  move(from: number, at: number): void {
    if (from !== at) this.#write().move(from, at)
  }

  arrange(keep: ArrayLike<number>, values: readonly Stored[]): void {
    this.#write().arrange(keep, values)
  }

  #write(): PieceTable {
    this.markDirty()
    this.table ??= new PieceTable(this.#array.length)
    return this.table
  }

  *entries(): Generator<readonly [Key, Stored]> {
    for (let i = 0; i < this.length; i++) yield [i, this.peek(i)]
  }

  *slots(): Generator<readonly [Key, Stored]> {
    if (this.table === undefined) return
    let first = 0
    for (const { values, length } of this.table.runs()) {
      if (values !== undefined) for (let i = 0; i < length; i++) yield [first + i, values[i]]
      first += length
    }
  }

  reach(key: Key): Stored {
    return this.at(key as number)
  }

  keysNow(): (key: Key) => Key | undefined {
    const positions = this.table?.positions()
    if (positions === undefined) return (key) => key
    return (key) => {
      const index = positions(key as number)
      return index < 0 ? undefined : index
    }
  }

  intact(): (key: Key) => boolean {
    return (this.table?.presence() ?? (() => true)) as (key: Key) => boolean
  }

  clearOverlay(): void {
    this.table = undefined
  }
}

// A cycle that a recipe closed would be walked for ever.
const MAX_DEPTH = 1_000

/** Plain data of what stands in a slot: the data of the state itself where nothing was written, a copy elsewhere. */
export function plainOfStored(context: DraftContext, stored: Stored, depth = 0): unknown {
  if (typeof stored !== 'object' || stored === null) return stored
  if (depth > MAX_DEPTH) throw circular([])
  if (!(stored instanceof DraftNode)) {
    const kind = containerKind(stored)
    if (kind === undefined || !context.embedding.has(stored)) return stored
    return build(context, kind, entriesOf(kind, stored), depth)
  }
  if (!stored.dirty && !stored.below && !stored.embeds) return stored.base
  return build(context, stored.kind, stored.entries(), depth)
}

export function circular(path: Path): InvalidMutationError {
  return new InvalidMutationError(
    `A container was put inside itself at ${formatPath(path)}. A state is a tree: assign a copy, or refer to it by an id.`,
  )
}

/** The entries of plain data. */
export function entriesOf(kind: ContainerKind, container: object): Iterable<readonly [Key, unknown]> {
  if (kind === 'array') return (container as unknown[]).entries()
  if (kind === 'object') return Object.entries(container)
  return (container as Map<Key, unknown> | Set<Key>).entries() as Iterable<readonly [Key, unknown]>
}

/** Makes plain data of a kind from its entries; `content` says what becomes of each. */
export function plainFrom(
  kind: ContainerKind,
  entries: Iterable<readonly [Key, Stored]>,
  content: (stored: Stored, key: Key) => unknown,
): object {
  if (kind === 'set') return new Set(Array.from(entries, ([member]) => member))
  if (kind === 'map') return new Map(Array.from(entries, ([key, stored]) => [key, content(stored, key)]))
  if (kind === 'array') return Array.from(entries, ([key, stored]) => content(stored, key))
  const plain: Record<string, unknown> = {}
  for (const [key, stored] of entries) plain[key as string] = content(stored, key)
  return plain
}

function build(
  context: DraftContext,
  kind: ContainerKind,
  entries: Iterable<readonly [Key, Stored]>,
  depth: number,
): object {
  return plainFrom(kind, entries, (stored) => plainOfStored(context, stored, depth + 1))
}

/** Remembers which containers of a fresh value hold nodes. */
export function markEmbedding(context: DraftContext, value: unknown): boolean {
  if (value instanceof DraftNode) return true
  const kind = containerKind(value)
  if (kind === undefined || kind === 'set') return false
  const items =
    kind === 'array'
      ? (value as unknown[])
      : kind === 'map'
        ? (value as Map<Key, unknown>).values()
        : Object.values(value as object)
  let embeds = false
  for (const item of items) if (typeof item === 'object' && item !== null && markEmbedding(context, item)) embeds = true
  if (embeds) context.embedding.add(value as object)
  return embeds
}
