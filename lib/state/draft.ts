/*
 * Drafts: what handlers and lease holders write on.
 *
 * - A draft never touches the tree. It is an overlay; a rollback is dropping it, and nobody else can see half a change.
 * - `changes` says what was written as mutations, from the base to the end: a write that was taken back is none.
 * - Once closed, any use of any part of it throws the error it was closed with.
 */

import type { StateShape } from './define-state.js'
import { ChangeRecorder, Placement } from './draft-changes.js'
import type { DraftContext, DraftNode, Stored } from './draft-node.js'
import { createNode, markEmbedding } from './draft-node.js'
import { createDraftProxy, nodeOf } from './draft-proxies.js'
import type { Key, Mutation } from './mutation.js'
import { copyIn } from './values.js'

/** See the head of the file. */
export interface Draft {
  /** What a handler or lease holder writes on. */
  readonly state: object
  /**
   * The mutations that lead from the base to what was written. Leaves the draft as it is.
   * @throws InvalidMutationError for a container that was put inside itself
   */
  changes(): Mutation[]
  /** From now on any use of a proxy of this draft throws `error`. */
  close(error: Error): void
}

/**
 * Opens a draft over the data of a tree.
 * @param root must not change while the draft is open, but for what `rebase` is told
 */
export function createDraft(shape: StateShape, root: Record<string, unknown>): Draft {
  const context: DraftContext = {
    closed: undefined,
    evaluating: 0,
    embedding: new WeakSet(),
    nodes: [],
    proxyOf: createDraftProxy,
    toStored: (value, holder, key) => toStored(context, value, holder, key),
  }
  const node = createNode(context, root, undefined, undefined, false)
  if (node === undefined) throw new TypeError('The root of a state is an object.')
  node.shape = shape
  return {
    state: node.proxy,
    changes() {
      const recorder = new ChangeRecorder(context, new Placement(context, node))
      recorder.record(node, [])
      return recorder.mutations
    },
    close(error) {
      context.closed ??= error
    },
  }
}

function toStored(context: DraftContext, value: unknown, holder: DraftNode, key: Key): Stored {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return value
  const own = ownNode(context, value)
  if (own !== undefined) return own
  let adopted = false
  const copy = copyIn(value, [...holder.path(), key], (proxy) => {
    const node = ownNode(context, proxy)
    if (node !== undefined) {
      node.markMoved()
      adopted = true
    }
    return node
  })
  if (adopted) markEmbedding(context, copy)
  return copy
}

function ownNode(context: DraftContext, value: unknown): DraftNode | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const node = (value as { readonly [nodeOf]?: DraftNode })[nodeOf]
  return node?.context === context ? node : undefined
}
