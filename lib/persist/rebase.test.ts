import { describe, expect, test } from 'vitest'
import { createInitialState, defineState, shapeOf } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import { replay } from '../state/draft-replay.js'
import { RandomProgram } from '../state/fixtures/random-program.ts'
import { show } from '../state/fixtures/random-values.ts'
import { RUNS, runPrograms, timeout } from '../state/fixtures/run-programs.ts'
import type { Mutation } from '../state/mutation.js'
import { StateTree } from '../state/tree.js'
import type { StateBeside } from '../store/persistence.js'
import { Rebase } from './rebase.js'

/** A state on the other side. */
class Other implements StateBeside {
  readonly #tree: StateTree

  constructor(shape: StateTree['shape'], root: Record<string, unknown>) {
    this.#tree = new StateTree(shape, root).fork()
  }

  get root(): Record<string, unknown> {
    return this.#tree.root
  }

  apply(mutations: readonly Mutation[]): readonly Mutation[] {
    const draft = createDraft(this.#tree.shape, this.#tree.root)
    replay(draft.state, mutations)
    const changes = draft.changes()
    this.#tree.apply(changes)
    return changes
  }
}

test('P3: on the state that they were made on, commits come to the same', { timeout }, () => {
  const shape = shapeOf(defineState('anything', () => RandomProgram.initial(0)))
  runPrograms('rebase', RUNS / 16, (tape) => {
    const initial = RandomProgram.initial(4)
    const tree = new StateTree(shape, structuredClone(initial))
    const other = new Other(shape, structuredClone(initial))
    const rebase = new Rebase(structuredClone(initial), other)
    const plain = structuredClone(initial)
    const program = new RandomProgram(tape, { aliases: false, moves: true })
    while (!program.done) {
      const draft = createDraft(shape, tree.root)
      program.forget()
      program.run({ draft: draft.state, plain }, 3)
      const mutations = draft.changes()
      tree.apply(mutations, { shown: true })
      rebase.apply(mutations)
      if (show(other.root, false) !== show(tree.root, false)) {
        throw new Error(
          `${show(other.root)}\nstate: ${show(tree.root)}\nby ${show(mutations)}\n${program.log.join('\n')}`,
        )
      }
    }
  })
})

interface Row {
  id: number
  tags: number[]
}
interface Lists {
  rows: Row[]
  byId: Map<number, Row[]>
}

describe('P3: on a state with more in it', () => {
  const definition = defineState('lists', () => ({ rows: [] as Row[], byId: new Map<number, Row[]>() }))
  const shape = shapeOf(definition)
  const row = (id: number): Row => ({ id, tags: [id, id] })
  const EXTRA = 1_000_000
  const initial = (): Lists => ({ rows: [1, 2, 3].map(row), byId: new Map([[1, [row(4), row(5)]]]) })

  /** Rows that only the other side has, behind those of both. */
  const withMore = (): Lists => {
    const state = initial()
    for (const rows of [state.rows, ...state.byId.values()]) {
      for (const each of rows) each.tags.push(EXTRA)
      rows.push(row(EXTRA), row(EXTRA + 1))
    }
    return state
  }

  const withoutMore = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      const kept = value.filter((each) => !((typeof each === 'object' ? each.id : each) >= EXTRA))
      return kept.map(withoutMore)
    }
    if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, withoutMore(each)]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutMore(each)]))
  }

  test('P3: lists are the same but for what is there besides', { timeout }, () => {
    let fitted = 0
    runPrograms('rebase on more', RUNS / 16, (tape) => {
      let at = 0
      const next = (below: number): number => (tape[at++] ?? 0) % below
      const tree = new StateTree(shape, initial() as never)
      const other = new Other(shape, withMore() as never)
      const rebase = new Rebase(initial(), other)
      for (let id = 10; at < tape.length; id++) {
        const draft = createDraft(shape, tree.root)
        const { rows, byId } = draft.state as Lists
        const lists = [rows, ...byId.values(), ...rows.map(({ tags }) => tags)] as unknown[][]
        const list = lists[next(lists.length)] as unknown[]
        const fresh = (): unknown => (lists.indexOf(list) > byId.size ? id : row(id))
        const index = next(list.length + 1)
        switch (next(6)) {
          case 0:
            list.push(fresh())
            break
          case 1:
            list.splice(index, next(3), fresh())
            break
          case 2:
            list.splice(index, next(3))
            break
          case 3:
            list.splice(next(list.length + 1), 0, ...list.splice(index, 1))
            break
          case 4:
            if (index < list.length) list[index] = fresh()
            break
          default:
            byId.set(next(3), [row(id)])
        }
        const mutations = draft.changes()
        tree.apply(mutations, { shown: true })
        if (mutations.some(({ op }) => op === 'arrange')) return // has no meaning where there are other elements
        fitted += 1
        rebase.apply(mutations)
        if (show(withoutMore(other.root)) !== show(tree.root)) {
          throw new Error(`${show(other.root)}\nstate: ${show(tree.root)}\nby ${show(mutations)}`)
        }
      }
    })
    expect(fitted).toBeGreaterThan(RUNS / 40)
  })

  const rebased = (target: Lists, ...recipes: ((state: Lists) => void)[]) => {
    const tree = new StateTree(shape, createInitialState(definition, initial()))
    const other = new Other(shape, target as never)
    const rebase = new Rebase(initial(), other)
    const failures: unknown[] = []
    for (const recipe of recipes) {
      const draft = createDraft(shape, tree.root)
      recipe(draft.state as Lists)
      const mutations = draft.changes()
      tree.apply(mutations, { shown: true })
      try {
        rebase.apply(mutations)
      } catch (error) {
        failures.push(error)
      }
    }
    return { ids: (other.root as unknown as Lists).rows.map(({ id }) => id), failures }
  }

  test('P3: a commit that does not fit is left out whole, and what builds on it too; others are applied', () => {
    const { ids, failures } = rebased(
      { rows: [row(1)], byId: new Map() },
      ({ rows }) => {
        rows.push(row(7))
        ;(rows[2] as Row).id = 33 // there is none
      },
      ({ rows }) => {
        ;(rows[3] as Row).id = 77 // the one that was left out
      },
      ({ rows }) => void rows.push(row(8)),
      ({ rows }) => void rows.shift(),
    )
    expect(ids).toEqual([8])
    expect(failures).toHaveLength(2)
    for (const failure of failures) expect(failure).toMatchObject({ code: 'INVALID_MUTATION' })
  })

  test('P3: a list that was sorted before it had its other elements is left as it was', () => {
    const arrange: Mutation = { op: 'arrange', path: ['rows'], keep: [2, 1, 0], values: [] }
    const other = new Other(shape, withMore() as never)
    expect(() => new Rebase(initial(), other).apply([arrange])).toThrow(/another order/)
    expect((other.root.rows as Row[]).map(({ id }) => id)).toEqual([1, 2, 3, EXTRA, EXTRA + 1])
  })
})
