import type { StateDefinition } from './define-state.js'
import { parentOf, shapeOf } from './define-state.js'
import { isBackend } from './part.js'

/**
 * Gives a substate of a state: on the page's view, on a snapshot and on a draft alike.
 *
 * @param state the outermost state, or one that `path` is relative to
 * @param path a definition, a dotted name (`'app.settings'`), or a list of names. The name of the outermost state may lead
 * @throws TypeError that names the missing step
 */
export function getSubstate<Sub extends object>(state: object, path: StateDefinition<Sub>): Sub
export function getSubstate(state: object, path: string | readonly string[]): object
export function getSubstate(state: object, path: StateDefinition | string | readonly string[]): object {
  if (typeof path !== 'string' && !isNames(path)) {
    const names = namesFrom(state, path)
    if (names !== undefined) return follow(state, names)
  }
  const steps = typeof path === 'string' ? path.split('.') : isNames(path) ? path : path.fullName.split('.')
  // The leading name is the state's own, unless it is found in the state, and leads on.
  const [own, ...rest] = steps
  if (own === undefined || !(own in state)) {
    if (own !== undefined) Reflect.get(state, own) // throws for what the scope of a draft leaves out
    return follow(state, rest)
  }
  const whole = step(state, steps)
  if (whole === undefined && rest.length > 0) return step(state, rest) ?? follow(state, steps)
  return whole ?? follow(state, steps)
}

/** The names that lead to a definition from a state: the nearest one to the outermost that has the fields of `state`. */
function namesFrom(state: object, definition: StateDefinition): string[] | undefined {
  let names: string[] | undefined
  const below: string[] = []
  for (let at: StateDefinition | undefined = definition; at !== undefined; at = parentOf(at)) {
    const { fields, substates } = shapeOf(at)
    const shown = [...fields].filter((field) => !isBackend(field))
    if ([...shown, ...substates.keys()].every((key) => Object.hasOwn(state, key))) names = below.slice()
    below.unshift(at.name)
  }
  return names
}

function step(state: object, steps: readonly string[]): object | undefined {
  let at: unknown = state
  for (const name of steps) {
    const value: unknown = Reflect.get(at as object, name) // throws for what the scope of a draft leaves out
    at = Object.hasOwn(at as object, name) ? value : undefined
    if (typeof at !== 'object' || at === null) return undefined
  }
  return at as object
}

function follow(state: object, steps: readonly string[]): object {
  steps.forEach((name, depth) => {
    if (step(state, steps.slice(0, depth + 1)) !== undefined) return
    throw new TypeError(`getSubstate: "${steps.join('.')}" leads nowhere: there is no substate "${name}".`)
  })
  return step(state, steps) as object // each step was just seen to lead on
}

function isNames(path: StateDefinition | readonly string[]): path is readonly string[] {
  return Array.isArray(path)
}
