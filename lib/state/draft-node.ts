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

import { ImmutableStateError, InvalidMutationError } from '../errors.js'
import type { ContainerKind } from './container-kind.js'
import { containerKind } from './container-kind.js'
import type { StateShape } from './define-state.js'
import type { Key, Path } from './mutation.js'
import { formatPath } from './mutation.js'
import type { StatePart } from './part.js'
import { Part } from './part.js'
import { createProxy, createStateProxy } from './proxies.js'
import { valuesIn } from './walk.js'

/** What a slot holds. */
export type Stored = unknown

/** What the nodes of one draft share. */
export interface DraftContext {
  /** Why the draft can no longer be used. */
  closed: (() => Error) | undefined
  /** A getter of the state is running: nothing may be written. */
  evaluating: number
  /** Why nothing may be written for now. */
  held: string | undefined
  /** Fresh containers that hold nodes, or a container that does; made with the first of them. */
  embedding: Set<object> | undefined
  /**
   * Nodes that may hold fresh containers: those that were written since the last flush, or came in holding nodes. One may be
   * there twice.
   */
  written: DraftNode[]
  /** Nothing was done but to write primitives over primitives, in containers of the state that are where they were. */
  isPlain: boolean
  /** Makes the node for a container; undefined for a leaf. */
  nodeFor(base: object, parent: DraftNode | undefined, key: Key, fresh: boolean): DraftNode | undefined
  /** Turns what a recipe assigns into what a slot holds: a node for a proxy of this draft, a checked copy for the rest. */
  toStored(value: unknown, holder: DraftNode, key: Key): Stored
}

/** What a walk over a draft as written has found of a node. */
export interface Mark {
  /** The number of the walk. */
  pass: number
  /** The walk is inside it. */
  isOpen: boolean
  atHome: boolean
  readonly holder: object | undefined
}

const NOTHING = Object.freeze({})

export abstract class DraftNode extends Part {
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
  /** Nodes in it that were written or have moved, or in which something was or has. */
  touched: DraftNode[] | undefined
  /** The list in which its parent has it. */
  #touchedIn: readonly DraftNode[] | undefined
  /** What the last walk found, if there was one: see draft-changes. */
  mark: Mark | undefined
  #proxy: object | undefined

  constructor(context: DraftContext, base: object, parent: DraftNode | undefined, key: Key, fresh: boolean) {
    super()
    this.context = context
    this.base = base
    this.parent = parent
    this.key = key
    this.fresh = fresh
    this.embeds = fresh && context.embedding?.has(base) === true
    if (this.embeds) context.written.push(this) // it was assigned, so the draft is not plain
  }

  get proxy(): object {
    this.#proxy ??=
      this.shape === undefined
        ? createProxy(this)
        : createStateProxy(this as DraftNode as StatePart & this, { backend: true })
    return this.#proxy
  }

  override isShownBy(receiver: unknown): boolean {
    return receiver === this.#proxy
  }

  /** Lets go of the data, and of what was written. */
  forget(): void {
    this.clearOverlay()
    this.base = NOTHING
    this.children = undefined
    this.touched = undefined
  }

  // --- the top level of a state

  get inner(): object {
    return this.proxy
  }

  get outer(): object {
    return this.proxy
  }

  getter(name: string): unknown {
    this.context.evaluating += 1
    try {
      return this.shape?.getters.get(name)?.call(this.proxy)
    } finally {
      this.context.evaluating -= 1
    }
  }

  substate(name: string): StatePart {
    return this.reach(name) as StatePart // a substate is always there, and has its shape
  }

  // --- reading and writing

  get(key: Key): unknown {
    return exposed(this.reach(key))
  }

  own(key: Key): { readonly value: unknown } | undefined {
    return this.has(key) ? { value: this.get(key) } : undefined
  }

  plain(): object {
    this.assertReadable()
    const outside = this.shape?.outside?.names
    if (outside === undefined) return plainOfStored(this.context, this) as object
    const inside = [...this.entries()].filter(([key]) => !outside.has(key as string))
    return build(this.context, this.kind, inside, 0)
  }

  override assertReadable(): void {
    if (this.context.closed !== undefined) throw this.context.closed()
  }

  assertWritable(_deed: string, ...key: readonly [unknown?]): void {
    this.assertReadable()
    if (this.context.held !== undefined) throw new InvalidMutationError(this.context.held)
    if (this.context.evaluating === 0) return
    throw new ImmutableStateError(
      `A getter wrote ${formatPath([...this.path(), ...key])}. Getters only compute: write in the event or lease itself.`,
    )
  }

  /** What stands under a key now, reached: a container is given as its node. */
  abstract reach(key: Key): Stored
  /** Each key with what stands there, without making nodes. */
  abstract entries(): Iterable<readonly [Key, Stored]>
  /** What was written here, by its key now. */
  abstract slots(): Iterable<readonly [Key, Stored]>
  /** A test for whether a key of the base still shows what the base has there. */
  abstract intact(): (key: Key) => boolean
  /** A look-up of the key under which the content of a base key stands now; undefined where it is gone. */
  abstract keysNow(): (key: Key) => Key | undefined
  abstract clearOverlay(): void

  /** Where it stood when the draft began, from the root inwards. */
  path(): Key[] {
    const path: Key[] = []
    for (let node: DraftNode = this; node.parent !== undefined; node = node.parent) path.push(node.key)
    return path.reverse()
  }

  /** @param isPlain see `DraftContext` */
  markDirty(isPlain = false): void {
    if (!isPlain) this.context.isPlain = false
    if (this.dirty) return
    this.dirty = true
    this.context.written.push(this)
    this.markMoved()
  }

  /** Tells the containers that it stood in that something is to be seen here. */
  markMoved(): void {
    let child: DraftNode = this
    for (let node = this.parent; node !== undefined; node = node.parent) {
      node.touched ??= []
      if (child.#touchedIn === node.touched) return
      node.touched.push(child)
      child.#touchedIn = node.touched
      child = node
    }
  }

  /** Nothing in it differs from its base, all the way down. */
  get clean(): boolean {
    return !this.dirty && this.touched === undefined && !this.embeds
  }

  /** The nodes whose home is here and in which there is something to see. */
  *touchedAtHome(): Generator<DraftNode> {
    if (this.touched !== undefined) for (const child of this.touched) if (this.isHomeOf(child, child.key)) yield child
  }

  /** What stands under a key of the base: its node, made if need be. */
  fromBase(key: Key, value: unknown): Stored {
    if (typeof value !== 'object' || value === null) return value
    const known = this.children?.get(key)
    if (known !== undefined) return known
    if (value instanceof DraftNode) return value
    const node = this.context.nodeFor(value, this, key, this.fresh)
    if (node === undefined) return value
    node.shape = this.shape?.substates.get(key as string)
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
    return this.context.nodeFor(stored, this, undefined, true)
  }

  isHomeOf(stored: Stored, key: Key): boolean {
    return stored instanceof DraftNode && stored.parent === this && this.children?.get(key) === stored
  }
}

/** What a recipe gets for what a slot holds. */
export function exposed(stored: Stored): unknown {
  return stored instanceof DraftNode ? stored.proxy : stored
}

// A cycle that a recipe closed would be walked for ever.
const MAX_DEPTH = 1_000

/** Plain data of what stands in a slot: the data of the state itself where nothing was written, a copy elsewhere. */
export function plainOfStored(context: DraftContext, stored: Stored, depth = 0): unknown {
  if (typeof stored !== 'object' || stored === null) return stored
  if (depth > MAX_DEPTH) throw circular([])
  if (!(stored instanceof DraftNode)) {
    const kind = containerKind(stored)
    if (kind === undefined || context.embedding?.has(stored) !== true) return stored
    return build(context, kind, entriesOf(kind, stored), depth)
  }
  if (stored.clean) return stored.base
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
  let embeds = false
  for (const item of valuesIn(kind, value as object)) {
    if (typeof item === 'object' && item !== null && markEmbedding(context, item)) embeds = true
  }
  if (embeds) {
    context.embedding ??= new Set()
    context.embedding.add(value as object)
  }
  return embeds
}
