import fc from 'fast-check'
import { transaction } from 'mobx'
import { expect, test } from 'vitest'
import { createObservableView } from '../store/observable-view.js'
import type { Change } from './change.js'
import { MAX_COLUMN, spread } from './change.js'
import { createInitialState, defineState, shapeOf } from './define-state.js'
import { createDraft } from './draft.js'
import { replay } from './draft-replay.js'
import { settle } from './draft-settle.js'
import { StateTree } from './tree.js'

/* Fields that are written in many rows, against plain JavaScript. */

interface Row {
  n: number
  text: string
  any: unknown
  deep: { x: number }
}
interface State {
  count: number
  rows: Row[]
  byId: Map<number, Row>
}

const makeRow = (i: number): Row => ({ n: i, text: `row ${i}`, any: null, deep: { x: i } })
const rowsOf = (count: number) => Array.from({ length: count }, (_, i) => makeRow(i))

function setUp(count: number) {
  const definition = defineState('app', () => ({
    count: 0,
    rows: rowsOf(count),
    byId: new Map(rowsOf(count).map((row) => [row.n, row])),
  }))
  const shape = shapeOf(definition)
  const tree = new StateTree(shape, createInitialState(definition))
  return { shape, tree, root: tree.root as unknown as State }
}

const VALUES: readonly unknown[] = [0, -0, 1, -7, 2 ** 31, 0.5, Number.NaN, 'a', '', null, undefined, true, 5n]
const COUNT = 40

/** What one step of a program does. */
const deeds: readonly ((state: State, i: number, value: unknown) => void)[] = [
  ({ rows }, i, value) => {
    ;(rows[i] as Row).any = value
  },
  ({ rows }, i, value) => {
    ;(rows[i] as Row).n = value as number
  },
  ({ rows }, _i, value) => {
    for (const row of rows) row.any = value
  },
  ({ rows }, i) => {
    for (const [at, row] of rows.entries()) if (at % 2 === i % 2) row.n = at * i
  },
  ({ rows }, i) => {
    for (const row of rows) row.deep.x += i
  },
  ({ byId }, i) => {
    for (const row of byId.values()) row.n = i
  },
  (state, i) => {
    state.count = i
  },
]
/** What makes a draft one that is not plain. */
const others: typeof deeds = [
  ({ rows }, i) => void rows.splice(i, 1, makeRow(-i)),
  ({ rows }, i, value) => {
    rows[i] = { ...(rows[i] as Row), any: value }
  },
  ({ rows }) => void rows.reverse(),
  ({ rows }, i) => {
    ;(rows[i] as Row).deep = { x: -1 }
  },
  ({ rows }, i) => {
    ;(rows[i] as Row).deep = 3 as never
  },
  ({ rows }, i) => void delete (rows[i] as Partial<Row>).text,
]

const steps = fc.array(fc.tuple(fc.nat(99), fc.nat(COUNT - 1), fc.nat(VALUES.length - 1)), {
  minLength: 1,
  maxLength: 6,
})

test('S10: what columns write is what plain JavaScript writes, here and elsewhere, and their inverse leads back', () => {
  let columns = 0
  fc.assert(
    fc.property(
      fc.array(steps, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      fc.boolean(),
      (batches, plain, shown) => {
        const { shape, tree, root } = setUp(COUNT)
        const view = createObservableView(tree)
        const read = () => structuredClone((view.state as State).rows.map((row) => [row.n, row.any, row.text]))
        read()
        const expected = structuredClone(root)
        const other = new StateTree(shape, structuredClone(tree.root))
        const draft = createDraft(shape, tree.root)
        const known = plain ? deeds : [...deeds, ...others]
        for (const batch of batches) {
          for (const [deed, i, value] of batch) {
            for (const side of [draft.state as State, expected]) {
              const run = known[deed % known.length]
              try {
                run?.(side, i, VALUES[value])
              } catch {
                // a row whose `deep` is no object any more: both sides refuse, at the same place
              }
            }
          }
          const changes: readonly Change[] = draft.batch()
          columns += changes.filter(({ op }) => op === 'column').length
          expect(draft.changes()).toEqual(spread(changes))
          const before = structuredClone(tree.root)
          const elsewhere = createDraft(shape, other.root)
          replay(elsewhere.state, structuredClone(spread(changes)))
          other.apply(elsewhere.batch())
          const { inverse } = transaction(() => tree.apply(changes, { observer: view.begin(changes), shown }))
          settle(draft.state, tree.root)
          expect(tree.root).toEqual(expected)
          expect(other.root).toEqual(expected)
          expect(read()).toEqual(expected.rows.map((row) => [row.n, row.any, row.text]))
          if (!shown) continue
          const back = new StateTree(shape, structuredClone(tree.root))
          back.apply(structuredClone(inverse))
          expect(back.root).toEqual(before)
        }
      },
    ),
    { numRuns: 400 },
  )
  expect(columns).toBeGreaterThan(100)
})

test('S10: a field that is written in every row is a few columns, whatever stands in them', () => {
  const count = 10_000
  const { shape, tree } = setUp(count)
  const draft = createDraft(shape, tree.root)
  const { rows } = draft.state as State
  for (const [i, row] of rows.entries()) {
    row.n = -1 - i
    row.any = i / 2
    row.text = 'same'
  }
  const changes = draft.batch()
  expect(changes).toHaveLength(3 * Math.ceil(count / MAX_COLUMN))
  const kinds = changes.map((change) => (change.op === 'column' ? change.values.constructor.name : change.op))
  expect(new Set(kinds)).toEqual(new Set(['Int32Array', 'Float64Array', 'Array']))
  expect(draft.changes()).toHaveLength(3 * count)
})

test('S10: a column whose values were written back is none', () => {
  const { shape, tree } = setUp(COUNT)
  const draft = createDraft(shape, tree.root)
  const { rows } = draft.state as State
  for (const row of rows) row.text += '!'
  for (const row of rows) row.text = row.text.slice(0, -1)
  expect(draft.batch()).toEqual([])
})

test('S6: what a snapshot shows, and what was shown of a commit, stays as it is when columns are written', () => {
  const { shape, tree } = setUp(COUNT)
  const write = (value: string) => {
    const draft = createDraft(shape, tree.root)
    for (const row of (draft.state as State).rows) row.text = value
    return tree.apply(draft.batch(), { shown: true })
  }
  const snapshot = tree.snapshot(true)
  const text = JSON.stringify(snapshot.rows)
  const { inverse } = write('one')
  const shown = structuredClone(inverse)
  write('two')
  expect(JSON.stringify(snapshot.rows)).toBe(text)
  expect(inverse).toEqual(shown)
})
