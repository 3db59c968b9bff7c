/*
 * Random programs over state, for property tests: the same steps on a draft and on plain JavaScript data.
 *
 * A tape of numbers drives every choice, so that fast-check can shrink it. Left out, as the draft differs by design: holes,
 * null prototypes, and containers inside themselves.
 */

import { containerKind } from './values.js'

/** One thing seen from both sides. */
interface Pair {
  readonly draft: unknown
  readonly plain: unknown
}

type Side = 'draft' | 'plain'

const primitives = [0, 1, 2, -0, Number.NaN, 'x', 'y', '', true, null, undefined, 7n]
const objectKeys = ['a', 'b', 'c', 'list', '1', '0', '10']
const mapKeys = ['a', 'b', 0, -0, Number.NaN, null, 1n, 'k']

/** Writes data with its types and key order, so that equal texts mean equal data; `order: false` leaves key order out. */
export function show(value: unknown, order = true, depth = 0): string {
  if (depth > 40) return '…'
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? JSON.stringify(value) : String(value)
  const inner = (item: unknown): string => show(item, order, depth + 1)
  const all = (items: string[]): string => (order ? items : items.sort()).join(',')
  if (Array.isArray(value)) return `[${value.map(inner).join(',')}]`
  if (value instanceof Map) return `Map{${all([...value].map(([key, item]) => `${show(key)}=>${inner(item)}`))}}`
  if (value instanceof Set) return `Set{${all([...value].map((item) => show(item)))}}`
  return `{${all(Object.keys(value).map((key) => `${key}:${inner((value as Record<string, unknown>)[key])}`))}}`
}

export class RandomProgram {
  readonly #tape: readonly number[]
  #at = 0
  #held: Pair[] = []
  /** Several references to one container, and containers in two places. */
  readonly #aliases: boolean
  /** What the steps did, for the message of a failure. */
  readonly log: string[] = []

  constructor(tape: readonly number[], options: { readonly aliases?: boolean } = {}) {
    this.#tape = tape
    this.#aliases = options.aliases ?? true
  }

  get done(): boolean {
    return this.#at >= this.#tape.length
  }

  /** Lets go of what was held from earlier steps. */
  forget(): void {
    this.#held = []
  }

  #next(below: number): number {
    const number = this.#tape[this.#at++] ?? 0
    return number % below
  }

  /** First data: some of everything. `size` is the length of its lists. */
  static initial(size: number): Record<string, unknown> {
    const row = (id: number): unknown => ({ id, a: 'row', list: [id, { id }] })
    return {
      a: 1,
      b: { a: 1, b: { c: 2 }, '1': 'one', list: [] },
      list: Array.from({ length: size }, (_, id) => row(id)),
      numbers: Array.from({ length: size }, (_, i) => i),
      map: new Map<unknown, unknown>([
        ['a', { x: 1 }],
        ['b', 2],
        [Number.NaN, { y: 1 }],
        [0, [1, 2]],
      ]),
      set: new Set<unknown>([1, 'a', Number.NaN]),
    }
  }

  /** Runs steps on both sides until the tape ends or `steps` are done; gives where they differ, if they do. */
  run(root: Pair, steps: number): string | undefined {
    for (let i = 0; i < steps && !this.done; i++) {
      const target = this.#pick(root)
      const [draft, plain] = this.#step(root, target)
      if (draft !== plain) return `step "${this.log.at(-1)}": draft ${draft}, plain ${plain}`
    }
    return undefined
  }

  /** A container somewhere in the state, or one held from before. */
  #pick(root: Pair): Pair {
    if (this.#held.length > 0 && this.#next(4) === 0) {
      const held = this.#held[this.#next(this.#held.length)] as Pair
      return held
    }
    let at = root
    for (let depth = this.#next(5) + 1; depth > 0; depth--) {
      const children = childrenOf(at)
      if (children.length === 0) break
      at = children[this.#next(children.length)] as Pair
    }
    if (this.#next(3) === 0 && at !== root) this.#held.push(at)
    return at
  }

  /** Something to assign: for each side its own. */
  #value(root: Pair, into: Pair): Pair {
    const choice = this.#next(8)
    if (choice < 3) {
      const primitive = primitives[this.#next(primitives.length)]
      return { draft: primitive, plain: primitive }
    }
    if (choice < 6 || !this.#aliases) {
      const kind = this.#next(5)
      const seed = this.#next(100)
      const embedded = this.#aliases && this.#next(3) === 0 ? this.#existing(root, into) : undefined
      return { draft: fresh(kind, seed, embedded?.draft), plain: fresh(kind, seed, embedded?.plain) }
    }
    return this.#existing(root, into)
  }

  #existing(root: Pair, into: Pair): Pair {
    const found = this.#pick(root)
    if (found.plain === root.plain || holds(found.plain, into.plain)) return { draft: 'self', plain: 'self' }
    return found
  }

  #step(root: Pair, target: Pair): [string, string] {
    const kind = containerKind(target.plain)
    if (target.plain === root.plain) return this.#stepRoot(root, target)
    if (kind === 'array') return this.#stepArray(root, target)
    if (kind === 'map') return this.#stepMap(root, target)
    if (kind === 'set') return this.#stepSet(target)
    return this.#stepObject(root, target)
  }

  /** Does one thing to both sides and shows what came back. */
  #both(target: Pair, name: string, act: (side: Side, container: never) => unknown): [string, string] {
    this.log.push(name)
    const results = (['draft', 'plain'] as const).map((side) => {
      try {
        return show(act(side, target[side] as never))
      } catch (error) {
        return `throws ${(error as Error).name}: ${(error as Error).message}`
      }
    })
    return results as [string, string]
  }

  #stepRoot(root: Pair, target: Pair): [string, string] {
    const fields = ['a', 'b', 'list', 'numbers']
    const field = fields[this.#next(fields.length)] as string
    const keep = this.#next(3)
    if (this.#next(2) === 0 && Array.isArray((target.plain as Record<string, unknown>)[field])) {
      // Filtered, and perhaps extended, in its own place.
      const value = this.#value(root, target)
      return this.#both(target, `root.${field} = filter`, (side, state: Record<string, unknown[]>) => {
        const list = state[field] as unknown[]
        let kept = list.filter((_, i) => i % 3 !== keep)
        if (keep === 1) kept = [...kept, value[side]]
        if (keep === 2) kept = kept.reverse()
        state[field] = kept
        return state[field]
      })
    }
    const value = this.#value(root, target)
    return this.#both(target, `root.${field} =`, (side, state: Record<string, unknown>) => {
      state[field] = value[side]
      return state[field]
    })
  }

  #stepObject(root: Pair, target: Pair): [string, string] {
    const key = objectKeys[this.#next(objectKeys.length)] as string
    switch (this.#next(5)) {
      case 0:
        return this.#both(target, `delete ${key}`, (_side, object: Record<string, unknown>) => delete object[key])
      case 1:
        return this.#both(target, 'keys', (_side, object: Record<string, unknown>) => [
          Object.keys(object),
          key in object,
          Object.hasOwn(object, key),
          Object.entries(object),
        ])
      case 2: {
        const value = this.#value(root, target)
        return this.#both(target, `assign ${key}`, (side, object: Record<string, unknown>) =>
          Object.assign(object, { [key]: value[side], c: 5 }),
        )
      }
      default: {
        const value = this.#value(root, target)
        return this.#both(target, `${key} =`, (side, object: Record<string, unknown>) => {
          object[key] = value[side]
          return object[key]
        })
      }
    }
  }

  #stepArray(root: Pair, target: Pair): [string, string] {
    const length = (target.plain as unknown[]).length
    const i = this.#next(length + 1)
    const j = this.#next(length + 1)
    switch (this.#next(18)) {
      case 0: {
        const value = this.#value(root, target)
        return this.#both(target, `push`, (side, array: unknown[]) => array.push(value[side], 1))
      }
      case 1:
        return this.#both(target, 'pop', (_side, array: unknown[]) => array.pop())
      case 2:
        return this.#both(target, 'shift', (_side, array: unknown[]) => array.shift())
      case 3: {
        const value = this.#value(root, target)
        return this.#both(target, 'unshift', (side, array: unknown[]) => array.unshift(value[side]))
      }
      case 4: {
        const value = this.#value(root, target)
        const count = this.#next(3)
        return this.#both(target, `splice ${i} ${count}`, (side, array: unknown[]) =>
          array.splice(i, count, value[side]),
        )
      }
      case 5:
        return this.#both(target, `splice ${-i} ${j}`, (_side, array: unknown[]) => array.splice(-i, j))
      case 6:
        return this.#both(target, 'reverse', (_side, array: unknown[]) => array.reverse())
      case 7:
        return this.#both(target, 'sort', (_side, array: unknown[]) => array.sort(byShape(i % 2 === 0)))
      case 8: {
        const value = this.#aliases ? this.#value(root, target) : { draft: i, plain: i }
        return this.#both(target, 'fill', (side, array: unknown[]) =>
          array.fill(value[side], Math.min(i, j), Math.min(i, j) + 2),
        )
      }
      case 9:
        if (!this.#aliases) return this.#both(target, 'flat', (_side, array: unknown[]) => array.flat())
        return this.#both(target, 'copyWithin', (_side, array: unknown[]) => array.copyWithin(i, j, j + 2))
      case 10:
        return this.#both(target, `swap ${i} ${j}`, (_side, array: unknown[]) => {
          if (i >= array.length || j >= array.length) return array.length
          const held = array[i]
          array[i] = array[j]
          array[j] = held
          return array
        })
      case 11: // drag and drop
        return this.#both(target, `drag ${i} ${j}`, (_side, array: unknown[]) => {
          const [dragged] = array.splice(i, 1)
          array.splice(j, 0, dragged)
          return array
        })
      case 12:
        return this.#both(target, 'length', (_side, array: unknown[]) => {
          array.length = Math.min(i, array.length)
          return array.length
        })
      case 13:
        return this.#both(target, 'read', (_side, array: unknown[]) => [
          array.slice(-3),
          array.at(-1),
          array.indexOf(array[i]),
          array.includes(array[j]),
          array.map((item) => typeof item),
          array.concat([1]).length,
          [...array].length,
          array.findLast((item) => typeof item === 'object'),
          array.join === Array.prototype.join,
          i in array,
        ])
      case 14: {
        // Writing while iterating.
        const value = this.#value(root, target)
        return this.#both(target, 'for of', (side, array: unknown[]) => {
          const seen: unknown[] = []
          for (const item of array) {
            seen.push(typeof item)
            if (seen.length === 1) array.push(value[side])
            if (seen.length === 2) array.splice(0, 1)
            if (seen.length > 40) break
          }
          return seen
        })
      }
      case 15:
        return this.#both(target, 'rotate', (_side, array: unknown[]) => {
          const first = array[0]
          for (let k = 1; k < array.length; k++) array[k - 1] = array[k]
          if (array.length > 0) array[array.length - 1] = first
          return array
        })
      default: {
        const value = this.#value(root, target)
        return this.#both(target, `[${i}] =`, (side, array: unknown[]) => {
          array[i] = value[side]
          return array
        })
      }
    }
  }

  #stepMap(root: Pair, target: Pair): [string, string] {
    const key = mapKeys[this.#next(mapKeys.length)]
    switch (this.#next(8)) {
      case 0:
        return this.#both(target, `map delete`, (_side, map: Map<unknown, unknown>) => map.delete(key))
      case 1:
        return this.#both(target, 'map clear', (_side, map: Map<unknown, unknown>) =>
          this.#at % 3 === 0 ? map.clear() : map.size,
        )
      case 2:
        return this.#both(target, 'map read', (_side, map: Map<unknown, unknown>) => [
          [...map.keys()],
          map.size,
          map.has(key),
          map.get(key),
          [...map.values()].length,
          [...map.entries()].length,
        ])
      case 3: {
        const value = this.#value(root, target)
        return this.#both(target, 'map for of', (side, map: Map<unknown, unknown>) => {
          const seen: unknown[] = []
          for (const [at] of map) {
            seen.push(at)
            if (seen.length === 1) {
              map.delete(at)
              map.set(at, value[side])
            }
            if (seen.length === 2) map.delete(key)
            if (seen.length === 3) map.set(key, 3)
            if (seen.length > 40) break
          }
          return seen
        })
      }
      default: {
        const value = this.#value(root, target)
        return this.#both(target, 'map set', (side, map: Map<unknown, unknown>) => map.set(key, value[side]))
      }
    }
  }

  #stepSet(target: Pair): [string, string] {
    const member = mapKeys[this.#next(mapKeys.length)]
    switch (this.#next(5)) {
      case 0:
        return this.#both(target, 'set delete', (_side, set: Set<unknown>) => set.delete(member))
      case 1:
        return this.#both(target, 'set for of', (_side, set: Set<unknown>) => {
          const seen: unknown[] = []
          for (const item of set) {
            seen.push(item)
            if (seen.length === 1) {
              set.delete(item)
              set.add(item)
            }
            if (seen.length > 30) break
          }
          return seen
        })
      case 2:
        return this.#both(target, 'set clear', (_side, set: Set<unknown>) =>
          this.#at % 4 === 0 ? set.clear() : [set.size, set.has(member)],
        )
      default:
        return this.#both(target, 'set add', (_side, set: Set<unknown>) => set.add(member))
    }
  }
}

function childrenOf({ draft, plain }: Pair): Pair[] {
  const pairs: Pair[] = []
  const add = (draftChild: unknown, plainChild: unknown): void => {
    if (containerKind(plainChild) !== undefined) pairs.push({ draft: draftChild, plain: plainChild })
  }
  if (plain instanceof Map) for (const [key, child] of plain) add((draft as Map<unknown, unknown>).get(key), child)
  else if (plain instanceof Set) return pairs
  else if (Array.isArray(plain)) {
    // The first and last ones only: looking at every row would make a node for every row.
    for (const i of new Set([0, 1, 2, plain.length - 2, plain.length - 1])) {
      if (i >= 0 && i < plain.length) add((draft as unknown[])[i], plain[i])
    }
  } else
    for (const key of Object.keys(plain as object))
      add((draft as Record<string, unknown>)[key], (plain as Record<string, unknown>)[key])
  return pairs
}

function holds(container: unknown, sought: unknown): boolean {
  if (container === sought) return true
  if (containerKind(container) === undefined || container instanceof Set) return false
  const items = container instanceof Map ? [...container.values()] : Object.values(container as object)
  return items.some((item) => typeof item === 'object' && item !== null && holds(item, sought))
}

function fresh(kind: number, seed: number, embedded: unknown): unknown {
  switch (kind) {
    case 0:
      return { a: seed, list: embedded === undefined ? [seed] : [embedded] }
    case 1:
      return embedded === undefined ? [seed, { id: seed }] : [seed, { deep: embedded }]
    case 2:
      return new Map<unknown, unknown>([
        ['a', embedded ?? { seed }],
        ['b', seed],
      ])
    case 3:
      return new Set([seed, 'a'])
    default:
      return { id: seed, b: { c: embedded ?? seed } }
  }
}

function byShape(ascending: boolean): (a: unknown, b: unknown) => number {
  const weight = (value: unknown): number =>
    typeof value === 'number'
      ? value || 0
      : typeof value === 'object' && value !== null
        ? (Object.keys(value).length * 7) % 5
        : 3
  return (a, b) => (ascending ? 1 : -1) * (weight(a) - weight(b))
}
