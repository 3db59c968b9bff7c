import { getterOf, hasSlot } from './leaves.js'

/** The containers that a state is made of. */
export type ContainerKind = 'object' | 'array' | 'map' | 'set'

const sizeOfMap = getterOf(Map.prototype, 'size')
const sizeOfSet = getterOf(Set.prototype, 'size')

/** The kind of a plain container, of this realm or another; undefined for primitives, leaves and what may not be in state. */
export function containerKind(value: unknown): ContainerKind | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return 'array'
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return 'object'
  if (prototype === Map.prototype) return 'map'
  if (prototype === Set.prototype) return 'set'
  // Another realm's: data that a test runner or a frame made has other prototypes.
  if (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')) return 'object'
  const grandparent: unknown = Object.getPrototypeOf(prototype)
  if (grandparent !== null && Object.getPrototypeOf(grandparent) === null) {
    if (hasSlot(sizeOfMap, value) && !(value instanceof Map)) return 'map'
    if (hasSlot(sizeOfSet, value) && !(value instanceof Set)) return 'set'
  }
  return undefined
}
