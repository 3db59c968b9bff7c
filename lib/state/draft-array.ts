/*
 * Drafts of arrays: a piece table over the elements of the base.
 */

import type { ArrayPart } from './array-proxy.js'
import type { Stored } from './draft-node.js'
import { DraftNode, exposed } from './draft-node.js'
import type { Key } from './mutation.js'
import { partOf } from './part.js'
import { PieceTable } from './piece-table.js'
import { RawPart } from './raw-part.js'

export class ArrayNode extends DraftNode implements ArrayPart {
  get kind(): 'array' {
    return 'array'
  }
  table: PieceTable | undefined

  get #array(): unknown[] {
    return this.base as unknown[]
  }

  get size(): number {
    return this.table === undefined ? this.#array.length : this.table.length
  }

  has(key: Key): boolean {
    return typeof key === 'number' && key < this.size
  }

  keys(): Iterable<Key> {
    return Array(this.size).keys()
  }

  at(index: number): unknown {
    return exposed(this.reach(index))
  }

  search(method: 'indexOf' | 'lastIndexOf', sought: unknown, from: readonly number[]): number {
    const part = partOf(sought)
    // A row of `store.state`, of `task.state` or of a snapshot stands where its data does: a node may lie over that by now.
    const container = part instanceof RawPart ? part.raw : (part ?? sought)
    const items = Array.from({ length: this.size }, (_, i) => {
      const stored = this.peek(i)
      return stored instanceof DraftNode && stored !== part && !stored.fresh ? stored.base : stored
    })
    return items[method](container, ...(from as [number])) // a second argument counts by being there
  }

  /** What stands at an index; undefined outside. */
  reach(key: Key): Stored {
    const index = key as number
    if (index >= this.size) return undefined
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

  override set(key: Key, value: unknown): void {
    if (Object.is(this.peek(key as number), value)) return // also for a leaf, of which a copy would be another one
    this.put(key as number, this.context.toStored(value, this, key))
  }

  override splice(index: number, remove: number, values: readonly unknown[]): void {
    this.insert(
      index,
      remove,
      values.map((value, i) => this.context.toStored(value, this, index + i)),
    )
  }

  override reorder(order: readonly number[]): void {
    this.arrange(order, [])
  }

  put(index: number, stored: Stored): void {
    if (Object.is(this.peek(index), stored)) return
    if (stored instanceof DraftNode) stored.markMoved()
    this.#write().set(index, stored)
  }

  insert(index: number, remove: number, values: readonly Stored[]): void {
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
    for (let i = 0; i < this.size; i++) yield [i, this.peek(i)]
  }

  *slots(): Generator<readonly [Key, Stored]> {
    if (this.table === undefined) return
    let index = 0
    for (const run of this.table.runs()) {
      if (run.start >= 0) index += run.length
      else for (const value of this.table.valuesOf(run)) yield [index++, value]
    }
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
