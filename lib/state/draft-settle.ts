/*
 * After a batch of a draft was applied and the draft goes on: every node that a recipe may still hold gets its container's
 * new place as its home.
 *
 * - A container that is in the state keeps its node, and so its proxy. Where it stands in two places, the node stays with
 *   the first; the other place has data of its own now.
 * - A container that has left the state becomes fresh: what is written on it is seen again if it comes back.
 */

import { nodeBehind } from './draft.js'
import { Placement } from './draft-changes.js'
import { DraftNode } from './draft-node.js'
import type { Key } from './mutation.js'
import { containerKind, entryOf } from './values.js'

interface Home {
  readonly node: DraftNode
  readonly base: object
  readonly parent: DraftNode | undefined
  readonly key: Key
}

/**
 * Lets an open draft go on: proxies that were handed out are over `data` from now on.
 * @param state what a recipe sees of the draft
 * @param data the root of the tree that has taken what the draft has written
 */
export function settle(state: object, data: object): void {
  const root = nodeBehind(state)
  const { context } = root
  for (const node of context.nodes) reachEmbedded(node) // grows while it is walked: nodes come in behind
  const placement = new Placement(context, root)
  const homes = new Map<DraftNode, Home>()

  const visit = (node: DraftNode, base: object, parent: DraftNode | undefined, key: Key): void => {
    if (homes.has(node)) return
    homes.set(node, { node, base, parent, key })
    for (const [childKey, child] of childrenNow(node, placement)) {
      const childBase = entryOf(base, childKey)
      if (containerKind(childBase) === child.kind) visit(child, childBase as object, node, childKey)
    }
  }
  visit(root, data, undefined, undefined)

  for (const node of context.nodes) {
    if (homes.has(node)) continue
    node.fresh = true
    node.detached = true
    node.parent = undefined
  }
  for (const { node, base, parent, key } of homes.values()) {
    node.clearOverlay()
    node.children = undefined
    node.dirty = false
    node.below = false
    node.fresh = false
    node.detached = false
    node.embeds = false
    node.base = base
    node.parent = parent
    node.key = key
  }
  for (const { node, parent, key } of homes.values()) {
    if (parent === undefined) continue
    parent.children ??= new Map()
    parent.children.set(key, node)
  }
}

/** Makes nodes for the fresh containers in a node that hold nodes themselves: those need a chain of parents. */
function reachEmbedded(node: DraftNode): void {
  const { embedding } = node.context
  const fresh: Key[] = []
  for (const [key, stored] of node.embeds ? node.entries() : node.slots()) {
    if (typeof stored === 'object' && stored !== null && embedding.has(stored)) fresh.push(key)
  }
  for (const key of fresh) node.reach(key)
}

/** The nodes that stand in a node as written, and stay there; by their keys now. */
function* childrenNow(node: DraftNode, placement: Placement): Generator<readonly [Key, DraftNode]> {
  const stays = (child: DraftNode): boolean => child.fresh || placement.movedTo(child, node)
  if (node.children !== undefined) {
    const keysNow = node.keysNow()
    for (const [baseKey, child] of node.children) {
      const key = keysNow(baseKey)
      if (key !== undefined && (child.parent === node || stays(child))) yield [key, child]
    }
  }
  for (const [key, stored] of node.embeds ? node.entries() : node.slots()) {
    if (stored instanceof DraftNode && stays(stored)) yield [key, stored]
  }
}
