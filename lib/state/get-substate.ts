import type { StateDefinition, StateShape } from './define-state.js'
import { parentOf, shapeOf } from './define-state.js'
import type { StatePart } from './part.js'
import { isBackend, partOf } from './part.js'
import { shapeOfSnapshot } from './snapshot.js'

/**
 * Gives a substate of a state: on the page's view, on a snapshot and on a draft alike.
 *
 * @param state the outermost state, or one that `path` is relative to. A copy of a snapshot does not know its name: `path`
 *   must then be a definition, or begin below it
 * @param path a definition, a dotted name (`'app.settings'`), or a list of names. The name of `state` itself may lead
 * @throws TypeError that names the missing step, or the definition that is none of the state's
 * @throws OutOfScopeError for what the scope of a draft leaves out
 */
export function getSubstate<Sub extends object>(state: object, path: StateDefinition<Sub>): Sub
export function getSubstate(state: object, path: string | readonly string[]): object
export function getSubstate(state: object, path: StateDefinition | string | readonly string[]): object {
  const shape = (partOf(state) as Partial<StatePart> | undefined)?.shape ?? shapeOfSnapshot(state)
  if (isNames(path) && path.length === 0) throw new TypeError('getSubstate: an empty list names no substate.')
  const steps = typeof path === 'string' ? path.split('.') : isNames(path) ? path : namesFrom(state, shape, path)
  // The leading name is the state's own, unless it is found in the state, and leads on.
  let end = walk(state, steps)
  if (typeof end === 'string' && steps[0] === shape?.definition.name) end = walk(state, steps.slice(1))
  if (typeof end === 'object') return end
  throw new TypeError(`getSubstate: "${steps.join('.')}" leads nowhere: there is no substate "${end}".`)
}

/** The names that lead to a definition from a state. */
function namesFrom(state: object, shape: StateShape | undefined, definition: StateDefinition): string[] {
  let names: string[] | undefined
  const below: string[] = []
  for (let at: StateDefinition | undefined = definition; at !== undefined; at = parentOf(at)) {
    // Of plain data the fields alone tell what it is: the outermost definition that has just these.
    if (shape === undefined ? hasFieldsOf(state, at) : shape.definition === at) names = below.slice()
    below.unshift(at.name)
  }
  if (names !== undefined) return names
  throw new TypeError(`getSubstate: "${definition.fullName}" is no part of the state that was given.`)
}

function hasFieldsOf(state: object, definition: StateDefinition): boolean {
  const { fields, substates } = shapeOf(definition)
  const shown = [...fields, ...substates.keys()].filter((key) => !isBackend(key))
  const keys = Object.keys(state).filter((key) => !isBackend(key))
  return keys.length === shown.length && shown.every((key) => keys.includes(key))
}

/** Where the names lead, or the first that is missing. */
function walk(state: object, steps: readonly string[]): object | string {
  let at = state
  for (const name of steps) {
    const value: unknown = Reflect.get(at, name) // throws for what the scope of a draft leaves out
    if (typeof value !== 'object' || value === null || !Object.hasOwn(at, name)) return name
    at = value
  }
  return at
}

function isNames(path: StateDefinition | string | readonly string[]): path is readonly string[] {
  return Array.isArray(path)
}
