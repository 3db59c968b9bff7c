import { createAtom } from 'mobx'
import type { PersistStatus } from '../store/persistence.js'

/** The status of a store's persistence: MobX-observable. */
export class Status {
  readonly #atom = createAtom('store.persist.status')
  #value: PersistStatus = 'hydrating'

  get(): PersistStatus {
    this.#atom.reportObserved()
    return this.#value
  }

  set(value: PersistStatus): void {
    if (value === this.#value) return
    this.#value = value
    this.#atom.reportChanged()
  }
}
