/*
 * The observable view of a tree: what `store.state` is.
 *
 * - Lazy: nodes and atoms are made for what is read, atoms only if a reaction or computed reads it. Landing 100,000 rows
 *   costs what is on the screen.
 * - A commit costs what it changes and what of it was reached, never the size of the state.
 * - A commit is applied inside of one MobX batch, which the committer opens: each reaction runs once, after the tree has it
 *   all, and none sees half a commit.
 */

import type { Change, ColumnMutation } from '../state/change.js'
import type { Mutation, Path, Ref } from '../state/mutation.js'
import type { StateTree, TreeObserver } from '../state/tree.js'
import type { ViewNode } from './view-node.js'
import { StateNode } from './view-node.js'

export interface ObservableView {
  /** Read-only and observable, without backend fields. */
  readonly state: object
  /**
   * Before a batch is applied: gives what is to follow it into the tree, and tells MobX of each change. To be used in one turn,
   * inside of a MobX batch.
   */
  begin(mutations: readonly Change[]): TreeObserver
}

/** Makes the view of a tree, of which each commit is to be told by `begin`. */
export function createObservableView(tree: Pick<StateTree, 'shape' | 'root'>): ObservableView {
  const root = new StateNode(tree.shape, tree.root)
  const follower = new CommitFollower(root)
  return {
    state: root.outer,
    begin(mutations) {
      follower.begin(mutations)
      return follower
    },
  }
}

/** Brings the nodes up to date with one batch after the other. */
class CommitFollower implements TreeObserver {
  readonly #root: StateNode
  /** Nodes of the containers that move: found while their places are those from before the batch. */
  #moving: Map<Ref, ViewNode> | undefined

  constructor(root: StateNode) {
    this.#root = root
  }

  begin(mutations: readonly Change[]): void {
    this.#moving = undefined
    for (const mutation of mutations) {
      for (const ref of refsOf(mutation)) {
        const node = this.#nodeAt(ref.from)
        if (node === undefined) continue
        this.#moving ??= new Map()
        this.#moving.set(ref, node)
      }
    }
  }

  owned(path: Path, chain: readonly object[]): void {
    let node: ViewNode | undefined = this.#root
    for (let depth = 0; node !== undefined && depth < chain.length; depth++) {
      node.raw = chain[depth] as object
      node = node.find(path[depth])
    }
  }

  wrote(mutation: Change, chain: readonly object[], cleared: object | undefined, size?: number): void {
    if (mutation.op === 'column') {
      this.#wroteColumn(mutation, chain)
      return
    }
    const refs = refsOf(mutation)
    const moving = refs.length === 0 ? refs : refs.filter((ref) => this.#moving?.has(ref))
    const end = chain.length - 1
    let node: ViewNode = this.#root
    for (let depth = 0; ; depth++) {
      node.changedBelow()
      if (depth === end) break
      node.raw = chain[depth] as object
      const key = mutation.path[depth]
      // Nobody has read what is below a place without a node; only what moves there brings readers with it.
      const next: ViewNode | undefined = moving.length > 0 ? node.reach(key, chain[depth + 1]) : node.find(key)
      if (next === undefined) return
      node = next
    }
    node.take(mutation, chain[end] as object, cleared, size)
    if (moving.length === 0) return
    const indices = placesOf(mutation)
    for (const ref of moving) {
      const moved = this.#moving?.get(ref) as ViewNode
      if (indices === undefined) node.adopt(moved, mutation.path.at(-1), ref.at)
      else node.adopt(moved, indices[ref.at[0] as number], ref.at.slice(1))
    }
  }

  #wroteColumn({ path, field, indexes, values }: ColumnMutation, chain: readonly object[]): void {
    const list = this.#nodeAt(path)
    const rows = chain.at(-1) as readonly object[]
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i] as number
      // The first tells what the rows are in; of the others those count that somebody has read.
      if (i > 0 && list?.find(index) === undefined) continue
      this.wrote(
        { op: 'set', path: [...path, index, field], value: values[i] },
        [...chain, rows[index] as object],
        undefined,
      )
    }
  }

  #nodeAt(path: Path): ViewNode | undefined {
    let node: ViewNode | undefined = this.#root
    for (const key of path) node = node?.find(key)
    return node
  }
}

const NO_REFS: readonly Ref[] = []

function refsOf(mutation: Change): readonly Ref[] {
  return ('refs' in mutation && mutation.refs) || NO_REFS
}

/** At which indices of the array the `values` of a mutation stand after it; undefined where it has one value, at its key. */
function placesOf(mutation: Mutation): number[] | undefined {
  if (mutation.op === 'splice') return mutation.values.map((_, i) => mutation.index + i)
  if (mutation.op !== 'arrange') return undefined
  return mutation.keep.flatMap((from, index) => (from < 0 ? [index] : []))
}
