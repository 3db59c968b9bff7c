/*
 * Drafts: what handlers and lease holders write on.
 *
 * - A draft never touches the tree. It is an overlay; a rollback is dropping it, and nobody else can see half a change.
 * - `changes` says what was written as mutations, from the base to the end: a write that was taken back is none.
 * - Once closed, any use of any part of it throws what it was closed with.
 */

import type { Change, WrittenFields } from './change.js'
import { MIN_COLUMN, recordColumns, spread } from './change.js'
import { containerKind } from './container-kind.js'
import type { StateShape } from './define-state.js'
import { ArrayNode } from './draft-array.js'
import { ChangeRecorder, Placement } from './draft-changes.js'
import { KeyedNode, MapNode, ObjectNode } from './draft-keyed.js'
import type { DraftContext, Stored } from './draft-node.js'
import { DraftNode, markEmbedding } from './draft-node.js'
import { SetNode } from './draft-set.js'
import { keepShape } from './keep-shape.js'
import type { Key, Mutation, Path } from './mutation.js'
import { partOf } from './part.js'
import type { Slots } from './slots.js'
import type { Adopt } from './values.js'
import { copyIn, isPrimitive } from './values.js'

/** See the head of the file. */
export interface Draft {
  /** What a handler or lease holder writes on. */
  readonly state: object
  /**
   * The mutations that lead from the base to what was written. Leaves the draft as it is.
   * @throws InvalidMutationError for a container that was put inside itself
   */
  changes(): readonly Mutation[]
  /** The same, with fields that were written in many rows as columns. */
  batch(): readonly Change[]
  /** Until `proceed` is called nothing may be written; who tries is told `why`. */
  hold(why: string): void
  proceed(): void
  /** From now on any use of a proxy of this draft throws what `why` gives. An error costs as much as an event: it is made if needed. */
  close(why: () => Error): void
}

const kinds = { object: ObjectNode, array: ArrayNode, map: MapNode, set: SetNode }

/**
 * Opens a draft over the data of a tree.
 * @param shape of the state, or of the scope to which the draft is limited
 * @param root must not change while the draft is open, but for what `rebase` is told
 * @param adopt asked about each proxy of another part of the library that is written: gives a container that is taken as it is, and
 *   that nobody changes, or undefined for a copy
 */
export function createDraft(shape: StateShape, root: Record<string, unknown>, adopt?: Adopt): Draft {
  return new OverlayDraft(shape, root, adopt)
}

/** A draft, which is what its nodes share. */
class OverlayDraft implements Draft, DraftContext {
  closed: (() => Error) | undefined
  evaluating = 0
  held: string | undefined
  embedding: Set<object> | undefined
  written: DraftNode[] = []
  isPlain = true
  readonly #root: ObjectNode
  readonly #adopt: Adopt | undefined

  constructor(shape: StateShape, root: Record<string, unknown>, adopt: Adopt | undefined) {
    this.#adopt = adopt
    this.#root = new ObjectNode(this, root, undefined, undefined, false)
    this.#root.shape = shape
  }

  get state(): object {
    return this.#root.proxy
  }

  changes(): readonly Mutation[] {
    return spread(this.batch())
  }

  batch(): readonly Change[] {
    const root = this.#root
    if (this.isPlain) {
      const changes: Change[] = []
      recordFields(root, [], changes)
      return changes
    }
    const recorder = new ChangeRecorder(this, new Placement(this, root))
    recorder.record(root, [])
    return recorder.mutations
  }

  hold(why: string): void {
    this.held = why
  }

  proceed(): void {
    this.held = undefined
  }

  close(why: () => Error): void {
    if (this.closed !== undefined) return
    this.closed = why
    // Nothing can be done with a part of it that somebody has kept, so the data goes.
    this.written = []
    this.embedding = undefined
    this.#root.forget()
  }

  nodeFor(base: object, parent: DraftNode | undefined, key: Key, fresh: boolean): DraftNode | undefined {
    const kind = containerKind(base)
    return kind && new kinds[kind](this, base, parent, key, fresh)
  }

  toStored(value: unknown, holder: DraftNode, key: Key): Stored {
    if (isPrimitive(value)) return value
    const own = ownNode(this, value)
    if (own !== undefined) return own
    let adopted = false
    const copy = copyIn(value, [...holder.path(), key], (proxy) => {
      const node = ownNode(this, proxy)
      if (node !== undefined) {
        node.markMoved()
        adopted = true
      }
      return node ?? this.#adopt?.(proxy)
    })
    if (adopted) markEmbedding(this, copy)
    return copy
  }
}

const specimen = new OverlayDraft({} as StateShape, {}, undefined)
keepShape(specimen, new ArrayNode(specimen, [], undefined, undefined, false))

/**
 * Records what was written in a node of a plain draft, and in those within it: nothing has moved or gone, and there is nothing to be found
 * out first.
 */
function recordFields(node: DraftNode, path: Path, changes: Change[]): void {
  if (node.touched !== undefined) {
    const fields: WrittenFields | undefined =
      node.kind === 'array' && node.touched.length >= MIN_COLUMN ? new Map() : undefined
    for (const child of node.touched) {
      const isRow = fields !== undefined && child instanceof ObjectNode && child.touched === undefined
      if (!isRow) recordFields(child, [...path, child.key], changes)
      else if (child.changed !== undefined) collect(child.key as number, child.changed, fields)
    }
    if (fields !== undefined) recordColumns(path, fields, changes)
  }
  if (!(node instanceof KeyedNode) || node.changed === undefined) return
  for (const [key, value] of node.changed) changes.push({ op: 'set', path: [...path, key], value })
}

function collect(index: number, changed: Slots, fields: WrittenFields): void {
  for (const [key, value] of changed) {
    let column = fields.get(key as string) // of an object
    if (column === undefined) {
      column = { indexes: [], values: [] }
      fields.set(key as string, column)
    }
    column.indexes.push(index)
    column.values.push(value)
  }
}

function ownNode(context: DraftContext, value: unknown): DraftNode | undefined {
  const part = partOf(value)
  return part instanceof DraftNode && part.context === context ? part : undefined
}

/** The node behind a part of a draft. */
export function nodeBehind(state: object): DraftNode {
  const part = partOf(state)
  if (part instanceof DraftNode) return part
  throw new TypeError('This is done on a draft, and was tried on something else.')
}
