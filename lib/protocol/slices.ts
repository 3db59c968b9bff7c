/*
 * Slices: a large payload in pieces, each decoded in a few milliseconds.
 *
 * - A slice is a list of steps that build the payload: open a container, add entries to it in columns, close it. An element that
 *   is too large for one slice is opened itself.
 * - A payload that is no plain data all the way, or in which a container stands in two places, is not for slices: whoever sends
 *   it sends it whole.
 * - What arrives is checked as columns are, and put together piece by piece; nobody sees it before it is complete.
 * - The large containers that are certainly fit for a state are known by the end: they need not be copied to be checked.
 */

import type { ContainerKind } from '../state/container-kind.js'
import { containerKind } from '../state/container-kind.js'
import { emptyOf } from '../state/containers.js'
import { isPrimitive, noteWide } from '../state/values.js'
import { weightOf } from '../state/weight.js'
import { ColumnDecoder } from './column-decoder.js'
import { ColumnEncoder } from './column-encoder.js'
import type { Column } from './columns.js'
import { CHARACTERS, CONTAINER, isKey, MAX_COLUMN_DEPTH } from './columns.js'
import { FEW_ROWS, flatRowsAt } from './flat-rows.js'
import { toRecord } from './wire-arguments.js'

/** One step of building a payload, in the container that was opened last. */
export type Step =
  /** Begins a container; `key` is its place in an object or map. In an array it is the next element. */
  | { readonly do: 'open'; readonly kind: ContainerKind; readonly key?: unknown }
  /** Adds entries. `keys` are those of an object or map. */
  | { readonly do: 'add'; readonly count: number; readonly items: Column; readonly keys?: Column }
  | { readonly do: 'close' }

/** What crosses as one message. */
export type Slice = readonly Step[]

/** How payloads are cut. The unit is about what one primitive costs; see {@link weightUpTo}. */
export interface Bulk {
  /** Payloads of this weight and more are sliced. */
  readonly from: number
  /** The weight of one slice. */
  readonly slice: number
}

/** Some 1,300 rows of five fields: 2 to 4 ms to decode on a slow machine. */
export const DEFAULT_BULK: Bulk = { from: 20_000, slice: 20_000 }

/** So many elements tell whether a long array is far above a limit: in code that is not compiled yet, weighing all takes long. */
const SAMPLES = 32
/** So many values, and columns of them, may be in one slice: far more than one of the default weight has. */
const MAX_VALUES = 65_536
/** In all slices of one payload. The same bound is on the sender, who then sends it whole. */
const MAX_PAYLOAD = 2 ** 25

/**
 * The weight of a value, or something above `limit` if it is heavier than that, or some of its elements say so.
 * @throws RangeError for one that is too deep for slices, such as a cycle
 */
export function weightUpTo(value: unknown, limit: number, depth = 0): number {
  if (typeof value === 'string') return 1 + value.length / CHARACTERS
  if (typeof value !== 'object' || value === null) return 1
  if (depth > MAX_COLUMN_DEPTH) throw new RangeError('too deep')
  const kind = containerKind(value)
  if (kind === undefined) return weightOf(value, kind)
  let weight = CONTAINER
  if (kind === 'object') {
    for (const key in value) {
      weight += weightUpTo((value as Record<string, unknown>)[key], limit - weight, depth + 1)
      if (weight > limit) return weight
    }
    return weight
  }
  if (kind === 'array' && isFarAbove(limit, value as readonly unknown[], depth)) return Number.POSITIVE_INFINITY
  const isMap = kind === 'map'
  for (const item of value as Iterable<unknown>) {
    const of = isMap ? (item as [unknown, unknown])[1] : item
    weight += weightUpTo(of, limit - weight, depth + 1)
    if (isMap) weight += 1
    if (weight > limit) return weight
  }
  return weight
}

/** Whether a long array is certainly too heavy, or is if its other elements are like those at which it looks. */
function isFarAbove(limit: number, array: readonly unknown[], depth: number): boolean {
  const step = Math.floor(array.length / SAMPLES)
  if (step < 10) return false
  let weight = 0
  for (let i = 0; i < array.length && weight <= limit; i += step) weight += weightUpTo(array[i], limit, depth + 1)
  return weight * step > 2 * limit
}

/** Whether a payload is so large that it is worth slices. */
export function isBulky(payload: unknown, { from }: Bulk = DEFAULT_BULK): boolean {
  if (containerKind(payload) === undefined) return false
  try {
    return weightUpTo(payload, from) > from
  } catch {
    return false // too deep, or with a getter that throws: structured clone says what is wrong with it
  }
}

/**
 * Cuts a payload. What it holds must not change before the last slice was made.
 * @param isTree it is data of this library: plain, and each container in one place
 * @throws whatever shows that it is not for slices, perhaps after some of them
 */
export function* slicesOf(
  payload: object,
  { slice: limit }: Bulk = DEFAULT_BULK,
  isTree = false,
): Generator<Slice, void> {
  const encoder = new ColumnEncoder(isTree)
  let steps: Step[] = []
  let weight = 0
  let total = 0

  function take(): Slice {
    const slice = steps
    steps = []
    total += weight
    weight = 0
    if (total > MAX_PAYLOAD) throw new RangeError('too large')
    return slice
  }

  function* container(kind: ContainerKind, value: object, depth: number, key?: unknown): Generator<Slice, void> {
    if (depth > MAX_COLUMN_DEPTH) throw new RangeError('too deep')
    encoder.enter(value)
    steps.push(key === undefined ? { do: 'open', kind } : { do: 'open', kind, key })
    weight += CONTAINER
    const isKeyed = kind === 'object' || kind === 'map'
    let keys: unknown[] = []
    let items: unknown[] = []
    const add = () => {
      if (items.length === 0) return
      const columns = isKeyed ? { keys: encoder.encode(keys) } : {}
      steps.push({ do: 'add', count: items.length, items: encoder.encode(items), ...columns })
      keys = []
      items = []
    }
    /** Adds an entry to those that are encoded together; false for one that has to begin a slice, or is too large for one. */
    const isTaken = (item: unknown, itemKey?: unknown): boolean => {
      const itemWeight = weightUpTo(item, limit) + Number(isKeyed)
      if (weight > 0 && weight + itemWeight > limit) return false
      if (itemWeight > limit && containerKind(item) !== undefined) return false
      weight += itemWeight
      items.push(item)
      if (isKeyed) keys.push(itemKey)
      return true
    }
    function* begin(item: unknown, itemKey?: unknown): Generator<Slice, void> {
      add()
      if (weight > 0) yield take()
      if (isTaken(item, itemKey)) return
      if (kind === 'set' || !isPrimitive(itemKey)) throw new TypeError('no plain data')
      yield* container(containerKind(item) as ContainerKind, item as object, depth + 1, itemKey)
    }

    if (kind === 'array') {
      const elements = value as readonly unknown[]
      let rowsFrom = isTree ? 0 : elements.length
      for (let i = 0; i < elements.length; ) {
        const rows = i < rowsFrom ? undefined : flatRowsAt(elements, i, limit - weight)
        if (rows !== undefined) {
          add()
          steps.push({ do: 'add', count: rows.count, items: rows.items })
          i += rows.count
          weight += rows.weight
          if (weight >= limit) yield take()
          continue
        }
        if (i >= rowsFrom) rowsFrom = i + FEW_ROWS // else a list of all kinds would be looked at twice
        if (!isTaken(elements[i])) yield* begin(elements[i])
        i += 1
      }
    } else if (isKeyed) {
      for (const [itemKey, item] of kind === 'map' ? (value as ReadonlyMap<unknown, unknown>) : pairsOf(value))
        if (!isTaken(item, itemKey)) yield* begin(item, itemKey)
    } else for (const item of value as ReadonlySet<unknown>) if (!isTaken(item)) yield* begin(item)
    add()
    steps.push({ do: 'close' })
  }

  yield* container(containerKind(payload) as ContainerKind, payload, 0)
  yield take()
}

type Pair = readonly [unknown, unknown]

function* pairsOf(object: object): Generator<Pair> {
  for (const key of Object.keys(object)) yield [key, (object as Record<string, unknown>)[key]]
}

interface Open {
  readonly kind: ContainerKind
  readonly container: object
  clean: boolean
  /** Entries that it was given. */
  size: number
}

/** A payload that arrives in slices. */
export class Assembly {
  /** The containers that were opened, are complete, and certainly fit for a state, with all that is in them. */
  readonly opened: Set<object> = new Set()
  readonly #open: Open[] = []
  #left = MAX_PAYLOAD
  #payload: object | undefined

  /** @throws TypeError for what is no slice, or none that can follow; then it is to be dropped */
  add(slice: unknown): void {
    if (!Array.isArray(slice)) throw new TypeError('a slice is no list of steps')
    this.#left -= slice.length + 1
    const most = Math.min(MAX_VALUES, this.#left)
    if (slice.length > most) throw new TypeError('a payload has too many parts')
    const decoder = new ColumnDecoder(most)
    for (const step of slice as readonly unknown[]) this.#perform(step, decoder)
    this.#left -= most - decoder.left
  }

  /** @throws TypeError if something is missing */
  finish(): object {
    if (this.#payload === undefined || this.#open.length > 0) throw new TypeError('a payload is incomplete')
    return this.#payload
  }

  #perform(step: unknown, decoder: ColumnDecoder): void {
    const { do: deed, kind, key, count, items, keys } = toRecord(step)
    const holder = this.#open.at(-1)
    if (deed === 'open') this.#begin(holder, kind, key)
    else if (holder === undefined) throw new TypeError('a step has no container')
    else if (deed === 'add') {
      if (!Number.isSafeInteger(count) || (count as number) < 0) throw new TypeError('a step has no count')
      decoder.clean = true
      const values = decoder.decode(items, count as number)
      const isKeyed = holder.kind === 'object' || holder.kind === 'map'
      decoder.fill(holder.container, values, isKeyed ? decoder.decode(keys, count as number) : undefined)
      holder.size += values.length
      if (!decoder.clean) holder.clean = false
    } else if (deed === 'close') this.#close(holder)
    else throw new TypeError('a step is of no known kind')
  }

  #begin(holder: Open | undefined, kind: unknown, key: unknown): void {
    if (this.#payload !== undefined && holder === undefined) throw new TypeError('a payload goes on after its end')
    if (this.#open.length > MAX_COLUMN_DEPTH) throw new TypeError('a payload is too deep')
    const container = emptyOf(kind)
    if (container === undefined) throw new TypeError('a container is of no known kind')
    this.#payload ??= container
    if (holder?.kind === 'set') throw new TypeError('a set has no containers')
    if (holder?.kind === 'array') (holder.container as unknown[]).push(container)
    else if (holder?.kind === 'map') {
      if (!isPrimitive(key)) throw new TypeError('a key is not fit')
      ;(holder.container as Map<unknown, unknown>).set(key, container)
    } else if (holder !== undefined) {
      if (!isKey(key)) throw new TypeError('a key is not fit')
      ;(holder.container as Record<string, unknown>)[key] = container
    }
    if (holder !== undefined) holder.size += 1
    this.#open.push({ kind: kind as ContainerKind, container, clean: true, size: 0 })
  }

  #close({ container, clean, kind, size }: Open): void {
    this.#open.pop()
    if (kind === 'object') noteWide(container, size)
    const holder = this.#open.at(-1)
    if (clean) this.opened.add(container)
    else if (holder !== undefined) holder.clean = false
  }
}
