/*
 * Drafts of objects and maps: keys in an order, with a value each.
 *
 * - A key that was deleted and set again stands at the end, as in plain JavaScript; one that was changed keeps its place.
 */

import { ImmutableStateError, InvalidMutationError } from '../errors.js'
import type { Stored } from './draft-node.js'
import { DraftNode } from './draft-node.js'
import { LiveKeys } from './live-keys.js'
import type { Key } from './mutation.js'
import { refuse } from './proxy-traps.js'
import { assertInScope } from './scope.js'
import { Slots } from './slots.js'
import { isPrimitive, isReservedKey } from './values.js'

/** Records and maps: keys in an order, with a value each. */
export abstract class KeyedNode extends DraftNode {
  changed: Slots | undefined
  added: Map<Key, Stored> | undefined
  deleted: Set<Key> | undefined
  /** Nothing of the base is left. */
  cleared = false
  protected live: LiveKeys | undefined

  abstract baseHas(key: Key): boolean
  abstract baseGet(key: Key): unknown
  abstract baseKeys(): Iterable<Key>

  #inBase(key: Key): boolean {
    return !this.cleared && this.deleted?.has(key) !== true && this.baseHas(key)
  }

  has(key: Key): boolean {
    return this.added?.has(key) === true || this.#inBase(key)
  }

  reach(key: Key): Stored {
    if (this.added?.has(key) === true) return this.#reachSlot(this.added, key)
    if (!this.#inBase(key)) return undefined
    if (this.changed?.has(key) === true) return this.#reachSlot(this.changed, key)
    return this.fromBase(key, this.baseGet(key))
  }

  #reachSlot(slots: Map<Key, Stored> | Slots, key: Key): Stored {
    const stored = slots.get(key)
    const node = this.wrap(stored)
    if (node === undefined) return stored
    slots.set(key, node)
    return node
  }

  /** What stands under a key that is there, without making a node. */
  peek(key: Key): Stored {
    if (this.added?.has(key) === true) return this.added.get(key)
    if (this.changed?.has(key) === true) return this.changed.get(key)
    return this.peekBase(key, this.baseGet(key))
  }

  override set(key: Key, value: unknown): void {
    // Also for a leaf, of which a copy would be another one.
    if (Object.is(this.peek(key), value) && this.has(key)) return
    this.put(key, this.context.toStored(value, this, key))
  }

  put(key: Key, stored: Stored): void {
    const present = this.has(key)
    if (present && Object.is(this.peek(key), stored)) return
    if (stored instanceof DraftNode) stored.markMoved()
    const before = this.baseGet(key)
    this.markDirty(present && !this.fresh && isPrimitive(stored) && isPrimitive(before))
    if (this.added?.has(key) === true || !present) {
      this.added ??= new Map()
      this.added.set(key, stored)
      if (!present) this.live?.append(key)
      return
    }
    if (this.isHomeOf(stored, key) || (!(stored instanceof DraftNode) && Object.is(before, stored)))
      this.changed?.delete(key)
    else {
      this.changed ??= new Slots()
      this.changed.set(key, stored)
    }
  }

  override delete(key: Key): boolean {
    if (!this.has(key)) return false
    this.live?.remove(key)
    if (this.added?.delete(key) === true) return true // the draft was not plain before
    this.markDirty()
    this.changed?.delete(key)
    this.deleted ??= new Set()
    this.deleted.add(key)
    return true
  }

  /** The keys in the order of their coming. */
  protected *keysInOrder(): Generator<Key> {
    if (!this.cleared) {
      for (const key of this.baseKeys()) if (this.deleted?.has(key) !== true) yield key
    }
    if (this.added !== undefined) yield* this.added.keys()
  }

  *entries(): Generator<readonly [Key, Stored]> {
    for (const key of this.keysInOrder()) yield [key, this.peek(key)]
  }

  *slots(): Generator<readonly [Key, Stored]> {
    if (this.changed !== undefined) yield* this.changed
    if (this.added !== undefined) yield* this.added
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
  get kind(): 'object' {
    return 'object'
  }
  get size(): number {
    return 0
  }

  baseHas(key: Key): boolean {
    return Object.hasOwn(this.base, key as string)
  }
  baseGet(key: Key): unknown {
    return (this.base as Record<string, unknown>)[key as string]
  }
  baseKeys(): Iterable<Key> {
    return Object.keys(this.base)
  }

  /** In JavaScript's order: array-like ones first, by number. */
  keys(): string[] {
    const keys = [...this.keysInOrder()] as string[]
    if (this.added === undefined || this.added.size === 0) return keys
    const order: Record<string, true> = {}
    for (const key of keys) order[key] = true
    return Object.keys(order)
  }

  override *entries(): Generator<readonly [Key, Stored]> {
    for (const key of this.keys()) yield [key, this.peek(key)]
  }

  override set(key: Key, value: unknown): void {
    if (isReservedKey(key)) refuse(this, 'This key', key as string)
    assertField(this, key)
    super.set(key, value)
  }
}

export class MapNode extends KeyedNode {
  get kind(): 'map' {
    return 'map'
  }

  baseHas(key: Key): boolean {
    return (this.base as Map<Key, unknown>).has(key)
  }
  baseGet(key: Key): unknown {
    return (this.base as Map<Key, unknown>).get(key)
  }
  baseKeys(): Iterable<Key> {
    return (this.base as Map<Key, unknown>).keys()
  }

  keys(): Iterable<Key> {
    this.live ??= new LiveKeys(this, this.cleared ? [] : this.baseKeys(), this.added?.keys())
    return this.live
  }

  get size(): number {
    return (
      (this.cleared ? 0 : (this.base as Map<Key, unknown>).size - (this.deleted?.size ?? 0)) + (this.added?.size ?? 0)
    )
  }

  override clear(): void {
    if (this.size === 0) return
    this.markDirty()
    this.cleared = true
    this.changed = undefined
    this.deleted = undefined
    this.added?.clear()
    this.live?.clear()
  }
}

/** The top level of a state is closed: only its fields can be written. */
export function assertField(node: DraftNode, key: Key): void {
  const { shape } = node
  const role = shape?.roles.get(key as string)
  if (shape === undefined || role === 'field') return
  assertInScope(shape, key)
  const { fullName } = shape.definition
  if (role === 'getter') {
    throw new ImmutableStateError(
      `"${String(key)}" is a getter of "${fullName}": write the fields that it computes from.`,
    )
  }
  throw new InvalidMutationError(
    role === 'substate'
      ? `"${String(key)}" is a substate of "${fullName}" and cannot be replaced: write its fields.`
      : `"${String(key)}" is not a field of "${fullName}". Its fields: ${[...shape.fields].join(', ')}. Declare it in defineState.`,
  )
}
