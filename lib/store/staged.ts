/*
 * Staged values: what a worker has sent ahead of the commits that will put it in place.
 *
 * - A value is checked when it is kept, and is nobody else's: a commit takes it as it is.
 * - It is kept until a commit has used it, its worker lets go of it, or its run or its worker ends. A batch that was refused has
 *   used nothing.
 */

import { InvalidMutationError } from '../errors.js'
import type { CommitPayload } from '../protocol/messages.js'
import type { StagedValue } from '../state/draft-replay.js'
import type { Mutation } from '../state/mutation.js'
import { copyIn } from '../state/values.js'

/** As many at a time are a mistake. */
const MAX_STAGED = 10_000

export class Staged {
  readonly #values = new Map<number, { readonly value: object; readonly run: object }>()

  /**
   * Keeps a value for a run.
   * @param opened containers that need neither be checked nor copied
   * @throws TypeError for a number that is in use, or too many values
   * @throws NotCloneableError for a value that cannot be in state
   */
  keep(id: number, run: object, value: object, opened: ReadonlySet<object>): void {
    if (this.#values.has(id)) throw new TypeError(`stage: ${id} is in use`)
    if (this.#values.size >= MAX_STAGED) {
      throw new TypeError(
        `There are ${MAX_STAGED} staged values that no lease has used. Use them, or let their runs end.`,
      )
    }
    this.#values.set(id, { value: opened.has(value) ? value : (copyIn(value, []) as object), run })
  }

  drop(id: number): void {
    this.#values.delete(id)
  }

  endRun(run: object): void {
    for (const [id, kept] of this.#values) if (kept.run === run) this.#values.delete(id)
  }

  clear(): void {
    this.#values.clear()
  }

  /**
   * The values that a batch puts in place.
   * @throws InvalidMutationError for one that is not here, or in two places
   */
  placed({ mutations, staged = [] }: CommitPayload): ReadonlyMap<Mutation, readonly StagedValue[]> {
    const placed = new Map<Mutation, StagedValue[]>()
    const seen = new Set<number>()
    for (const { mutation: index, at, id } of staged) {
      const kept = this.#values.get(id)
      if (kept === undefined || seen.has(id))
        throw new InvalidMutationError(`The staged value ${id} is not here, or used twice.`)
      seen.add(id)
      const mutation = mutations[index] as Mutation // checked with the form of the batch
      const values = placed.get(mutation) ?? []
      placed.set(mutation, values)
      values.push({ at, value: kept.value })
    }
    return placed
  }

  /** The batch was applied: what it has put in place is part of the state. */
  use({ staged = [] }: CommitPayload): void {
    for (const { id } of staged) this.#values.delete(id)
  }
}
