/*
 * What has changed since some version, for replicas that follow.
 *
 * - Bounded in commits and in mutations: a replica further behind gets the whole state.
 * - Mutations whose values stay as they are can be sent again as they were. A field that took a value too large for that
 *   is sent as it is now, and what happened in it since is not sent besides.
 */

import type { Change } from './change.js'
import type { StateShape } from './define-state.js'
import type { Path } from './mutation.js'
import { countBrought, formatPath } from './mutation.js'
import { entryOf } from './values.js'

/** What brings a replica from one version to another. */
export type Changes =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'batches'
      /** In the order of their commits; each is applied as one. */
      readonly batches: readonly (readonly Change[])[]
      /** Places that are sent as they are now, after the batches: what changed in them is not among the batches. */
      readonly whole: readonly { readonly path: Path; readonly value: unknown }[]
    }
  | { readonly kind: 'state'; readonly root: Record<string, unknown> }

/** How far a log reaches back, and what it keeps. */
export interface LogLimits {
  readonly commits: number
  /** Of all mutations together: 20 for each, and 1 for each element that it names. */
  readonly weight: number
  /** Values of up to so many containers, and arrays of up to so many elements, are kept unchanged in the log. */
  readonly keptContainers: number
  readonly keptElements: number
}

// A replica further behind takes less time over the whole state than over the log. A kept value costs one copy of a large
// container in it at its next write: a few milliseconds at the most.
const DEFAULT_LIMITS: LogLimits = { commits: 1_000, weight: 1_000_000, keptContainers: 1_000, keptElements: 5_000 }

interface Entry {
  readonly mutations: readonly Change[]
  readonly weight: number
  /** Fields, by their formatted paths, that cannot be sent as mutations from this commit. */
  readonly whole: Map<string, Path>
}

export class ChangeLog {
  readonly limits: LogLimits
  readonly #shape: StateShape
  #first: number
  #entries: Entry[] = []
  #weight = 0
  #pending = new Map<string, Path>()

  /** @param version the version before the first commit that is added */
  constructor(shape: StateShape, version = 0, limits: Partial<LogLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits }
    this.#shape = shape
    this.#first = version
  }

  /** The commit that is added next has put a value under `path` that will not stay as it is. */
  sendWhole(path: Path): void {
    const field = this.#fieldOf(path)
    this.#pending.set(formatPath(field), field)
  }

  add(mutations: readonly Change[]): void {
    const weight = mutations.reduce((sum, mutation) => sum + weigh(mutation), 0)
    this.#entries.push({ mutations, weight, whole: this.#pending })
    this.#pending = new Map()
    this.#weight += weight
    let drop = 0
    for (; this.#entries.length - drop > this.limits.commits || this.#weight > this.limits.weight; drop++) {
      this.#weight -= (this.#entries[drop] as Entry).weight
    }
    // A quarter at once: taking the first of a thousand out at each commit would move the other thousand.
    if (drop > 0) {
      const more = Math.max(drop, Math.floor(this.#entries.length / 4))
      for (; drop < more; drop++) this.#weight -= (this.#entries[drop] as Entry).weight
      this.#entries = this.#entries.slice(drop)
      this.#first += drop
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

function weigh(mutation: Change): number {
  if (mutation.op === 'column') return 20 + mutation.indexes.length
  return 20 + ('keep' in mutation ? mutation.keep.length : 0) + countBrought(mutation)
}
