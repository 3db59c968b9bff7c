import type { Dirty, Unit } from './dirty.js'

/** What one write holds: records to set and to delete, all of one version once `take` has said so. */
export class Batch {
  readonly set: Map<string, unknown> = new Map()
  readonly gone: Set<string> = new Set()
  readonly #units = new Set<Unit>()

  get isEmpty(): boolean {
    return this.set.size === 0 && this.gone.size === 0
  }

  /**
   * Takes what is dirty until it is told to stop. What was taken and has changed since is dirty again, and taken again.
   * @param root of the newest state
   * @param took is given each value that was taken, and says whether to stop
   * @returns whether all is taken
   */
  take(dirty: Dirty, root: object, took: (value: unknown) => boolean): boolean {
    for (const unit of dirty.units) {
      const value = unit.encode(root)
      dirty.units.delete(unit)
      this.set.set(unit.key, value)
      this.#units.add(unit)
      if (took(value)) break
    }
    if (dirty.units.size > 0) return false
    for (const unit of this.#units) {
      if (!dirty.gone.has(unit.key)) continue
      this.#units.delete(unit)
      this.set.delete(unit.key)
    }
    for (const key of dirty.gone) this.gone.add(key)
    dirty.gone.clear()
    return true
  }

  /** Takes over what an earlier one holds and this one does not know better. */
  addEarlier(earlier: Batch): void {
    for (const [key, value] of earlier.set) if (!this.set.has(key) && !this.gone.has(key)) this.set.set(key, value)
    for (const key of earlier.gone) if (!this.set.has(key)) this.gone.add(key)
    for (const unit of earlier.#units) if (this.set.has(unit.key)) this.#units.add(unit)
  }

  /** It was not stored. */
  putBack(dirty: Dirty): void {
    for (const unit of this.#units) if (!dirty.gone.has(unit.key)) dirty.write(unit)
    for (const key of this.gone) dirty.gone.add(key)
  }
}
