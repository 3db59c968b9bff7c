/*
 * After a batch of a draft was applied and the draft goes on: every node that a recipe may still hold gets its container's
 * new place as its home.
 *
 * - A container that is in the state keeps its node, and so its proxy. Where it stands in two places, the node stays with
 *   the first; the other place has data of its own now.
 * - A container that has left the state becomes fresh: what is written on it is seen again if it comes back.
 * - The cost follows what was touched since the last flush, not what the draft has reached.
 */

import { containerKind } from './container-kind.js'
import { nodeBehind } from './draft.js'
import { Placement } from './draft-changes.js'
import { DraftNode } from './draft-node.js'
import type { Key } from './mutation.js'
import { entryOf } from './values.js'

interface Home {
  readonly base: object
  readonly parent: DraftNode | undefined
  readonly key: Key
  /** Its overlay is over, and its nodes have new places; else those that it had are where they were. */
  readonly renewed: boolean
}

/**
 * Lets an open draft go on: proxies that were handed out are over `data` from now on.
 * @param state what a recipe sees of the draft
 * @param data the root of the tree that has taken what the draft has written
 */
export function settle(state: object, data: object): void {
  const root = nodeBehind(state)
  const { context } = root
  for (const node of context.written) reachEmbedded(node) // grows while it is walked: nodes come in behind
  const homes = findHomes(root, data)
  for (const [node, { renewed }] of homes) {
    if (renewed && node.children !== undefined)
      for (const child of node.children.values()) {
        if (leave(child, node, homes)) child.parent = undefined
      }
  }
  for (const [node, { base, parent, key, renewed }] of homes) {
    if (renewed) {
      node.clearOverlay()
      node.children = undefined
      node.dirty = false
      node.fresh = false
      node.detached = false
      node.embeds = false
      node.base = base
    }
    node.touched = undefined
    node.parent = parent
    node.key = key
  }
  for (const [node, { parent, key }] of homes) {
    if (parent === undefined) continue
    parent.children ??= new Map()
    parent.children.set(key, node)
  }
  context.written = context.written.filter((node) => node.dirty || node.embeds)
  context.isPlain = context.written.length === 0
}

/** The place in `data` of each node for which something has changed. */
function findHomes(root: DraftNode, data: object): Map<DraftNode, Home> {
  const placement = new Placement(root.context, root)
  const homes = new Map<DraftNode, Home>()
  const visit = (node: DraftNode, base: object, parent: DraftNode | undefined, key: Key): void => {
    if (homes.has(node)) return
    const renewed = node.fresh || node.dirty || node.embeds || node.base !== base
    homes.set(node, { base, parent, key, renewed })
    const children = renewed ? childrenNow(node, placement) : touchedNow(node)
    for (const [childKey, child] of children) {
      const childBase = entryOf(base, childKey)
      if (containerKind(childBase) === child.kind) visit(child, childBase as object, node, childKey)
    }
  }
  visit(root, data, undefined, undefined)
  return homes
}

/**
 * A node that stood in `holder`, and everything whose home was in it: what has no home now has left the state. What is in
 * it keeps its place there, so that what is written on it is seen from outside.
 * @returns whether it has left
 */
function leave(node: DraftNode, holder: DraftNode, homes: ReadonlyMap<DraftNode, Home>): boolean {
  if (node.parent !== holder || homes.has(node)) return false
  node.fresh = true
  node.detached = true
  if (node.children !== undefined) for (const child of node.children.values()) leave(child, node, homes)
  return true
}

function* touchedNow(node: DraftNode): Generator<readonly [Key, DraftNode]> {
  for (const child of node.touchedAtHome()) yield [child.key, child]
}

/** Makes nodes for the fresh containers in a node that hold nodes themselves: those need a chain of parents. */
function reachEmbedded(node: DraftNode): void {
  const { embedding } = node.context
  const fresh: Key[] = []
  for (const [key, stored] of node.embeds ? node.entries() : node.slots()) {
    if (typeof stored === 'object' && stored !== null && embedding?.has(stored) === true) fresh.push(key)
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
