import fc from 'fast-check'
import { autorun, computed, observable, runInAction, transaction } from 'mobx'
import { expect, test } from 'vitest'
import { createInitialState, defineState, shapeOf } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import { StateTree } from '../state/tree.js'
import { madeForTesting } from './node-atoms.js'
import { createObservableView } from './observable-view.js'

/* Who reads fields of rows hears of those fields alone, and what that takes. */

type Row = Record<string, number>

const FIELDS = ['a', 'b', 'c', 'd', 'e']
const makeRows = (count: number): Row[] =>
  Array.from({ length: count }, () => Object.fromEntries(FIELDS.map((field) => [field, 0])))

const definition = defineState('readers', () => ({ rows: [] as Row[] }))

function setUp(count: number) {
  const tree = new StateTree(shapeOf(definition), createInitialState(definition, { rows: makeRows(count) }))
  const view = createObservableView(tree)
  const { rows } = view.state as { rows: Row[] }
  const change = (recipe: (rows: Row[]) => void): void => {
    const draft = createDraft(tree.shape, tree.root)
    recipe((draft.state as { rows: Row[] }).rows)
    const mutations = draft.changes()
    transaction(() => tree.apply(mutations, { observer: view.begin(mutations) }))
  }
  /** Writes a field of the first row. */
  const write = (field: string, value: number): void =>
    change(([first]) => {
      ;(first as Row)[field] = value
    })
  return { change, write, row: (index: number) => rows[index] as Row }
}

/** How many atoms are made by what it does. */
function atomsOf(act: () => void): number {
  const before = madeForTesting.atoms
  act()
  return madeForTesting.atoms - before
}

const readAll = (row: Row): number => FIELDS.reduce((sum, field) => sum + (row[field] as number), 0)

/** Counts the runs of a reaction beyond its first. */
function watch(read: () => unknown) {
  const watched = { runs: -1, stop: () => {} }
  watched.stop = autorun(() => {
    read()
    watched.runs += 1
  })
  return watched
}

test('a reaction makes one atom for all that it reads of a row, which goes when it has run again or is gone', () => {
  const { row, write } = setUp(1)
  watch(() => row(0)).stop() // the atom of the list stays
  for (let round = 0; round < 10; round += 1) {
    let sum = 0
    let stop = () => {}
    const made = atomsOf(() => {
      stop = autorun(() => {
        sum = readAll(row(0))
      })
    })
    expect(made).toBe(1)
    for (let value = 1; value < 10; value += 1) {
      expect(atomsOf(() => write('c', round + value))).toBe(1)
      expect(sum).toBe(round + value)
    }
    write('c', 0)
    stop()
  }
})

test('many readers of one row share an atom for each field, and each hears of its own', () => {
  const { row, write } = setUp(1)
  const before = madeForTesting.atoms
  const fields = FIELDS.flatMap((field) => Array.from({ length: 20 }, () => field))
  const watched = fields.map((field) => ({ field, reaction: watch(() => row(0)[field]) }))
  expect(madeForTesting.atoms - before).toBeLessThan(4 + FIELDS.length + 2)
  for (const written of FIELDS) {
    const runs = watched.map(({ reaction }) => reaction.runs)
    write(written, 7)
    expect(watched.map(({ reaction }, i) => reaction.runs - (runs[i] as number))).toEqual(
      watched.map(({ field }) => Number(field === written)),
    )
  }
  for (const { reaction } of watched) reaction.stop()
})

test('a computed that is asked inside of a batch, and by nobody who is observed, keeps up with each commit', () => {
  const { row, write } = setUp(1)
  const sum = computed(() => readAll(row(0)))
  const seen: number[] = []
  const made = atomsOf(() => {
    runInAction(() => {
      for (const value of [1, 2, 3]) {
        write('b', value)
        seen.push(sum.get(), sum.get())
      }
    })
  })
  expect(seen).toEqual([1, 1, 2, 2, 3, 3])
  expect(made).toBe(2) // of the list and of the row as wholes: those of keys would never be let go
})

test('a reaction that reads more keys of a record than one atom takes hears of each', () => {
  const { row, change, write } = setUp(1)
  const keys = Array.from({ length: 2_000 }, (_, i) => `key ${i}`)
  change((rows) => {
    rows[0] = Object.fromEntries(keys.map((key) => [key, 0]))
  })
  const all = watch(() => keys.map((key) => row(0)[key]))
  for (const key of keys.slice(0, 100)) write(key, 1)
  expect(all.runs).toBe(100)
  const each = keys.map((key) => watch(() => row(0)[key]))
  for (const key of keys.slice(0, 100)) write(key, 2)
  expect(each.map(({ runs }) => runs)).toEqual(keys.map((_, i) => Number(i < 100)))
  for (const { stop } of [all, ...each]) stop()
})

/** Reads a row after the other; an odd value leads past the next step. A step may ask a computed. */
type Program = readonly { readonly row: number; readonly field: number; readonly ask: boolean }[]

const ROWS = 3
const program = fc.array(fc.record({ row: fc.nat(ROWS - 1), field: fc.nat(FIELDS.length - 1), ask: fc.boolean() }), {
  minLength: 1,
  maxLength: 8,
})
const write = fc.record({ row: fc.nat(ROWS - 1), field: fc.nat(FIELDS.length - 1), value: fc.nat(2) })
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ writes: fc.array(write, { minLength: 1, maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ toggled: fc.nat(7) }) },
)

/** Reactions and computeds over rows, and how often each has run. */
function readers(programs: readonly Program[], row: (index: number) => Row) {
  const runs = programs.map(() => 0)
  const asked: { get(): number }[] = programs.map((one, i) =>
    computed(() => {
      runs[i] = (runs[i] as number) + 1
      return perform(one, i)
    }),
  )
  function perform(one: Program, i: number): number {
    let sum = 0
    for (let at = 0; at < one.length; at += 1) {
      const { row: index, field, ask } = one[at] as Program[number]
      const value = row(index)[FIELDS[field] as string] as number
      sum = sum * 3 + value
      if (ask && i > 0) sum += asked[i - 1]?.get() ?? 0
      at += value % 2
    }
    return sum
  }
  const stops: ((() => void) | undefined)[] = programs.map(() => undefined)
  return {
    runs,
    /** Begins to observe a reader, or ends it. */
    toggle(index: number): void {
      const i = index % programs.length
      const stop = stops[i]
      stop?.()
      stops[i] = stop === undefined ? autorun(() => void asked[i]?.get()) : undefined
    },
  }
}

test('S1 every reader of rows runs as often as with deep MobX: no run too few, and none too many', () => {
  fc.assert(
    fc.property(
      fc.array(program, { minLength: 1, maxLength: 8 }),
      fc.array(step, { maxLength: 30 }),
      (programs, steps) => {
        const ours = setUp(ROWS)
        const theirs = observable(makeRows(ROWS))
        const pair = [readers(programs, ours.row), readers(programs, (index) => theirs[index] as Row)] as const
        for (const reader of pair) for (let i = 0; i < programs.length; i += 2) reader.toggle(i)
        for (const one of steps) {
          if ('toggled' in one) for (const reader of pair) reader.toggle(one.toggled)
          else {
            // The last write of a field is what counts: a batch does not say what stood there in the meantime.
            const last = new Map(one.writes.map(({ row, field, value }) => [`${row}.${field}`, { row, field, value }]))
            const act = (rows: Row[]) => {
              for (const { row, field, value } of last.values()) (rows[row] as Row)[FIELDS[field] as string] = value
            }
            ours.change(act)
            runInAction(() => act(theirs))
          }
          expect(pair[0].runs).toEqual(pair[1].runs)
        }
      },
    ),
    { numRuns: 300 },
  )
})
