/*
 * The tree: one copy of a state, with versions, snapshots and a change log.
 *
 * - `apply` is the one way to change it, in one turn, by mutations that a draft recorded on this very version.
 * - Small containers are copied when a commit writes them. Large ones, and the root, are written in place unless a snapshot,
 *   or a mutation that was shown, has let somebody see them since their last copy: then one shallow copy, once.
 * - What was shown never changes: snapshots, and the mutations and inverses of commits.
 * - The change log keeps mutations. A place that took a value too large to keep unchanged is sent as it is now instead.
 *
 * One file, for one rule: who may write in place what somebody may have seen.
 */

import { InvalidMutationError } from '../errors.js'
import type { Change, ColumnMutation } from './change.js'
import type { ChangeLog, Changes } from './change-log.js'
import { containerKind } from './container-kind.js'
import { fillRefs, inverseArrange, putEntry, sizeOf, spliceArray } from './containers.js'
import type { StateShape } from './define-state.js'
import type { Key, Path, Ref } from './mutation.js'
import { formatPath, valueBrought } from './mutation.js'
import { showSnapshot } from './snapshot.js'
import { entryOf, isLarge, shallowCopy } from './values.js'
import { everyContainer } from './walk.js'

/** Follows a batch into the tree, mutation by mutation. */
export interface TreeObserver {
  /**
   * Before the first mutation of a batch with refs: the containers along `path` were made writable, perhaps by copying.
   * `chain[0]` is the root, `chain[i]` the container at `path.slice(0, i)`.
   */
  owned(path: Path, chain: readonly object[]): void
  /**
   * One mutation was applied. `chain[0]` is the root, its last the container that was written in, or the array of a column; `cleared`
   * is, for `clear`, a container with what was in that one, and `size` how large the container was then, where it is told later.
   */
  wrote(mutation: Change, chain: object[], cleared: object | undefined, size?: number): void
}

/** Options of {@link StateTree.apply}. */
export interface ApplyOptions {
  readonly observer?: TreeObserver | undefined
  /** The mutations are shown to somebody: what they hold stays as it is, and the inverse is made. @default false */
  readonly shown?: boolean
}

/** Options of a new tree. */
export interface TreeOptions {
  readonly version?: number
  /** Notes each commit for replicas. @default none */
  readonly log?: ChangeLog | undefined
}

/** Shared by the batches without refs; nothing is ever put into it. */
const NONE_MOVED = new Map<Ref, unknown>()

export class StateTree {
  readonly shape: StateShape
  #root: Record<string, unknown>
  #version: number
  readonly #log: ChangeLog | undefined
  /** The version that was shown whole since it was made. */
  #shownVersion = -1
  // A large container may be written in place if its stamp is not older than the last time everything was shown.
  #shownEpoch = 0
  #stamps = new WeakMap<object, number>()
  /** The same stamp for the root, which nobody has but by being shown everything. */
  #rootStamp = 0
  /** The containers that this batch has copied: they are written in place for the rest of it. Not kept for a single mutation, unless somebody was shown something. */
  #owned: Set<object> | undefined
  /** What the last `clear` of the batch has taken out. */
  #cleared: object | undefined
  /** Of a fork: the large containers that it has copied. */
  #made: object[] | undefined
  readonly #snapshots = new Map<boolean, Record<string, unknown>>()
  #copies = 0

  constructor(shape: StateShape, root: Record<string, unknown>, options: TreeOptions = {}) {
    this.shape = shape
    this.#root = root
    this.#version = options.version ?? 0
    this.#log = options.log
  }

  /** The data itself, backend fields too. Never to be written to. */
  get root(): Record<string, unknown> {
    return this.#root
  }

  get version(): number {
    return this.#version
  }

  /** How many containers were copied so far, for tests that hold the cost of a write. */
  get copiesForTesting(): number {
    return this.#copies
  }

  /**
   * Applies a batch as one new version.
   * @param mutations recorded by a draft on the present version
   * @returns the new version, and the mutations that lead back (empty unless `shown`)
   */
  apply(mutations: readonly Change[], options: ApplyOptions = {}): { version: number; inverse: Change[] } {
    const shown = options.shown ?? false
    const inverse = this.#applyBatch(mutations, options.observer, shown)
    this.#version += 1
    for (const mutation of mutations) this.#keepValues(mutation, shown)
    this.#log?.add(mutations)
    return { version: this.#version, inverse }
  }

  /**
   * Plain data at the present version, with the getters of the state, not enumerable. Free to take; the first later change
   * of a container that it shows pays one shallow copy of that container. Frozen in development.
   * @param backend whether backend fields are in it
   */
  snapshot(backend: boolean): Record<string, unknown> {
    const known = this.#snapshots.get(backend)
    if (known !== undefined) return known
    this.hold()
    const snapshot = showSnapshot(this.shape, this.#root, backend)
    this.#snapshots.set(backend, snapshot)
    return snapshot
  }

  /**
   * What the tree holds now stays as it is for whoever has it: as with a snapshot, the first later change of a container pays
   * one shallow copy of it.
   */
  hold(): void {
    if (this.#shownVersion === this.#version) return
    this.#shownVersion = this.#version
    this.#shownEpoch += 1
  }

  /**
   * A part of what the tree holds stays as it is for whoever has it: the next change of a container in it pays one shallow copy
   * of that container. Costs a look at each.
   */
  keep(part: unknown): void {
    everyContainer(part, (container) => {
      if (isLarge(container)) this.#stamps.set(container, -1)
      return true
    })
  }

  /**
   * A tree beside this one, over the same data. What is written in it is copied first, once, so this one does not change, and
   * dropping the fork is the rollback. It keeps no log.
   */
  fork(): StateTree {
    const fork = new StateTree(this.shape, this.#root, { version: this.#version })
    fork.#shownEpoch = 1
    fork.#made = []
    return fork
  }

  /**
   * Takes over, as one new version, what a fork of this tree has in the top-level fields that were written in it. Costs what
   * looking at each mutation costs.
   * @param fork those fields were written in it alone since it was made
   * @param mutations all that the fork has applied
   */
  merge(fork: StateTree, mutations: readonly Change[]): number {
    this.#forgetSnapshots()
    const root = this.#writableRoot()
    for (const { path } of mutations) {
      const field = path[0] as string
      if (root[field] !== fork.#root[field]) root[field] = fork.#root[field]
    }
    for (const container of fork.#made ?? []) this.#stamps.set(container, this.#shownEpoch)
    this.#version += 1
    for (const mutation of mutations) this.#keepValues(mutation, true)
    this.#log?.add(mutations)
    return this.#version
  }

  /** What brings a replica from `version` to the present one. */
  changesSince(version: number): Changes {
    if (version === this.#version) return { kind: 'none' }
    return this.#log?.since(version, this.#root) ?? { kind: 'state', root: this.#root }
  }

  /** Brings a replica to `version`. */
  receive(changes: Changes, version: number): void {
    if (changes.kind === 'state') {
      this.#root = changes.root
      this.#stamps = new WeakMap()
      this.#rootStamp = 0
      this.#shownEpoch = 0
      this.#shownVersion = -1
      this.#forgetSnapshots()
    } else if (changes.kind === 'batches') {
      for (const batch of changes.batches) this.#applyBatch(batch, undefined, false)
      for (const { path, value } of changes.whole) this.#applyBatch([{ op: 'set', path, value }], undefined, false)
    }
    this.#version = version
  }

  #applyBatch(mutations: readonly Change[], observer: TreeObserver | undefined, shown: boolean): Change[] {
    const inverse: Change[] = []
    let moved: Map<Ref, unknown> = NONE_MOVED
    this.#forgetSnapshots()
    if (mutations.length > 1 || this.#shownEpoch > 0) this.#owned = new Set()
    try {
      for (const mutation of mutations) {
        if (!('refs' in mutation) || mutation.refs === undefined) continue
        if (moved === NONE_MOVED) moved = new Map()
        this.#owned ??= new Set()
        for (const ref of mutation.refs) {
          const chain = this.#own(ref.from, ref.from.length)
          moved.set(ref, chain.at(-1))
          observer?.owned(ref.from, chain)
        }
      }
      for (const mutation of mutations) {
        this.#cleared = undefined
        const chain = this.#write(mutation, moved, shown ? inverse : undefined)
        observer?.wrote(mutation, chain, this.#cleared)
      }
    } finally {
      if (this.#owned !== undefined && this.#shownEpoch > 0) this.#stampGrown(this.#owned)
      this.#owned = undefined
      this.#cleared = undefined
    }
    // What moved is still alive, while the inverse shows the container it was taken from.
    if (shown && moved.size > 0) this.#shownEpoch += 1
    return inverse.reverse()
  }

  #forgetSnapshots(): void {
    if (this.#snapshots.size > 0) this.#snapshots.clear()
  }

  /** Makes the containers along a path writable and gives them, the root first. */
  #own(path: Path, length: number): object[] {
    let holder: object = this.#writableRoot()
    const chain: object[] = [holder]
    for (let i = 0; i < length; i++) {
      const key = path[i] as Key
      const child = entryOf(holder, key)
      if (containerKind(child) === undefined) {
        throw new InvalidMutationError(
          `The path ${formatPath(path)} leads nowhere: ${formatPath(path.slice(0, i + 1))} has no parts.`,
        )
      }
      const writable = this.#writable(child as object)
      if (writable !== child) putEntry(holder, key, writable)
      holder = writable
      chain.push(holder)
    }
    return chain
  }

  #writableRoot(): Record<string, unknown> {
    if (this.#rootStamp < this.#shownEpoch) {
      this.#root = shallowCopy(this.#root)
      this.#copies += 1
      this.#rootStamp = this.#shownEpoch
    }
    return this.#root
  }

  /** What was small when this batch copied it, and is large now, has been seen by nobody. */
  #stampGrown(owned: ReadonlySet<object>): void {
    for (const container of owned) {
      if (!isLarge(container) || this.#stamps.has(container)) continue
      this.#stamps.set(container, this.#shownEpoch)
      this.#made?.push(container)
    }
  }

  #writable(container: object): object {
    if (this.#owned?.has(container) === true) return container
    if (isLarge(container) && (this.#stamps.get(container) ?? 0) >= this.#shownEpoch) {
      this.#owned?.add(container) // also when it shrinks below that size: a ref may have found this very container
      return container
    }
    const copy = shallowCopy(container)
    this.#copies += 1
    this.#owned?.add(copy)
    if (this.#shownEpoch > 0 && isLarge(copy)) {
      this.#stamps.set(copy, this.#shownEpoch)
      this.#made?.push(copy)
    }
    return copy
  }

  #writeColumn({ path, field, indexes, values }: ColumnMutation, inverse: Change[] | undefined): object[] {
    const chain = this.#own(path, path.length)
    const rows = chain.at(-1) as Record<string, unknown>[]
    if (inverse !== undefined) {
      const before = Array.from(indexes, (index) => rows[index]?.[field])
      inverse.push({ op: 'column', path, field, indexes, values: before })
    }
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i] as number
      let row = rows[index] as Record<string, unknown>
      if (isLarge(row)) row = this.#writable(row) as typeof row
      else {
        // One more copy of a small row costs less than to remember that it is one.
        row = shallowCopy(row)
        this.#copies += 1
      }
      row[field] = values[i]
      rows[index] = row
    }
    return chain
  }

  #write(mutation: Change, moved: ReadonlyMap<Ref, unknown>, inverse: Change[] | undefined): object[] {
    const { path } = mutation
    switch (mutation.op) {
      case 'set':
      case 'delete': {
        const chain = this.#own(path, path.length - 1)
        const holder = chain.at(-1) as object
        const key = path.at(-1) as Key
        const had = holder instanceof Map ? holder.has(key) : Object.hasOwn(holder, key as string)
        if (had) inverse?.push({ op: 'set', path, value: entryOf(holder, key) })
        else inverse?.push({ op: 'delete', path })
        if (mutation.op === 'set') putEntry(holder, key, fillRefs(mutation.value, mutation.refs, moved))
        else if (holder instanceof Map) holder.delete(key)
        else delete (holder as Record<string, unknown>)[key as string]
        return chain
      }
      case 'column':
        return this.#writeColumn(mutation, inverse)
      case 'splice': {
        const chain = this.#own(path, path.length)
        const array = chain.at(-1) as unknown[]
        const { index, remove } = mutation
        const values = fillRefs(mutation.values, mutation.refs, moved) as unknown[]
        const removed = spliceArray(array, index, remove, values)
        inverse?.push({ op: 'splice', path, index, remove: values.length, values: removed })
        return chain
      }
      case 'arrange': {
        const chain = this.#own(path, path.length)
        const array = chain.at(-1) as unknown[]
        const values = fillRefs(mutation.values, mutation.refs, moved) as unknown[]
        const before = array.slice()
        let next = 0
        array.length = mutation.keep.length
        for (let i = 0; i < array.length; i++) {
          const from = mutation.keep[i] as number
          array[i] = from < 0 ? values[next++] : before[from]
        }
        inverse?.push(inverseArrange(path, mutation.keep, before))
        return chain
      }
      case 'move': {
        const chain = this.#own(path, path.length)
        const array = chain.at(-1) as unknown[]
        array.splice(mutation.at, 0, ...array.splice(mutation.from, 1))
        inverse?.push({ op: 'move', path, at: mutation.from, from: mutation.at })
        return chain
      }
      case 'add':
      case 'remove': {
        const chain = this.#own(path, path.length)
        const members = chain.at(-1) as Set<unknown>
        if (mutation.op === 'add') members.add(mutation.value)
        else members.delete(mutation.value)
        inverse?.push({ op: mutation.op === 'add' ? 'remove' : 'add', path, value: mutation.value })
        return chain
      }
      case 'clear': {
        const chain = this.#own(path, path.length - 1)
        const holder = chain.at(-1) as object
        const key = path.at(-1) as Key
        const old = entryOf(holder, key) as Map<unknown, unknown> | Set<unknown>
        this.#cleared = old
        let empty = old
        if ([...moved.values()].includes(old)) {
          // It is to arrive empty, or has arrived already: it was made writable for that.
          this.#cleared = shallowCopy(old)
          old.clear()
        } else {
          // A fresh container costs nothing, whoever sees the old one; and the old one is what the inverse needs.
          empty = old instanceof Map ? new Map() : new Set()
          this.#owned?.add(empty)
          putEntry(holder, key, empty)
        }
        inverse?.push({ op: 'set', path, value: this.#cleared })
        chain.push(empty)
        return chain
      }
    }
  }

  /** Sees to it that the values of a mutation stay what they are for those who keep it. */
  #keepValues(mutation: Change, shown: boolean): void {
    if (mutation.op === 'column') return // primitives
    if (this.#log === undefined && !shown && this.#shownEpoch === 0) return
    const value = valueBrought(mutation)
    if (typeof value !== 'object' || value === null) return
    const limits = shown ? undefined : this.#log?.limits
    const large: object[] = []
    let count = 0
    const complete = everyContainer(value, (container) => {
      count += 1
      if (isLarge(container)) {
        large.push(container)
        this.#stamps.set(container, this.#shownEpoch) // it is new: no earlier snapshot shows it
      }
      return limits === undefined || (count <= limits.keptContainers && sizeOf(container) <= limits.keptElements)
    })
    if (complete && (shown || this.#log !== undefined)) for (const container of large) this.#stamps.set(container, -1)
    else this.#log?.sendWhole(mutation.path)
  }
}
