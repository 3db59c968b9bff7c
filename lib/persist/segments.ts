/*
 * Segments: a large container is stored in pieces, so that one changed entry rewrites one piece.
 *
 * - A piece is a run of entries in their order; which pieces there are, in which order, a directory says. So a splice in the
 *   middle leaves the pieces behind it as they are.
 * - Commits are followed by their mutations alone: what one costs here follows what it changes.
 */

import type { ContainerKind } from '../state/container-kind.js'
import type { Key, Mutation } from '../state/mutation.js'
import type { Dirty, Unit } from './dirty.js'

/** Containers with more entries are stored in segments… */
export const SPLIT_ABOVE = 1_000
/** …until they have fewer than these: one that wavers is not written anew each time. */
export const JOIN_BELOW = 500
/** Entries of a new segment. One changed row of a hundred bytes writes 25 kB, and 100,000 rows are 400 records. */
export const SEGMENT_SIZE = 256

/** What stands in the place of the value of a field that is stored in segments. Parallel lists: it is written often. */
export interface Directory {
  readonly kind: ContainerKind
  readonly ids: readonly number[]
  readonly lengths: readonly number[]
}

/** One piece. */
export interface Segment extends Unit {
  readonly id: number
  readonly length: number
}

/** Where segments belong: the field whose value they are. */
export interface SegmentOwner {
  readonly key: string
  readonly dirty: Dirty
  /** Of the segment that comes next: none is used again. */
  nextId: number
  /** The container as it is in a state. */
  valueIn(root: object): unknown
}

/** The segments of one container. */
export abstract class Segments<Piece extends Segment = Segment> {
  abstract readonly kind: ContainerKind
  /** In the order of what they hold. */
  protected list: Piece[] = []
  readonly owner: SegmentOwner

  constructor(owner: SegmentOwner) {
    this.owner = owner
  }

  /** How many entries they hold. */
  abstract readonly size: number

  /** Takes in all of a container that is not stored yet. */
  abstract split(container: object): void

  /**
   * Follows a mutation in the container.
   * @param depth the length of the container's path
   * @returns whether the directory has changed
   */
  abstract follow(mutation: Mutation, depth: number): boolean

  /**
   * Puts a stored segment behind those before it, and what it holds into the container.
   * @param part a container of the same kind
   * @returns how many entries it has
   */
  abstract restore(container: object, id: number, part: object): number

  /** The keys in each, where it has keys. */
  get keyLists(): readonly (readonly Key[])[] | undefined {
    return undefined
  }

  get directory(): Directory {
    return { kind: this.kind, ids: this.list.map(({ id }) => id), lengths: this.list.map(({ length }) => length) }
  }

  /** None of them is to be stored any more. */
  dropAll(): void {
    for (const piece of this.list) this.owner.dirty.drop(piece)
    this.list = []
  }

  protected keyOf(id: number): string {
    return `${this.owner.key}/${id}`
  }

  /** A number that no segment has. */
  protected freshId(): number {
    return this.owner.nextId++
  }

  protected claimId(id: number): void {
    this.owner.nextId = Math.max(this.owner.nextId, id + 1)
  }

  protected write(piece: Piece): void {
    this.owner.dirty.write(piece)
  }
}
