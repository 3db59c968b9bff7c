/*
 * What a value weighs as the tree that it would become: a few containers may stand in any number of its places.
 */

import type { ContainerKind } from './container-kind.js'
import { containerKind } from './container-kind.js'
import { tagOf } from './leaves.js'

/** A value of this weight is looked at as a whole: the same few containers may stand in any number of its places. */
export const HEAVY = 150_000

/** As much as a page could hold. */
export const MAX_WEIGHT: number = 2 ** 24

/** About what copying this one container or leaf costs, without what is in it: 1 for an object. */
export function weightOf(value: object, kind: ContainerKind | undefined): number {
  if (kind === 'array') return 1 + (value as unknown[]).length / 16
  if (kind === 'map' || kind === 'set') return 1 + (value as Set<unknown>).size / 16
  if (kind === 'object') return 1
  return 1 + (ArrayBuffer.isView(value) || tagOf(value) === 'ArrayBuffer' ? (value as ArrayBuffer).byteLength / 128 : 0)
}

/**
 * The weight of a value as a tree, in which what is shared weighs in each of its places. Infinite for one without end, or deeper
 * than `levels`.
 */
export function weigh(value: unknown, levels: number, known: Map<object, number> = new Map()): number {
  if (typeof value !== 'object' || value === null) return 0
  const before = known.get(value)
  if (before !== undefined) return before
  if (levels < 0) return Number.POSITIVE_INFINITY
  const kind = containerKind(value)
  let weight = weightOf(value, kind)
  let isKnown = false
  for (const item of itemsOf(value, kind)) {
    if (typeof item !== 'object' || item === null) continue
    // What holds nothing else is not noted: looking at a million rows again costs less than noting them.
    if (!isKnown) known.set(value, Number.POSITIVE_INFINITY) // until it is known: what comes back to it has no end
    isKnown = true
    weight += weigh(item, levels - 1, known)
  }
  if (isKnown) known.set(value, weight)
  return weight
}

function itemsOf(value: object, kind: ContainerKind | undefined): Iterable<unknown> {
  // Of an array too: iteration would give its holes, however many.
  if (kind === 'object' || kind === 'array') return Object.values(value)
  return kind === 'map' ? (value as Map<unknown, unknown>).values() : []
}
