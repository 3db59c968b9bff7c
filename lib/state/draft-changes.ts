/*
 * From a written draft to mutations.
 *
 * - Two walks. The first goes over the state as written and finds where each container is now: at home, moved (it left its
 *   home for one other place), or gone. The second goes over the state as it was, innermost first, and compares.
 * - Innermost first, every path still holds when its mutation is applied. Refs name places before the batch.
 * - A container that is still at home, or has moved already, is copied by value into every further place.
 * - An array built from rows of the array that it replaces (a filter assigned to its place) rearranges that array.
 */

import type { Kept } from './array-changes.js'
import { compareArray } from './array-changes.js'
import { containerKind } from './container-kind.js'
import { ArrayNode } from './draft-array.js'
import { KeyedNode, MapNode } from './draft-keyed.js'
import type { DraftContext, Stored } from './draft-node.js'
import { circular, DraftNode, entriesOf, plainFrom, plainOfStored } from './draft-node.js'
import { SetNode } from './draft-set.js'
import type { Key, Mutation, Path, Ref } from './mutation.js'
import { copyIn } from './values.js'

let passes = 0

/** What the first walk found: which nodes are in the state as written, and where. */
export class Placement {
  readonly pass: number
  readonly #context: DraftContext

  constructor(context: DraftContext, root: DraftNode) {
    this.pass = ++passes
    this.#context = context
    this.#visit(root, true, undefined)
  }

  /** Of nodes that were touched, or have touched ones in them; the others are where they were. */
  isAlive(node: DraftNode): boolean {
    return node.mark?.pass === this.pass
  }

  /** True where a container has left its home and this is the one place that it went to. */
  movedTo(node: DraftNode, holder: object): boolean {
    const { mark } = node
    return !node.fresh && mark?.pass === this.pass && !mark.atHome && mark.holder === holder
  }

  #visit(node: DraftNode, atHome: boolean, holder: object | undefined): void {
    const known = node.mark
    if (known?.pass === this.pass) {
      if (known.isOpen) throw circular(node.path())
      if (atHome) known.atHome = true
      return
    }
    const mark = { pass: this.pass, isOpen: false, atHome, holder }
    node.mark = mark
    // Clean all the way down: everything in it is at home.
    if (node.clean) return
    mark.isOpen = true
    this.#visitChildren(node)
    if (node.embeds) this.#visitFresh(node.base, node)
    if (node.dirty) for (const [, stored] of node.slots()) this.#visitStored(stored, node)
    mark.isOpen = false
  }

  #visitChildren(node: DraftNode): void {
    if (node.children === undefined) return
    const intact = node.intact()
    if (node.fresh) {
      // What has left the state may still show what has stayed, or gone back.
      for (const [key, child] of node.children) {
        if (intact(key)) this.#visit(child, child.parent === node, child.parent === node ? undefined : node)
      }
    } else if (node.touched !== undefined) {
      for (const child of node.touchedAtHome()) if (intact(child.key)) this.#visit(child, true, undefined)
    }
  }

  #visitStored(stored: Stored, holder: object): void {
    if (typeof stored !== 'object' || stored === null) return
    if (stored instanceof DraftNode) this.#visit(stored, false, holder)
    else if (this.#context.embedding?.has(stored) === true) this.#visitFresh(stored, stored)
  }

  /** A fresh container that holds nodes: `holder` is what they are said to be in. */
  #visitFresh(fresh: object, holder: object): void {
    const kind = containerKind(fresh)
    if (kind === undefined || kind === 'set') return
    const intact = holder instanceof DraftNode ? holder.intact() : undefined
    for (const [key, stored] of entriesOf(kind, fresh)) {
      if (typeof stored !== 'object' || stored === null || intact?.(key) === false) continue
      if (holder instanceof DraftNode && holder.children?.has(key) === true) continue // visited as a child
      this.#visitStored(stored, holder)
    }
  }
}

/** Records what leads from the base of a draft to what was written. */
export class ChangeRecorder {
  readonly mutations: Mutation[] = []
  readonly #context: DraftContext
  readonly #placement: Placement
  // Refs are used once, and fresh data goes into one place by reference: a second place gets a copy.
  readonly #used = new Set<object>()

  constructor(context: DraftContext, placement: Placement) {
    this.#context = context
    this.#placement = placement
  }

  record(node: DraftNode, path: Path): void {
    if (node.touched !== undefined) {
      for (const child of node.touchedAtHome()) if (!child.clean) this.record(child, [...path, child.key])
    }
    if (!node.dirty || !this.#placement.isAlive(node)) return
    if (node instanceof KeyedNode) this.#recordKeyed(node, path)
    else if (node instanceof SetNode) this.#recordSet(node, path)
    else if (node instanceof ArrayNode) this.#recordArray(node, path)
  }

  #recordKeyed(node: KeyedNode, path: Path): void {
    if (node.cleared && node instanceof MapNode && (node.base as Map<Key, unknown>).size > 0) {
      this.mutations.push({ op: 'clear', path })
    }
    if (node.changed !== undefined) {
      for (const [key, stored] of node.changed) {
        if (!this.#recordRearranged(node, key, stored, path)) this.#recordSetKey([...path, key], stored, node)
      }
    }
    if (node.deleted !== undefined) {
      for (const key of node.deleted) this.mutations.push({ op: 'delete', path: [...path, key] })
    }
    if (node.added !== undefined) {
      for (const [key, stored] of node.added) this.#recordSetKey([...path, key], stored, node)
    }
  }

  #recordSetKey(path: Path, stored: Stored, holder: DraftNode): void {
    const { value, refs } = this.#value(stored, holder)
    this.mutations.push({ op: 'set', path, value, ...refs })
  }

  /** An array assigned over the array whose rows it holds. */
  #recordRearranged(node: KeyedNode, key: Key, stored: Stored, path: Path): boolean {
    const old = node.children?.get(key)
    if (!(old instanceof ArrayNode) || old.parent !== node || this.#placement.isAlive(old)) return false
    const kind = stored instanceof DraftNode ? (stored.fresh ? stored.kind : undefined) : containerKind(stored)
    if (kind !== 'array') return false
    const items = Array.from(
      stored instanceof DraftNode ? stored.entries() : (stored as unknown[]).entries(),
      ([, item]) => item,
    )
    const holder = stored as object
    const keep: Kept[] = items.map((item) => this.#keptFrom(item, old, holder))
    if (!keep.some((kept) => typeof kept === 'number')) return false
    if (stored instanceof DraftNode) this.#used.add(stored)
    // The tree may carry this out in the array itself, and who holds the old one goes on seeing what it was.
    old.base = (old.base as unknown[]).slice()
    this.#pushArray([...path, key], old, keep, holder)
    return true
  }

  /** A row that has moved inside an array is named by its index before; anything else is a value. */
  #keptFrom(item: Stored, array: ArrayNode, holder: object): Kept {
    if (
      item instanceof DraftNode &&
      item.parent === array &&
      !this.#used.has(item) &&
      this.#placement.movedTo(item, holder)
    ) {
      this.#used.add(item)
      return item.key as number
    }
    return { value: item }
  }

  #recordArray(node: ArrayNode, path: Path): void {
    if (node.table === undefined) return
    const kept: (Kept | { start: number; length: number })[] = []
    for (const run of node.table.runs()) {
      if (run.start >= 0) kept.push(run)
      else for (const item of node.table.valuesOf(run)) kept.push(this.#keptFrom(item, node, node))
    }
    this.#pushArray(path, node, kept, node)
  }

  #pushArray(
    path: Path,
    array: ArrayNode,
    kept: readonly (Kept | { start: number; length: number })[],
    holder: object,
  ): void {
    const base = array.base as unknown[]
    compareArray(base, kept, {
      same: (index, stored) => Object.is(base[index], stored),
      set: (index, stored) => {
        const { value, refs } = this.#value(stored, holder)
        this.mutations.push({ op: 'set', path: [...path, index], value, ...refs })
      },
      splice: (index, remove, stored) => {
        this.mutations.push({ op: 'splice', path, index, remove, ...this.#values(stored, holder) })
      },
      move: (from, at) => this.mutations.push({ op: 'move', path, at, from }),
      arrange: (keep, stored) => this.mutations.push({ op: 'arrange', path, keep, ...this.#values(stored, holder) }),
    })
  }

  #recordSet(node: SetNode, path: Path): void {
    if (node.cleared && (node.base as Set<Key>).size > 0) this.mutations.push({ op: 'clear', path })
    for (const value of node.deleted ?? []) this.mutations.push({ op: 'remove', path, value })
    for (const value of node.added ?? []) this.mutations.push({ op: 'add', path, value })
  }

  #value(stored: Stored, holder: object): { value: unknown; refs: { refs?: Ref[] } } {
    const refs: Ref[] = []
    const value = this.#content(stored, holder, [], refs)
    return { value, refs: refs.length === 0 ? {} : { refs } }
  }

  #values(stored: readonly Stored[], holder: object): { values: unknown[]; refs?: Ref[] } {
    const refs: Ref[] = []
    const values = stored.map((item, i) => this.#content(item, holder, [i], refs))
    return refs.length === 0 ? { values } : { values, refs }
  }

  /** The content of a slot at the end of the batch; `at` is its place in the value, where refs are noted. */
  #content(stored: Stored, holder: object, at: Path, refs: Ref[]): unknown {
    if (typeof stored !== 'object' || stored === null) return stored
    if (!(stored instanceof DraftNode)) {
      if (this.#context.embedding?.has(stored) !== true) return stored
      const kind = containerKind(stored) as NonNullable<ReturnType<typeof containerKind>>
      return plainFrom(kind, entriesOf(kind, stored), (item, key) => this.#content(item, stored, [...at, key], refs))
    }
    const again = this.#used.has(stored)
    if (!stored.fresh) {
      if (again || !this.#placement.movedTo(stored, holder)) return this.#copy(stored)
      this.#used.add(stored)
      refs.push({ at, from: stored.path() })
      return undefined
    }
    if (again || stored.detached) return this.#copy(stored)
    this.#used.add(stored)
    if (stored.clean) return stored.base
    return plainFrom(stored.kind, stored.entries(), (item, key) => this.#content(item, stored, [...at, key], refs))
  }

  #copy(stored: DraftNode): unknown {
    return copyIn(plainOfStored(this.#context, stored), stored.path())
  }
}
