import type { ContainerKind } from './container-kind.js'
import { containerKind } from './container-kind.js'

/** Calls `visit` for each container in a value, outermost first, until it returns false. */
export function everyContainer(value: unknown, visit: (container: object) => boolean): boolean {
  const kind = containerKind(value)
  if (kind === undefined) return true
  if (!visit(value as object)) return false
  if (kind === 'set') return true
  for (const item of valuesIn(kind, value as object)) {
    if (typeof item === 'object' && item !== null && !everyContainer(item, visit)) return false
  }
  return true
}

/** What is in a container that is no set. */
export function valuesIn(kind: ContainerKind, container: object): Iterable<unknown> {
  if (kind === 'array') return container as unknown[]
  return kind === 'map' ? (container as Map<unknown, unknown>).values() : Object.values(container)
}
