import { containerKind } from './container-kind.js'

const writers = { map: ['set', 'delete', 'clear'], set: ['add', 'delete', 'clear'] } as const

/**
 * Freezes plain data all the way down. What is frozen already is frozen all the way down, so the cost follows what is new.
 * A map or set refuses its writing methods; `structuredClone` and copies of it are as ever.
 */
export function freezeDeep(value: unknown): void {
  const kind = containerKind(value)
  if (kind === undefined || Object.isFrozen(value)) return
  if (kind === 'map' || kind === 'set') {
    for (const method of writers[kind]) {
      Object.defineProperty(value, method, {
        value: () => {
          throw new TypeError(
            `Cannot call ${method}() on a snapshot: it is the state at one version and never changes.`,
          )
        },
      })
    }
  }
  // First, so that a cycle would end; and a getter that reads its own object finds it done.
  Object.freeze(value)
  if (kind === 'map') for (const item of (value as Map<unknown, unknown>).values()) freezeDeep(item)
  else if (kind !== 'set') for (const item of Object.values(value as object)) freezeDeep(item)
}
