import { describe, expect, test } from 'vitest'
import { defineState, shapeOf } from './define-state.js'
import { createDraft } from './draft.js'
import { replay } from './draft-replay.js'
import { settle } from './draft-settle.js'
import { RandomProgram, show } from './fixtures/random-program.ts'
import { RUNS, runPrograms } from './fixtures/run-programs.ts'
import { StateTree } from './tree.js'
import { copyIn } from './values.js'

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
}

/** Runs one random program on a draft and on plain data, and checks all that must hold of it. */
function check(tape: readonly number[], { size, flushes, shown, aliases }: Settings): void {
  const initial = RandomProgram.initial(size)
  let plain = structuredClone(initial)
  const tree = treeOf(initial)
  const other = treeOf(initial)
  const snapshot = tree.snapshot(true)
  const textOfSnapshot = show(snapshot)
  const kept: { text: string; mutations: unknown }[] = []
  let draft = createDraft(shape, tree.root)
  const program = new RandomProgram(tape, { aliases })
  const same = (what: string, left: unknown, right: unknown, order = true): void => {
    const [a, b] = [show(left, order), show(right, order)]
    if (a !== b) throw new Error(`${what}:\n${a}\n${b}\n${program.log.join('\n')}\n${kept.at(-1)?.text ?? ''}`)
  }
  const commit = (): void => {
    const before = structuredClone(tree.root)
    const mutations = draft.changes()
    const sent = structuredClone(mutations)
    kept.push({ text: show(mutations), mutations })
    const { inverse } = tree.apply(mutations, { shown })
    same('the tree and plain data', tree.root, plain)
    if (mutations.length === 0) same('nothing was recorded, and yet', before, plain)
    // Elsewhere: checked by a draft there, as a batch from a worker is.
    const elsewhere = createDraft(shape, other.root)
    replay(elsewhere.state, sent)
    other.apply(elsewhere.changes())
    same('the batch applied elsewhere, and plain data', other.root, plain)
    if (!shown) return
    kept.push({ text: show(inverse), mutations: inverse })
    const back = treeOf(tree.root)
    const undo = createDraft(shape, back.root)
    replay(undo.state, structuredClone(inverse))
    back.apply(undo.changes())
    same('the inverse applied, and the data before', back.root, before, false)
  }
  while (!program.done) {
    const difference = program.run({ draft: draft.state, plain }, flushes ? 5 : 20)
    if (difference !== undefined) throw new Error(`${difference}\n${program.log.join('\n')}`)
    same('the draft and plain data', draft.state, plain)
    commit()
    if (flushes) {
      settle(draft.state, tree.root)
      same('the draft after a flush, and plain data', draft.state, plain)
    } else {
      // A container in two places is two from now on, which plain JavaScript does not do by itself.
      plain = copyIn(plain, []) as typeof plain
      draft = createDraft(shape, tree.root)
      program.forget()
    }
  }
  if (show(snapshot) !== textOfSnapshot) throw new Error(`a snapshot changed: ${show(snapshot)}`)
  if (shown)
    for (const { text, mutations } of kept)
      if (show(mutations) !== text) throw new Error(`kept mutations changed: ${text}`)
}

describe('random programs', () => {
  test('G6 S6: a draft, its mutations and their inverses do what plain JavaScript does', { timeout: 300_000 }, () => {
    runPrograms('drafts', RUNS, (tape) => check(tape, { size: 4, flushes: false, shown: true, aliases: true }))
  })
  test('G6 S6: the same with lists long enough to be written in place', { timeout: 300_000 }, () => {
    runPrograms('drafts', RUNS / 2, (tape) => check(tape, { size: 70, flushes: false, shown: true, aliases: true }))
  })
  test('G6: the same when nobody sees the commits', { timeout: 300_000 }, () => {
    runPrograms('drafts', RUNS / 4, (tape) => check(tape, { size: 70, flushes: false, shown: false, aliases: true }))
  })
  test('G6 L13: a draft goes on over each flush, with what it has handed out', { timeout: 300_000 }, () => {
    runPrograms('drafts', RUNS / 2, (tape) => check(tape, { size: 4, flushes: true, shown: true, aliases: false }))
  })
})

test('expect', () => {
  expect(show({ a: [1, -0, undefined], m: new Map([[Number.NaN, new Set(['x'])]]) })).toBe(
    '{a:[1,-0,undefined],m:Map{NaN=>Set{"x"}}}',
  )
})
