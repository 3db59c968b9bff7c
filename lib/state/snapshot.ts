/*
 * What a snapshot shows of the data of a tree.
 */

import type { StateShape } from './define-state.js'
import { development } from './development.js'
import { freezeDeep } from './freeze.js'
import { isBackend } from './part.js'

/**
 * Plain data of a state, with its getters, not enumerable. Frozen in development, and so is what the getters of a snapshot
 * without backend fields have for `this`: a getter that writes fails at the write.
 * @param backend whether backend fields are in it
 */
export function showSnapshot(
  shape: StateShape,
  root: Record<string, unknown>,
  backend: boolean,
): Record<string, unknown> {
  const full = showState(shape, root, undefined)
  if (development) freezeDeep(full)
  if (backend) return full
  const snapshot = showState(shape, root, full)
  if (development) freezeDeep(snapshot)
  return snapshot
}

const shapes = new WeakMap<object, StateShape>()

/** The shape of a snapshot, or of a substate in one; undefined for other data, also for a copy of one. */
export function shapeOfSnapshot(snapshot: object): StateShape | undefined {
  return shapes.get(snapshot)
}

/** Plain data of a state and its substates, with their getters; `full` is where the getters of a shown part read. */
function showState(
  shape: StateShape,
  raw: Record<string, unknown>,
  full: Record<string, unknown> | undefined,
): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  shapes.set(shown, shape)
  for (const key of Object.keys(raw)) {
    const substate = shape.substates.get(key)
    if (substate !== undefined) {
      shown[key] = showState(
        substate,
        raw[key] as Record<string, unknown>,
        full?.[key] as Record<string, unknown> | undefined,
      )
    } else if (full === undefined || !isBackend(key)) shown[key] = raw[key]
  }
  for (const [key, getter] of shape.getters) {
    if (full !== undefined && isBackend(key)) continue
    Object.defineProperty(shown, key, { get: () => getter.call(full ?? shown), enumerable: false, configurable: true })
  }
  return shown
}
