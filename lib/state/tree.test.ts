import { describe, expect, test } from 'vitest'
import type { LogLimits } from './change-log.js'
import { ChangeLog } from './change-log.js'
import { defineState, shapeOf } from './define-state.js'
import { createDraft } from './draft.js'
import { RandomProgram } from './fixtures/random-program.ts'
import { show } from './fixtures/random-values.ts'
import { RUNS, runPrograms, timeout } from './fixtures/run-programs.ts'
import { StateTree } from './tree.js'
import { isLarge } from './values.js'

const shape = shapeOf(defineState('anything', () => RandomProgram.initial(0)))

interface Replica {
  readonly tree: StateTree
  /** After how many commits it asks for the changes. */
  readonly every: number
}

/** One state with random commits, and replicas that follow at different speeds. */
function follow(tape: readonly number[], size: number, limits: Partial<LogLimits>): void {
  const initial = RandomProgram.initial(size)
  const tree = new StateTree(shape, structuredClone(initial), { log: new ChangeLog(shape, 0, limits) })
  const replicas: Replica[] = [1, 2, 5, 40].map((every) => ({
    every,
    tree: new StateTree(shape, structuredClone(initial)),
  }))
  const plain = structuredClone(initial)
  const program = new RandomProgram(tape, { aliases: false, moves: true })
  const kept: { snapshot: unknown; text: string }[] = []
  const refresh = (replica: Replica): void => {
    const changes = structuredClone(tree.changesSince(replica.tree.version))
    replica.tree.receive(changes, tree.version)
    if (show(replica.tree.root) !== show(tree.root)) {
      throw new Error(
        `replica ${replica.every}: ${show(replica.tree.root)}\nstate: ${show(tree.root)}\nby ${show(changes)}\n${program.log.join('\n')}`,
      )
    }
    const snapshot = replica.tree.snapshot(true)
    kept.push({ snapshot, text: show(snapshot) })
  }
  for (let commits = 1; !program.done; commits++) {
    const draft = createDraft(shape, tree.root)
    program.forget() // what was held belongs to the draft before
    const difference = program.run({ draft: draft.state, plain }, 3)
    if (difference !== undefined) throw new Error(difference)
    tree.apply(draft.changes(), { shown: commits % 7 === 0 })
    for (const replica of replicas) if (commits % replica.every === 0) refresh(replica)
  }
  for (const replica of replicas) refresh(replica)
  for (const { snapshot, text } of kept)
    if (show(snapshot) !== text) throw new Error(`a snapshot of a replica changed: ${text}`)
}

describe('replicas', () => {
  test('S10: after random histories each replica equals the state, key order included', { timeout }, () => {
    runPrograms('replicas', RUNS, (tape) => follow(tape, 4, {}))
  })
  test('S10: the same when values are too large to keep, so that fields are sent as they are now', {
    timeout,
  }, () => {
    runPrograms('replicas', RUNS / 8, (tape) => follow(tape, 70, { keptContainers: 1, keptElements: 3 }))
  })
  test('S10: the same for replicas beyond the bound of the log', { timeout }, () => {
    runPrograms('replicas', RUNS / 4, (tape) => follow(tape, 4, { commits: 3, weight: 150 }))
  })

  test('S10: a log that is bounded gives the whole state to whoever is further behind', () => {
    const tree = new StateTree(shape, RandomProgram.initial(1), { log: new ChangeLog(shape, 0, { commits: 4 }) })
    const write = (value: number): void => {
      const draft = createDraft(shape, tree.root)
      ;(draft.state as { a: number }).a = value
      tree.apply(draft.changes())
    }
    for (let i = 0; i < 3; i++) write(i + 10)
    expect(tree.changesSince(0).kind).toBe('batches')
    for (let i = 0; i < 20; i++) write(i + 100)
    expect(tree.changesSince(0).kind).toBe('state')
    expect(tree.changesSince(tree.version - 1).kind).toBe('batches')
    expect(tree.changesSince(tree.version).kind).toBe('none')
    expect(tree.changesSince(tree.version + 5).kind).toBe('state')
  })
})

describe('copies', () => {
  const listed = shapeOf(defineState('listed', () => ({ map: new Map<number, number>(), list: [] as number[] })))

  function withEntries(entries: number): StateTree {
    const map = new Map(Array.from({ length: entries }, (_, i) => [i, i] as const))
    return new StateTree(
      listed,
      { map, list: Array.from({ length: entries }, (_, i) => i) },
      { log: new ChangeLog(listed) },
    )
  }

  function write(
    tree: StateTree,
    recipe: (state: { map: Map<number, number>; list: number[] }) => void,
    shown = false,
  ): void {
    const draft = createDraft(listed, tree.root)
    recipe(draft.state as { map: Map<number, number>; list: number[] })
    tree.apply(draft.changes(), { shown })
  }

  test('S12: after a snapshot one write to a large Map copies it once, the second not; without a snapshot none does', {
    timeout: 60_000,
  }, () => {
    const tree = withEntries(1_000_000)
    const copiesOf = (run: () => void): number => {
      const before = tree.copiesForTesting
      run()
      return tree.copiesForTesting - before
    }
    const set = (value: number) => () => write(tree, (state) => state.map.set(5, value))
    expect(copiesOf(set(1))).toBe(0)
    const snapshot = tree.snapshot(false) as { map: Map<number, number> }
    expect(copiesOf(set(2))).toBe(2) // the root too
    expect(copiesOf(set(3))).toBe(0)
    expect(snapshot.map.get(5)).toBe(1)
    expect((tree.root.map as Map<number, number>).get(5)).toBe(3)
  })

  test('a large value that came in after a snapshot is written in place', () => {
    const tree = withEntries(1)
    tree.snapshot(false)
    write(tree, (state) => {
      state.list = Array.from({ length: 10_000 }, (_, i) => i)
    })
    const before = tree.copiesForTesting
    write(tree, (state) => state.list.push(1))
    expect(tree.copiesForTesting - before).toBe(0)
    expect(isLarge(tree.root.list as object)).toBe(true)
  })

  test('what has grown large after a snapshot is written in place', () => {
    const tree = withEntries(1)
    tree.snapshot(false)
    const grow = (state: { map: Map<number, number>; list: number[] }): void => {
      for (let i = 1; i < 1_000; i++) {
        state.list.push(i)
        state.map.set(i, i)
      }
    }
    write(tree, grow)
    const before = tree.copiesForTesting
    write(tree, (state) => {
      state.list.push(1)
      state.map.set(1, 2)
    })
    expect(tree.copiesForTesting - before).toBe(0)
  })

  test('a part that is kept stays as it is, and what is around it is written in place', () => {
    const kept = defineState('kept', () => ({ rows: [] as number[][] }))
    const tree = new StateTree(shapeOf(kept), {
      rows: Array.from({ length: 100 }, () => Array.from({ length: 100 }, (_, i) => i)),
    })
    const part = (tree.root.rows as number[][]).slice(3, 5)
    tree.keep(part)
    const push = (): void => {
      const draft = createDraft(shapeOf(kept), tree.root)
      const { rows } = draft.state as { rows: number[][] }
      for (const row of rows.slice(2, 5)) row.push(1)
      tree.apply(draft.changes())
    }
    const copies = (run: () => void): number => {
      const before = tree.copiesForTesting
      run()
      return tree.copiesForTesting - before
    }
    expect(copies(push)).toBe(2) // of the three rows those that were kept, and not the list
    expect(part.map(({ length }) => length)).toEqual([100, 100])
    expect((tree.root.rows as number[][]).slice(1, 6).map(({ length }) => length)).toEqual([100, 101, 101, 101, 100])
    expect(copies(push)).toBe(0)
  })

  test('S6: what a commit has shown stays as it is when its containers are written later', () => {
    const tree = withEntries(1)
    const big = Array.from({ length: 1_000 }, (_, i) => i)
    const draft = createDraft(listed, tree.root)
    ;(draft.state as { list: number[] }).list = big
    const mutations = draft.changes()
    tree.apply(mutations, { shown: true })
    write(tree, (state) => state.list.push(5))
    expect((mutations[0] as unknown as { value: number[] }).value).toHaveLength(1_000)
    expect(tree.root.list).toHaveLength(1_001)
  })

  test('a snapshot is frozen in development, and its maps refuse to be written', () => {
    const tree = withEntries(3)
    const snapshot = tree.snapshot(true) as { map: Map<number, number>; list: number[] }
    expect(() => snapshot.list.push(1)).toThrow(TypeError)
    expect(() => snapshot.map.set(1, 1)).toThrow(/never changes/)
    expect(structuredClone(snapshot)).toEqual({
      map: new Map([
        [0, 0],
        [1, 1],
        [2, 2],
      ]),
      list: [0, 1, 2],
    })
    write(tree, (state) => state.list.push(3))
    expect(tree.root.list).toEqual([0, 1, 2, 3])
  })

  test.each([3, 100])(
    'S6 a Map of %i that is cleared and moves arrives empty, and the inverse brings it back',
    (entries) => {
      const shape = shapeOf(defineState('moving', () => ({ list: [] as unknown[], from: new Map() as unknown })))
      const map = new Map(Array.from({ length: entries }, (_, i) => [i, { i }]))
      const tree = new StateTree(shape, { list: [], from: structuredClone(map) })
      const draft = createDraft(shape, tree.root)
      const state = draft.state as { list: unknown[]; from: unknown }
      const moved = state.from as Map<unknown, unknown>
      const row = moved.get(2)
      state.list.push(moved) // before the clear, so that the Map may arrive before it is emptied
      moved.clear()
      moved.set('row', row)
      state.from = 0
      const { inverse } = tree.apply(draft.changes(), { shown: true })
      const after = { list: [new Map([['row', { i: 2 }]])], from: 0 }
      expect(tree.root).toEqual(after)
      const back = new StateTree(shape, structuredClone(after))
      back.apply(structuredClone(inverse))
      expect(back.root).toEqual({ list: [], from: map })
    },
  )

  test('a getter cannot write what the getters of a snapshot see, backend fields and what is in them too', () => {
    const writing = defineState('writing', () => ({
      count: 1,
      _hidden: { list: [1] },
      get counts() {
        this.count += 1
        return this.count
      },
      get grows() {
        return this._hidden.list.push(2)
      },
    }))
    const tree = new StateTree(shapeOf(writing), { count: 1, _hidden: { list: [1] } })
    for (const backend of [false, true]) {
      const snapshot = tree.snapshot(backend) as { counts: number; grows: number }
      expect(() => snapshot.counts).toThrow(TypeError)
      expect(() => snapshot.grows).toThrow(TypeError)
    }
    expect(tree.root).toEqual({ count: 1, _hidden: { list: [1] } })
  })
})
