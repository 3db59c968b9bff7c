/*
 * Drafts of sets: primitives in an order. A member that was deleted and added again stands at the end.
 */

import type { Stored } from './draft-node.js'
import { DraftNode } from './draft-node.js'
import { LiveKeys } from './live-keys.js'
import type { Key } from './mutation.js'

export class SetNode extends DraftNode {
  get kind(): 'set' {
    return 'set'
  }
  added: Set<Key> | undefined
  deleted: Set<Key> | undefined
  cleared = false
  #live: LiveKeys | undefined

  get #members(): Set<Key> {
    return this.base as Set<Key>
  }

  has(member: Key): boolean {
    if (this.added?.has(member) === true) return true
    return !this.cleared && this.deleted?.has(member) !== true && this.#members.has(member)
  }

  override add(member: Key): void {
    if (this.has(member)) return
    this.markDirty()
    this.added ??= new Set()
    this.added.add(member)
    this.#live?.append(member)
  }

  override delete(member: Key): boolean {
    if (!this.has(member)) return false
    this.#live?.remove(member)
    if (this.added?.delete(member) === true) return true
    this.markDirty()
    this.deleted ??= new Set()
    this.deleted.add(member)
    return true
  }

  override clear(): void {
    if (this.size === 0) return
    this.markDirty()
    this.cleared = true
    this.deleted = undefined
    this.added?.clear()
    this.#live?.clear()
  }

  get size(): number {
    return (this.cleared ? 0 : this.#members.size - (this.deleted?.size ?? 0)) + (this.added?.size ?? 0)
  }

  keys(): Iterable<Key> {
    this.#live ??= new LiveKeys(this, this.cleared ? [] : this.#members, this.added)
    return this.#live
  }

  *entries(): Generator<readonly [Key, Stored]> {
    if (!this.cleared) {
      for (const member of this.#members) if (this.deleted?.has(member) !== true) yield [member, member]
    }
    if (this.added !== undefined) for (const member of this.added) yield [member, member]
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
