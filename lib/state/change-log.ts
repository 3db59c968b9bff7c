/*
 * What has changed since some version, for replicas that follow.
 *
 * - Bounded in commits and in mutations: a replica further behind gets the whole state.
 * - Mutations whose values stay as they are can be sent again as they were. A field that took a value too large for that
 *   is sent as it is now, and what happened in it since is not sent besides.
 */

import type { StateShape } from './define-state.js'
import type { Mutation, Path } from './mutation.js'
import { formatPath } from './mutation.js'
import { entryOf } from './values.js'

/** What brings a replica from one version to another. */
export type Changes =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'batches'
      /** In the order of their commits; each is applied as one. */
      readonly batches: readonly (readonly Mutation[])[]
      /** Places that are sent as they are now, after the batches: what changed in them is not among the batches. */
      readonly whole: readonly { readonly path: Path; readonly value: unknown }[]
    }
  | { readonly kind: 'state'; readonly root: Record<string, unknown> }

const MAX_COMMITS = 1_000
const MAX_MUTATIONS = 20_000

interface Entry {
  readonly mutations: readonly Mutation[]
  /** Fields, by their formatted paths, that cannot be sent as mutations from this commit. */
  readonly whole: Map<string, Path>
}

export class ChangeLog {
  readonly #shape: StateShape
  #first: number
  #entries: Entry[] = []
  #mutations = 0
  #pending = new Map<string, Path>()

  /** @param version the version before the first commit that is added */
  constructor(shape: StateShape, version: number) {
    this.#shape = shape
    this.#first = version
  }

  /** The commit that is added next has put a value under `path` that will not stay as it is. */
  sendWhole(path: Path): void {
    const field = this.#fieldOf(path)
    this.#pending.set(formatPath(field), field)
  }

  add(mutations: readonly Mutation[]): void {
    this.#entries.push({ mutations, whole: this.#pending })
    this.#pending = new Map()
    this.#mutations += mutations.length
    while (this.#entries.length > MAX_COMMITS || (this.#mutations > MAX_MUTATIONS && this.#entries.length > 0)) {
      this.#mutations -= (this.#entries.shift() as Entry).mutations.length
      this.#first += 1
    }
  }

  /** Undefined where the log does not reach back that far. */
  since(version: number, root: object): Changes | undefined {
    const from = version - this.#first
    if (!Number.isInteger(from) || from < 0 || from > this.#entries.length) return undefined
    const entries = this.#entries.slice(from)
    const whole = new Map<string, Path>()
    for (const entry of entries) for (const [name, field] of entry.whole) whole.set(name, field)
    const isWhole = (path: Path): boolean => whole.has(formatPath(this.#fieldOf(path)))
    // A ref into a field that is sent whole leads astray in the replica: the field that it fills is sent whole too.
    for (let grew = whole.size > 0; grew; ) {
      grew = false
      for (const { mutations } of entries) {
        for (const mutation of mutations) {
          if (!('refs' in mutation) || isWhole(mutation.path)) continue
          if (!mutation.refs?.some((ref) => isWhole(ref.from))) continue
          const field = this.#fieldOf(mutation.path)
          whole.set(formatPath(field), field)
          grew = true
        }
      }
    }
    const batches = entries.map(({ mutations }) =>
      whole.size === 0 ? mutations : mutations.filter((mutation) => !isWhole(mutation.path)),
    )
    return {
      kind: 'batches',
      batches: batches.filter((batch) => batch.length > 0),
      whole: [...whole.values()].map((path) => ({
        path,
        value: path.reduce(entryOf as (at: unknown, key: unknown) => unknown, root),
      })),
    }
  }

  /** The declared field that a path lies in: the first key that is no substate ends it. */
  #fieldOf(path: Path): Path {
    let shape = this.#shape
    for (let i = 0; i < path.length; i++) {
      const substate = shape.substates.get(path[i] as string)
      if (substate === undefined) return path.slice(0, i + 1)
      shape = substate
    }
    return path
  }
}
