/*
 * Mutations performed on a draft, as if a recipe had done it: how batches from elsewhere are checked.
 *
 * - Every path, index and kind is checked against what stands there at that moment, every value as when it is assigned.
 * - Refs are found before the first mutation. A mutation that does not fit throws; the draft is then to be dropped.
 */

import { InvalidMutationError } from '../errors.js'
import { containerKind } from './container-kind.js'
import { nodeBehind } from './draft.js'
import { ArrayNode } from './draft-array.js'
import { assertField, KeyedNode, MapNode, ObjectNode } from './draft-keyed.js'
import type { Stored } from './draft-node.js'
import { DraftNode, markEmbedding } from './draft-node.js'
import { SetNode } from './draft-set.js'
import type { ArrangeMutation, Key, Mutation, Path, Ref, SetMutation, SpliceMutation } from './mutation.js'
import { formatPath } from './mutation.js'
import { assertInScope } from './scope.js'
import { copyIn, entryOf, isPrimitive, isReservedKey } from './values.js'

/**
 * Values that are taken as they are: nobody else has them, none is in another, and all that is in them is fit for a state.
 */
export interface ReadyValues {
  /** Among the values of the mutations. */
  readonly adoptable: ReadonlySet<object>
  /** To be put into the values, at places that hold `undefined`. */
  readonly staged: ReadonlyMap<Mutation, readonly StagedValue[]>
}

/** A container, and its place in the value of a mutation: as that of a ref. */
export interface StagedValue {
  readonly at: Path
  readonly value: object
}

const NONE_READY: ReadyValues = { adoptable: new Set(), staged: new Map() }

/**
 * Performs mutations on an open draft.
 * @param state what a recipe sees of the draft
 * @param ready what need not be checked and copied
 * @param first the number of the first of them, for messages
 * @throws InvalidMutationError, NotCloneableError: the message names the mutation and the path
 */
export function replay(
  state: object,
  mutations: readonly Mutation[],
  ready: ReadyValues = NONE_READY,
  first = 0,
): void {
  const root = nodeBehind(state)
  const moved = new Map<Ref, DraftNode>()
  for (const [index, mutation] of mutations.entries()) {
    named(mutation, first + index, () => {
      if ('refs' in mutation) for (const ref of mutation.refs ?? []) moved.set(ref, find(root, ref.from))
    })
  }
  const given: Given = { moved, ready }
  for (const [index, mutation] of mutations.entries())
    named(mutation, first + index, () => perform(root, mutation, given))
}

/** What the values of mutations are made of, besides what is in them. */
interface Given {
  readonly moved: ReadonlyMap<Ref, DraftNode>
  readonly ready: ReadyValues
}

/** Puts the number and path of a mutation before what is wrong with it. */
function named(mutation: Mutation, index: number, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof InvalidMutationError)) throw error
    throw new InvalidMutationError(
      `Mutation ${index} (${mutation.op} at ${formatPath(mutation.path)}) cannot be applied: ${error.message}`,
      { cause: error },
    )
  }
}

function fail(message: string): never {
  throw new InvalidMutationError(message)
}

function find(root: DraftNode, path: Path): DraftNode {
  let node = root
  if (root.shape !== undefined) assertInScope(root.shape, path[0])
  path.forEach((key, depth) => {
    const next = childOf(node, key)
    if (!(next instanceof DraftNode)) fail(`there is no container at ${formatPath(path.slice(0, depth + 1))}.`)
    node = next
  })
  return node
}

function childOf(node: DraftNode, key: Key): Stored {
  if (node instanceof ObjectNode && typeof key !== 'string') return undefined // a number would name the same key otherwise
  if (node instanceof KeyedNode || (node instanceof ArrayNode && isIndex(key, node.size))) return node.reach(key)
  return undefined
}

function isIndex(key: unknown, length: number): key is number {
  return Number.isSafeInteger(key) && (key as number) >= 0 && (key as number) < length
}

function perform(root: DraftNode, mutation: Mutation, given: Given): void {
  const { op, path } = mutation
  if (op === 'set' || op === 'delete') {
    if (path.length === 0) fail('the root of a state cannot be replaced or deleted.')
    const holder = find(root, path.slice(0, -1))
    const key = path.at(-1) as Key
    if (op === 'set') setEntry(holder, key, bring(root, mutation, mutation.value, given))
    else deleteEntry(holder, key)
    return
  }
  const node = find(root, path)
  if (op === 'splice' || op === 'arrange' || op === 'move') {
    if (!(node instanceof ArrayNode)) fail(`it needs an array, and there is ${aKind(node)}.`)
    if (op === 'move') {
      if (!isIndex(mutation.from, node.size) || !isIndex(mutation.at, node.size))
        fail(`an index is outside 0 to ${node.size - 1}.`)
      node.move(mutation.from, mutation.at)
      return
    }
    const values = bring(root, mutation, mutation.values, given) as Stored[]
    if (op === 'splice') {
      const { index, remove } = mutation
      if (!isIndex(index, node.size + 1) || !isIndex(remove, node.size - index + 1)) {
        fail(`index ${index} with ${remove} removed does not fit ${node.size} elements.`)
      }
      node.insert(index, remove, values)
    } else arrange(node, mutation.keep, values)
    return
  }
  if (op === 'clear' && node instanceof MapNode) node.clear()
  else if (!(node instanceof SetNode))
    fail(`it needs a Set${op === 'clear' ? ' or Map' : ''}, and there is ${aKind(node)}.`)
  else if (op === 'clear') node.clear()
  else {
    if (!isPrimitive(mutation.value)) fail('a member of a Set must be a primitive, and no symbol.')
    if (op === 'add') node.add(mutation.value)
    else if (!node.delete(mutation.value)) fail(`the Set has no ${String(mutation.value)}.`)
  }
}

function aKind(node: DraftNode): string {
  return { object: 'an object', array: 'an array', map: 'a Map', set: 'a Set' }[node.kind]
}

function setEntry(holder: DraftNode, key: Key, stored: Stored): void {
  if (holder instanceof ObjectNode) {
    if (typeof key !== 'string' || isReservedKey(key)) fail(`${String(key)} cannot be the key of an object.`)
    assertField(holder, key)
    holder.put(key, stored)
  } else if (holder instanceof MapNode) {
    if (!isPrimitive(key)) fail('the key of a Map must be a primitive, and no symbol.')
    holder.put(key, stored)
  } else if (holder instanceof ArrayNode) {
    if (!isIndex(key, holder.size)) fail(`index ${String(key)} is outside 0 to ${holder.size - 1}. Use splice to add.`)
    holder.put(key, stored)
  } else fail('a Set has no entries to set.')
}

function deleteEntry(holder: DraftNode, key: Key): void {
  if (!(holder instanceof KeyedNode)) fail(`${aKind(holder)} has no keys to delete.`)
  if (holder.shape !== undefined)
    fail(`"${String(key)}" is a field of "${holder.shape.definition.fullName}", and those stay.`)
  if (!holder.delete(key)) fail('there is no such key.')
}

function arrange(node: ArrayNode, keep: readonly number[], values: readonly Stored[]): void {
  const seen = new Uint8Array(node.size)
  let fresh = 0
  for (const from of keep) {
    if (from === -1) fresh++
    else if (!isIndex(from, node.size) || seen[from] === 1) fail(`${from} is no index to keep, or is kept twice.`)
    else seen[from] = 1
  }
  if (fresh !== values.length) fail(`${fresh} new elements are announced, and ${values.length} values given.`)
  node.arrange(keep, values)
}

/** A checked copy of a value, or an adopted one, with what moved and what was staged in its places. */
function bring(
  root: DraftNode,
  mutation: SetMutation | SpliceMutation | ArrangeMutation,
  value: unknown,
  { moved, ready }: Given,
): Stored {
  const { refs, path } = mutation
  const fresh = ready.adoptable.has(value as object) ? value : copyIn(value, path)
  const staged = ready.staged.get(mutation)
  if (refs === undefined) return staged === undefined ? fresh : fill(fresh, staged)
  let result: Stored = fresh
  for (const ref of refs) {
    const node = moved.get(ref) as DraftNode
    if (ref.at.length === 0) {
      assertEmpty(result, ref.at)
      result = node
      continue
    }
    const holder = ref.at.slice(0, -1).reduce<unknown>(partAt, result)
    const key = ref.at.at(-1) as Key
    if (!isContainer(holder) || holder instanceof DraftNode)
      fail(`the ref at ${formatPath(ref.at)} is outside the value.`)
    assertEmpty(partAt(holder, key), ref.at)
    putInto(holder, key, node)
    node.markMoved()
  }
  if (staged !== undefined) result = fill(result, staged)
  if (result !== root && !(result instanceof DraftNode)) markEmbedding(root.context, result)
  return result
}

/** Puts staged values in a fresh one; never into each other. */
function fill(value: Stored, staged: readonly StagedValue[]): Stored {
  const filled = new Set<unknown>()
  let result = value
  for (const { at, value: content } of staged) {
    filled.add(content)
    if (at.length === 0) {
      assertEmpty(result, at)
      result = content
      continue
    }
    let holder: unknown = result
    for (const key of at.slice(0, -1)) holder = filled.has(holder) ? undefined : partAt(holder, key)
    if (!isContainer(holder) || filled.has(holder) || holder instanceof Set) {
      fail(`the place ${formatPath(at)} of a staged value is outside the value.`)
    }
    assertEmpty(partAt(holder, at.at(-1) as Key), at)
    putInto(holder, at.at(-1) as Key, content)
  }
  return result
}

/** What moves or was staged goes where `undefined` stands: else it would be a matter of order what the value is. */
function assertEmpty(there: unknown, at: Path): void {
  if (there !== undefined) fail(`the place ${formatPath(at)} in the value is taken.`)
}

/** What stands at a key of a fresh value; of an array at an index alone, since its other names lead to its prototype. */
function partAt(at: unknown, key: Key): unknown {
  if (!isContainer(at) || (Array.isArray(at) && !isIndex(key, at.length))) return undefined
  return entryOf(at, key)
}

function isContainer(value: unknown): value is object {
  return containerKind(value) !== undefined
}

function putInto(holder: object, key: Key, content: object): void {
  if (holder instanceof Map) holder.set(key, content)
  else if (Array.isArray(holder)) {
    if (!isIndex(key, holder.length)) fail(`the ref at index ${String(key)} is outside the value.`)
    holder[key] = content
  } else {
    if (typeof key !== 'string' || isReservedKey(key)) fail(`${String(key)} cannot be the key of an object.`)
    ;(holder as Record<string, unknown>)[key] = content
  }
}
