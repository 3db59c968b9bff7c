/** Something that is written as one record. */
export interface Unit {
  /** Of its record, without what all records of a store begin with. */
  readonly key: string
  /** What is written of the newest state: nothing of it is changed by later commits, but for containers inside. */
  encode(root: object): unknown
}

/** What differs from what is stored. */
export class Dirty {
  readonly units: Set<Unit> = new Set()
  /** Keys of records that are to go. */
  readonly gone: Set<string> = new Set()

  get isEmpty(): boolean {
    return this.units.size === 0 && this.gone.size === 0
  }

  write(unit: Unit): void {
    this.units.add(unit)
  }

  drop(unit: Unit): void {
    this.units.delete(unit)
    this.gone.add(unit.key)
  }
}
