/*
 * Which fields of a state are persisted, and what of them is not stored yet.
 */

import type { StateShape } from '../state/define-state.js'
import type { Mutation } from '../state/mutation.js'
import { isBackend } from '../state/part.js'
import { Dirty } from './dirty.js'
import { valueAt } from './entries.js'
import { Field } from './field.js'

/** Fields by name; those of a substate by its name. */
type Tree = Map<string, Field | Tree>

export class Fields {
  readonly dirty: Dirty = new Dirty()
  readonly all: readonly Field[]
  /** Of their records. */
  readonly keys: readonly string[]
  readonly #tree: Tree = new Map()

  constructor(paths: readonly (readonly string[])[]) {
    this.all = paths.map((path) => new Field(path, this.dirty))
    this.keys = this.all.map(({ key }) => key)
    for (const field of this.all) {
      let tree = this.#tree
      field.path.forEach((name, depth) => {
        const isLast = depth === field.path.length - 1
        const next = isLast ? field : (tree.get(name) ?? new Map())
        tree.set(name, next)
        if (!isLast) tree = next as Tree // a name is that of a field or of a substate
      })
    }
  }

  /** Follows what a commit has done. */
  follow(mutations: readonly Mutation[]): void {
    for (const mutation of mutations) {
      let at: Field | Tree | undefined = this.#tree
      for (let depth = 0; at instanceof Map; depth++) at = at.get(mutation.path[depth] as string)
      at?.follow(mutation)
    }
  }
}

/**
 * The paths of the fields that are persisted: not those of the backend, and no getters.
 * @param partialize picks some of them; all where undefined
 * @throws TypeError if what it gives is no part of the state
 */
export function persistedPaths(
  shape: StateShape,
  root: object,
  partialize: ((state: never) => object) | undefined,
): readonly (readonly string[])[] {
  const paths = [...shownPaths(shape, [])]
  if (partialize === undefined) return paths
  const whole = pick(root, paths)
  const part = partialize(whole as never)
  return paths.filter((path) => {
    const [given, own] = [valueAt(part, path), valueAt(whole, path)]
    if (given === undefined && !hasPath(part, path)) return false
    if (Object.is(given, own)) return true
    throw new TypeError(
      `persist: partialize picks fields, and gives them as they are; that of "${path.join('.')}" is another value. Keep what is to be stored in a field of its own.`,
    )
  })
}

function* shownPaths(shape: StateShape, path: readonly string[]): Generator<readonly string[]> {
  for (const field of shape.fields) if (!isBackend(field)) yield [...path, field]
  for (const [name, substate] of shape.substates) if (!isBackend(name)) yield* shownPaths(substate, [...path, name])
}

/** Plain data of some fields, nested as they are. */
export function pick(root: object, paths: readonly (readonly string[])[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {}
  for (const path of paths) put(picked, path, valueAt(root, path))
  return picked
}

/** Puts a value at a path; what is on the way is made. */
export function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = into
  for (const name of path.slice(0, -1)) {
    at[name] ??= {}
    at = at[name] as Record<string, unknown>
  }
  at[path.at(-1) as string] = value
}

/** Whether something is given at a path, be it undefined. */
export function hasPath(root: object, path: readonly string[]): boolean {
  const holder = valueAt(root, path.slice(0, -1))
  return typeof holder === 'object' && holder !== null && Object.hasOwn(holder, path.at(-1) as string)
}

/** A state with some of its fields replaced. */
export function overlay(
  root: Record<string, unknown>,
  values: Record<string, unknown>,
  paths: readonly (readonly string[])[],
): Record<string, unknown> {
  const copy = { ...root }
  for (const path of paths) {
    if (!hasPath(values, path)) continue
    let holder = copy
    for (const name of path.slice(0, -1)) {
      holder[name] = { ...(holder[name] as object) }
      holder = holder[name] as Record<string, unknown>
    }
    holder[path.at(-1) as string] = valueAt(values, path)
  }
  return copy
}
