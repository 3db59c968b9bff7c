import { describe, expect, test } from 'vitest'
import { spread } from './change.js'
import { defineState, shapeOf } from './define-state.js'
import { createDraft } from './draft.js'
import { replay } from './draft-replay.js'
import { settle } from './draft-settle.js'
import { RandomProgram } from './fixtures/random-program.ts'
import { show } from './fixtures/random-values.ts'
import { RUNS, runPrograms, timeout } from './fixtures/run-programs.ts'
import type { Mutation } from './mutation.js'
import { StateTree } from './tree.js'
import { copyIn, isLarge } from './values.js'
import { everyContainer } from './walk.js'

const shape = shapeOf(defineState('anything', () => RandomProgram.initial(0)))

function treeOf(root: Record<string, unknown>): StateTree {
  return new StateTree(shape, structuredClone(root))
}

interface Settings {
  /** Elements of the lists: above 64 they are written in place, and pieces come into play. */
  readonly size: number
  /** Go on with the same draft after each commit, and with what it has handed out; else with a new one. */
  readonly flushes: boolean
  /** Somebody sees each commit: its inverse is made and checked. */
  readonly shown: boolean
  readonly aliases: boolean
  readonly moves: boolean
  /** Whether snapshots are taken: nothing is written in place until what they show was copied. @default true */
  readonly snapshots?: boolean
  /** After how many commits all is compared, which reads it all. The end is compared in any case. @default 1 */
  readonly every?: number
}

/**
 * What is written in place stands in one place: no large container is twice in a tree, or in two trees. Small ones, which
 * are copied at each write, may be shared.
 */
function assertTrees(...roots: readonly object[]): void {
  const found = new Set<object>()
  for (const root of roots) {
    everyContainer(root, (container) => {
      if (!isLarge(container)) return true
      if (found.has(container)) throw new Error(`a large container stands in two places: ${show(container)}`)
      found.add(container)
      return true
    })
  }
}

/** Runs one random program on a draft and on plain data, and checks all that must hold of it. */
function check(tape: readonly number[], settings: Settings): void {
  const { size, flushes, shown, aliases, moves, snapshots = true, every = 1 } = settings
  const initial = () => RandomProgram.initial(size) // cheaper than a clone of it
  let plain = initial()
  const tree = new StateTree(shape, initial())
  const other = new StateTree(shape, initial())
  const taken: { text: string; snapshot: unknown }[] = []
  const takeSnapshot = (): void => {
    const snapshot = tree.snapshot(true)
    taken.push({ text: show(snapshot), snapshot })
  }
  if (snapshots) takeSnapshot()
  const kept: { text: string; mutations: unknown }[] = []
  let draft = createDraft(shape, tree.root)
  const flush = (): void => {
    transfer()
    settle(draft.state, tree.root)
  }
  const program = new RandomProgram(tape, { aliases, moves, inLoop: flushes && !aliases ? flush : undefined })
  const same = (what: string, left: unknown, right: unknown, order = true): void => {
    const [a, b] = [show(left, order), show(right, order)]
    if (a !== b) throw new Error(`${what}:\n${a}\n${b}\n${program.log.join('\n')}\n${kept.at(-1)?.text ?? ''}`)
  }
  /** What the draft has written goes to the tree, and to another: checked by a draft there, as a batch from a worker is. */
  const transfer = (): { mutations: readonly Mutation[]; inverse: readonly Mutation[] } => {
    const mutations = draft.changes()
    const sent = structuredClone(mutations)
    kept.push({ text: show(mutations), mutations })
    const inverse = spread(tree.apply(mutations, { shown }).inverse)
    if (shown) kept.push({ text: show(inverse), mutations: inverse })
    const elsewhere = createDraft(shape, other.root)
    replay(elsewhere.state, sent)
    other.apply(elsewhere.changes())
    assertTrees(tree.root, other.root)
    return { mutations, inverse }
  }
  const commit = (compared: boolean): void => {
    const before = shown ? structuredClone(tree.root) : undefined
    const { mutations, inverse } = transfer()
    if (compared) {
      same('the tree and plain data', tree.root, plain)
      same('the batch applied elsewhere, and plain data', other.root, plain)
    }
    if (mutations.length === 0) same('nothing was recorded, and yet', tree.root, plain)
    if (!shown) return
    const back = treeOf(tree.root)
    const undo = createDraft(shape, back.root)
    replay(undo.state, structuredClone(inverse))
    back.apply(undo.changes())
    same('the inverse applied, and the data before', back.root, before, false)
  }
  for (let commits = 1; !program.done; commits++) {
    const compared = commits % every === 0
    const difference = program.run({ draft: draft.state, plain }, flushes ? 5 : 20)
    if (difference !== undefined) throw new Error(`${difference}\n${program.log.join('\n')}`)
    if (compared) same('the draft and plain data', draft.state, plain)
    commit(compared || program.done)
    if (snapshots && commits % 3 === 0) takeSnapshot()
    // A container in two places is two from now on, which plain JavaScript does not do by itself.
    if (aliases) {
      plain = copyIn(plain, []) as typeof plain
      program.forget()
    }
    if (flushes) {
      settle(draft.state, tree.root)
      if (compared || program.done) same('the draft after a flush, and plain data', draft.state, plain)
    } else {
      draft = createDraft(shape, tree.root)
      program.forget()
    }
  }
  for (const { text, snapshot } of taken)
    if (show(snapshot) !== text) throw new Error(`a snapshot changed: ${show(snapshot)}`)
  if (shown)
    for (const { text, mutations } of kept)
      if (show(mutations) !== text) throw new Error(`kept mutations changed: ${text}`)
}

const small: Settings = { size: 4, flushes: false, shown: true, aliases: true, moves: true }
const large: Settings = { ...small, size: 66 }

describe('random programs', () => {
  const named: [string, number, Settings][] = [
    ['G6 S6: a draft, its mutations and their inverses do what plain JavaScript does', RUNS, small],
    ['G6 S6: the same with lists long enough to be written in place', RUNS / 8, large],
    ['G6 S6: the same without snapshots', RUNS / 10, { ...large, snapshots: false, every: 3 }],
    ['G6: the same when nobody sees the commits', RUNS / 8, { ...large, shown: false }],
    [
      'G6: the same without snapshots either: written in place',
      RUNS,
      { ...large, shown: false, snapshots: false, every: 4 },
    ],
  ]
  const apart = { aliases: false, flushes: true }
  const flushed: [string, number, Settings][] = [
    ['G6 L13: a draft goes on over each flush, with what it has handed out', RUNS / 2, { ...small, ...apart }],
    ['G6 L13: the same with long lists', RUNS / 10, { ...large, ...apart, every: 2 }],
    [
      'G6 L13: the same with long lists, in place',
      RUNS / 8,
      { ...large, ...apart, shown: false, snapshots: false, every: 4 },
    ],
    ['G6 L13 S11: the same where containers were put in two places', RUNS / 8, { ...small, flushes: true }],
  ]

  // A list of a row that leaves with a container, and comes back in it: found once in some thousand programs.
  test('G6 L13: a tape that a draft over flushes once did not stand', () => {
    const tape = [
      1, 0, 1162, 61, 0, 0, 2845, 2581, 10, 2561, 0, 0, 2705, 1611, 156, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 250, 6949,
      8443, 7391, 0, 1, 5107, 0, 0, 0, 0, 5, 0, 0, 1, 177, 0, 0, 0, 0, 3049, 289, 0, 0, 0, 4999, 0, 1558, 853, 1, 0, 0,
      8, 0, 0, 0, 5,
    ]
    const [, , settings] = flushed.find(([name]) => name.includes('handed out')) as (typeof flushed)[number]
    check(tape, settings)
  })

  test.each([...named, ...flushed])('%s', { timeout }, (_title, runs, settings) => {
    runPrograms('drafts', runs, (tape) => check(tape, settings))
  })
})

test('L13: what was written in a row that a flush has let go is there when the row comes back', () => {
  const lists = shapeOf(defineState('lists', () => ({ list: [] })))
  const tree = new StateTree(lists, { list: [{ id: 0, tags: ['a'] }] })
  const draft = createDraft(lists, tree.root)
  const { list } = draft.state as { list: { id: number; tags: string[] }[] }
  const row = list[0] as (typeof list)[number]
  const { tags } = row
  const flush = (): void => {
    tree.apply(draft.changes())
    settle(draft.state, tree.root)
  }
  list.pop()
  flush()
  tags.push('b')
  list.push(row)
  flush()
  expect(tree.root).toEqual({ list: [{ id: 0, tags: ['a', 'b'] }] })
})

test('data is written as texts that say all of it', () => {
  expect(show({ a: [1, -0, undefined], m: new Map([[Number.NaN, new Set(['x'])]]) })).toBe(
    '{a:[1,-0,undefined],m:Map{NaN=>Set{"x"}}}',
  )
})
