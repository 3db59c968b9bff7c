import type { Scope } from '../state/scope.js'

/** Which fields a number of scopes want between them. Asking costs what the scope asked for has, not what was added. */
export class ScopeCounts {
  /** Scopes that want the whole state. */
  #whole = 0
  #size = 0
  /** How often each is wanted. One that is not wanted any more stays, as 0: they are the fields of a state. */
  readonly #fields = new Map<string, number>()

  add(scope: Scope): void {
    this.#size++
    if (scope === undefined) this.#whole++
    else for (const field of scope) this.#fields.set(field, (this.#fields.get(field) ?? 0) + 1)
  }

  delete(scope: Scope): void {
    this.#size--
    if (scope === undefined) {
      this.#whole--
      return
    }
    for (const field of scope) this.#fields.set(field, (this.#fields.get(field) ?? 1) - 1)
  }

  /** Whether one of them shares a field with `scope`. */
  meet(scope: Scope): boolean {
    if (this.#whole > 0 || scope === undefined) return this.#size > 0
    for (const field of scope) if (this.#has(field)) return true
    return false
  }

  /** One of them wants everything: whatever is asked for meets it. */
  get isWhole(): boolean {
    return this.#whole > 0
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  /** The fields named by these scopes that no scope of the others has. */
  fieldsBeside(others: ScopeCounts): Set<string> {
    const fields = new Set<string>()
    if (others.isWhole) return fields
    for (const [field, count] of this.#fields) if (count > 0 && !others.#has(field)) fields.add(field)
    return fields
  }

  #has(field: string): boolean {
    return (this.#fields.get(field) ?? 0) > 0
  }
}

/** Whether two scopes share a field. */
export function shareField(one: Scope, other: Scope): boolean {
  if (one === undefined || other === undefined) return true
  for (const field of one) if (other.has(field)) return true
  return false
}
