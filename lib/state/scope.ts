/*
 * Scopes: the part of a state that a lease or event wants, as names of its top-level fields and substates.
 *
 * - `undefined` is the whole state, and shares a field with every other scope.
 * - A draft of a scope shows its fields and no others: to read or write another throws, and so does a getter that does.
 */

import { OutOfScopeError } from '../errors.js'
import type { StateShape } from './define-state.js'
import { formatPath } from './mutation.js'

/** Names of top-level fields and substates; all of them where undefined. */
export type Scope = ReadonlySet<string> | undefined

/**
 * Makes a scope of what an option says.
 * @throws TypeError for an empty list, and for a name that is no field or substate, such as that of a getter
 */
export function toScope(shape: StateShape, names: readonly string[] | undefined): Scope {
  if (names === undefined) return undefined
  const known = [...shape.fields, ...shape.substates.keys()]
  const { fullName } = shape.definition
  if (!Array.isArray(names) || names.length === 0) {
    throw new TypeError(`scope must be a list of fields of "${fullName}", and not an empty one: ${known.join(', ')}.`)
  }
  for (const name of names) {
    if (known.includes(name)) continue
    const what = shape.getters.has(name) ? 'a getter: name the fields that it computes from' : 'no field'
    throw new TypeError(`scope: "${String(name)}" is ${what}. The fields of "${fullName}": ${known.join(', ')}.`)
  }
  return new Set(names)
}

/** The shape of a draft of that scope. `holder` names the lease or event, for messages. */
export function scopedShape(shape: StateShape, scope: Scope, holder: string): StateShape {
  if (scope === undefined) return shape
  const outside = new Set([...shape.fields, ...shape.substates.keys()].filter((name) => !scope.has(name)))
  return {
    ...shape,
    fields: new Set([...shape.fields].filter((name) => scope.has(name))),
    substates: new Map([...shape.substates].filter(([name]) => scope.has(name))),
    roles: new Map([...shape.roles].filter(([name]) => !outside.has(name))),
    outside: { names: outside, holder },
  }
}

/** @throws OutOfScopeError if the name is that of a field which the scope leaves out */
export function assertInScope({ definition, outside }: StateShape, name: unknown): void {
  if (outside?.names.has(name as string) !== true) return
  throw new OutOfScopeError(
    `${formatPath([name])} is outside the scope of "${outside.holder}". Add it to scope, or read it from outside: the view of "${definition.fullName}" may be stale.`,
  )
}
