import { expect, test } from 'vitest'
import { createInitialState, defineState, shapeOf } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import { replay } from '../state/draft-replay.js'
import { fresh, show, simple } from '../state/fixtures/random-values.js'
import type { Mutation } from '../state/mutation.js'
import { StateTree } from '../state/tree.js'
import { copyIn } from '../state/values.js'
import { Chance } from '../store/fixtures/chance.js'
import { differences, differencesOfKeys, OrderError } from './differences.js'

const SEED = Number(process.env.LEASEHOLD_SEED ?? 5)
const definition = defineState('differences', () => ({ value: undefined as unknown }))

/** The state with a value in it after what leads to another, and how many mutations that took. */
function follow(before: unknown, after: unknown): { value: unknown; mutations: Mutation[] } {
  const tree = new StateTree(shapeOf(definition), { ...createInitialState(definition), value: copyIn(before, []) })
  const all = [...differences(['value'], tree.root.value, copyIn(after, []))]
  const mutations = all.filter((mutation) => mutation !== undefined)
  const draft = createDraft(tree.shape, tree.root)
  replay(draft.state, mutations)
  tree.apply(draft.changes())
  return { value: tree.root.value, mutations }
}

function randomValue(chance: Chance, depth = 0): unknown {
  if (depth > 2 || chance.hit(0.3)) return simple(chance.below(40))
  const values = Array.from({ length: chance.below(6) }, () => randomValue(chance, depth + 1))
  const key = () => chance.pick(['a', 'b', '7', '0', 'key', 'x y'])
  switch (chance.below(5)) {
    case 0:
      return values
    case 1:
      return Object.fromEntries(values.map((value) => [key(), value]))
    case 2:
      return new Map(values.map((value) => [chance.pick(['a', 1, '1', null, Number.NaN, 7n]), value]))
    case 3:
      return new Set(values.map(() => chance.pick(['a', 1, true, undefined, Number.NaN])))
    default:
      return fresh(chance.below(5), chance.below(9), undefined)
  }
}

/** The same with something changed in it. */
function changed(value: unknown, chance: Chance): unknown {
  if (typeof value !== 'object' || value === null || chance.hit(0.1)) return randomValue(chance, 1)
  if (Array.isArray(value)) {
    const copy = value.slice()
    const at = chance.below(copy.length + 1)
    if (chance.hit(0.5) && at < copy.length) copy[at] = changed(copy[at], chance)
    else copy.splice(at, chance.below(3), ...(chance.hit(0.5) ? [randomValue(chance, 1)] : []))
    return chance.hit(0.1) ? copy.reverse() : copy
  }
  const change = (entries: unknown[][]) => {
    const copy = entries.slice()
    const at = chance.below(copy.length + 1)
    if (chance.hit(0.4) && at < copy.length) copy[at] = [copy[at]?.[0], changed(copy[at]?.[1], chance)]
    else copy.splice(at, chance.below(2), ...(chance.hit(0.5) ? [['new', randomValue(chance, 1)]] : []))
    return chance.hit(0.2) ? copy.reverse() : copy
  }
  if (value instanceof Map) return new Map(change([...value]) as [unknown, unknown][])
  if (value instanceof Set) return new Set(change([...value].map((member) => [member])).map(([member]) => member))
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(change(Object.entries(value)) as [string, unknown][])
}

test('P6: mutations lead from any value to any other, order of keys included', () => {
  for (let seed = 0; seed < 3_000; seed++) {
    const chance = new Chance(SEED * 10_007 + seed)
    const before = randomValue(chance)
    const after = chance.hit(0.8) ? changed(before, chance) : randomValue(chance)
    expect(show(follow(before, after).value), `seed ${seed}`).toBe(show(after))
  }
})

test('P6: what is the same costs nothing, and what is not costs what it changes', () => {
  const rows = (count: number, from = 0) => Array.from({ length: count }, (_, i) => ({ id: from + i, tags: ['a'] }))
  const paths = (before: unknown, after: unknown) =>
    follow(before, after).mutations.map(({ op, path }) => [op, ...path])
  expect(paths(rows(500), rows(500))).toEqual([])
  const one = rows(500)
  one[300]?.tags.push('b')
  expect(paths(rows(500), one)).toEqual([['splice', 'value', 300, 'tags']])
  expect(paths(rows(500), [...rows(500), ...rows(1, 500)])).toEqual([['splice', 'value']])
  const map = (keys: string) => new Map([...keys].map((key) => [key, { key }]))
  expect(paths(map('abcd'), map('abde'))).toEqual([
    ['delete', 'value', 'c'],
    ['set', 'value', 'e'],
  ])
  expect(paths(map('abcd'), map('abdc'))).toEqual([['set', 'value']])
  // An object has its numbers in front: one that comes is in order wherever it is put.
  expect(paths({ a: 1, 9: 1 }, { a: 1, 9: 1, 3: 1 })).toEqual([['set', 'value', '3']])
})

test('P6: entries that come where others are behind them cannot be put there', () => {
  const before = new Map([['a', 1]])
  const run = (after: Map<string, number>, isLast: boolean) => [...differencesOfKeys(['map'], before, after, isLast)]
  expect(() => run(new Map([...before, ['b', 2]]), false)).toThrow(OrderError)
  expect(run(new Map([...before, ['b', 2]]), true).filter((mutation) => mutation !== undefined)).toHaveLength(1)
  expect(run(new Map(), false).filter((mutation) => mutation !== undefined)).toHaveLength(1)
})
