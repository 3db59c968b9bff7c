import fc from 'fast-check'
import { autorun, transaction, untracked } from 'mobx'
import { expect, test } from 'vitest'
import type { Change } from '../state/change.js'
import { containerKind } from '../state/container-kind.js'
import { createInitialState, defineState, shapeOf } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import { RandomProgram } from '../state/fixtures/random-program.ts'
import { show } from '../state/fixtures/random-values.ts'

import { read } from '../state/plain.js'
import { StateTree } from '../state/tree.js'
import { LongBatch } from './long-batch.js'
import { createObservableView } from './observable-view.js'

/*
 * Random batches over a partly observed view. After each commit
 *
 * - the view shows what the tree holds,
 * - what each reaction saw last is what it would see now, and it has run once at most,
 * - a reaction on one key of an object or map that it holds has run only if there was something new to see,
 * - each container that plain JavaScript would still have is shown by the same proxy.
 */

type Any = any

function entry(at: Any, key: unknown): unknown {
  if (at instanceof Map) return at.get(key)
  if (at instanceof Set) return at.has(key)
  return at[key as string]
}

const isKeyed = (at: unknown): at is Map<unknown, unknown> | Set<unknown> => at instanceof Map || at instanceof Set
const shallow = (value: unknown): string => (containerKind(value) === undefined ? show(value) : 'container')

/** What a reaction reads of a container, on the view or on plain data alike. */
const readers = {
  value: (at: Any, key: unknown) => shallow(entry(at, key)),
  has: (at: Any, key: Any) => String(isKeyed(at) ? at.has(key) : key in at),
  keys: (at: Any) => show(isKeyed(at) ? [...at.keys()] : Object.keys(at)),
  size: (at: Any) => String(at.size ?? at.length),
  items: (at: Any) => show([...(isKeyed(at) ? at.values() : Object.values(at))].map(shallow)),
  loop: (at: Any) => (Array.isArray(at) ? show(at.map(shallow)) : ''),
  deep: (at: Any) => show(at),
  plain: (at: Any) => read(at, (plain) => show(plain)),
}
type Reader = keyof typeof readers
const readerNames = Object.keys(readers) as Reader[]

/** What lists and forms do to a state, beyond what a random program hits upon. */
const deeds: ((state: Any, i: number, j: number) => void)[] = [
  (state, i) => {
    state.list = state.list.filter((_: unknown, n: number) => n % 3 !== i % 3)
  },
  (state, i) => {
    const kept = state.list.filter((_: unknown, n: number) => n % 4 !== i % 4)
    state.list = [{ fresh: state.map.get('a') }, ...kept.reverse(), state.b.b, i]
    delete state.b.b
    state.map.delete('a')
  },
  (state, i) => {
    state.map.clear()
    if (i % 2 === 0) state.map.set('a', { again: i })
  },
  (state) => state.set.clear(),
  (state, i) => {
    const [row] = state.list.splice(i % (state.list.length + 1), 1)
    if (row !== undefined) state.map.set('row', row)
  },
  (state, i) => {
    if (!state.map.has('row')) return
    state.list.splice(i % (state.list.length + 1), 0, state.map.get('row'))
    state.map.delete('row')
  },
  (state, i) => {
    state.b = { wrapped: [i, { at: state.b }] }
  },
  (state, i) => {
    const row = state.list[i % state.list.length]
    if (row === undefined) return
    state.list[i % state.list.length] = state.b
    state.b = row
  },
  (state, i, j) => {
    if (state.list.length < 2) return
    const [row] = state.list.splice(i % state.list.length, 1)
    state.list.splice(j % state.list.length, 0, row)
  },
  (state, i) => {
    state.b.unread = { deep: { deeper: [{ id: i }] } }
  },
  (state, i) => {
    const home = state.b.unread?.deep?.deeper
    const at = i % state.list.length
    if (!Array.isArray(home) || containerKind(state.list[at]) !== 'object') return
    const [row] = state.list.splice(at, 1)
    home.push(row)
    row.seen = i
  },
  (state) => state.list.sort((one: Any, two: Any) => (two?.id ?? 0) - (one?.id ?? 0)),
  (state, i) => {
    for (const row of state.list) if (containerKind(row) === 'object') row.touched = i
  },
]

/** Each container with the part of the view that shows it; those that stand in two places left out. */
function shownBy(plain: unknown, view: unknown): Map<object, unknown> {
  const found = new Map<object, unknown>()
  const twice = new Set<object>()
  const visit = (container: unknown, part: unknown): void => {
    if (containerKind(container) === undefined) return
    if (found.has(container as object)) twice.add(container as object)
    found.set(container as object, part)
    if (container instanceof Set) return
    const keys = container instanceof Map ? container.keys() : Object.keys(container as object)
    for (const key of keys) visit(entry(container, key), entry(part, key))
  }
  visit(plain, view)
  for (const container of twice) found.delete(container)
  return found
}

function readAt(root: unknown, path: readonly unknown[], reader: Reader, key: unknown): string {
  let at = root
  for (const step of path) {
    if (containerKind(at) === undefined || at instanceof Set) return 'nowhere'
    at = entry(at, step)
  }
  return containerKind(at) === undefined ? 'nowhere' : readers[reader](at, key)
}

interface Watcher {
  readonly name: string
  readonly see: (root?: unknown) => string
  readonly held: boolean
  readonly exact: boolean
  readonly dispose: () => void
  last: string
  runs: number
}

class Trial {
  readonly #tape: readonly number[]
  readonly #tree: StateTree
  readonly #view: ReturnType<typeof createObservableView>
  readonly #watchers: Watcher[] = []
  readonly #log: string[] = []
  readonly #inTurns: boolean
  #at = 0

  constructor(size: number, tape: readonly number[], inTurns: boolean) {
    this.#inTurns = inTurns
    const definition = defineState('random', () => RandomProgram.initial(size))
    this.#tape = tape
    this.#tree = new StateTree(shapeOf(definition), createInitialState(definition))
    this.#view = createObservableView(this.#tree)
  }

  #next(below: number): number {
    return (this.#tape[this.#at++ % this.#tape.length] as number) % below
  }

  #start(watcher: Omit<Watcher, 'last' | 'runs' | 'dispose'>): void {
    const started: Watcher = { ...watcher, last: '', runs: 0, dispose: () => dispose() }
    const dispose = autorun(() => {
      started.last = watcher.see()
      started.runs += 1
    })
    this.#watchers.push(started)
  }

  /** Starts a reaction on something of a random container. */
  #watch(): void {
    const path: unknown[] = []
    let at: unknown = this.#tree.root
    const keysOf = (): unknown[] => {
      if (isKeyed(at)) return [...at.keys()]
      return Array.isArray(at) ? [0, 1, 2, at.length - 1] : Object.keys(at as object)
    }
    for (let depth = this.#next(4); depth > 0 && !(at instanceof Set); depth--) {
      const inner = keysOf().filter((key) => containerKind(entry(at, key)) !== undefined)
      if (inner.length === 0) break
      path.push(inner[this.#next(inner.length)])
      at = entry(at, path.at(-1))
    }
    const keys = [...keysOf(), 'c', 'zz']
    const key = keys[this.#next(keys.length)]
    const reader = readerNames[this.#next(readerNames.length)] as Reader
    // A part that was handed to somebody, who goes on with it wherever it goes.
    const held = this.#next(3) === 0
    const part = held ? untracked(() => path.reduce(entry, this.#view.state)) : undefined
    this.#start({
      name: `${held ? 'held ' : ''}${show(path)} ${reader} ${show(key)}`,
      see: (root = this.#view.state) => (held ? readAt(part, [], reader, key) : readAt(root, path, reader, key)),
      held,
      exact: held && reader === 'value' && !Array.isArray(at) && !(at instanceof Set),
    })
  }

  /** One commit of a random program, and what must hold after it. */
  #commit(tape: readonly number[], aliases: boolean, identities: boolean): void {
    const tree = this.#tree
    const plain = structuredClone(tree.root)
    const before = identities ? shownBy(plain, this.#view.state) : undefined
    const draft = createDraft(tree.shape, tree.root)
    const program = new RandomProgram(tape, { aliases, moves: true })
    const wrong = program.run({ draft: draft.state, plain }, this.#next(4))
    expect(wrong, program.log.join('\n')).toBe(undefined)
    const alone = !aliases || program.log.length === 0 // a deed with two names for one container may close a circle
    const { list, b, map } = plain
    if (alone && Array.isArray(list) && containerKind(b) === 'object' && map instanceof Map) {
      const [deed, i, j] = [this.#next(deeds.length), this.#next(100), this.#next(100)]
      for (const side of [draft.state, plain]) deeds[deed]?.(side, i, j)
      program.log.push(`deed ${deed} ${i} ${j}`)
    }
    const mutations = draft.batch()
    this.#log.push(...program.log, show(mutations))
    const was = this.#watchers.map(({ last, runs }) => ({ last, runs }))
    const shown = this.#next(2) === 0
    if (this.#inTurns && LongBatch.isLong(mutations, 0)) this.#applyInTurns(mutations)
    else transaction(() => tree.apply(mutations, { observer: this.#view.begin(mutations), shown }))
    if (this.#next(5) === 0) tree.snapshot(true)
    for (const [index, watcher] of this.#watchers.entries()) {
      const about = `${watcher.name} after\n${this.#log.join('\n')}`
      const { last, runs } = was[index] ?? { last: undefined, runs: 1 } // started between the turns of this batch
      expect(watcher.last, about).toBe(untracked(() => watcher.see()))
      if (!watcher.held) expect(watcher.last, about).toBe(watcher.see(tree.root))
      expect(watcher.runs - runs, about).toBeLessThanOrEqual(1)
      if (watcher.exact && watcher.runs > runs && watcher.last !== 'container')
        expect(watcher.last, about).not.toBe(last)
    }
    if (before === undefined) return
    for (const [container, part] of shownBy(plain, this.#view.state)) {
      if (before.has(container)) {
        expect(part === before.get(container), `identity of ${show(container)} after\n${this.#log.join('\n')}`).toBe(
          true,
        )
      }
    }
  }

  /** The same batch on a fork. Between its turns somebody reads, also what nobody has read before, and sees nothing of it. */
  #applyInTurns(mutations: readonly Change[]): void {
    const tree = this.#tree
    const { shape } = tree
    const before = show(tree.root)
    const content = structuredClone(tree.root)
    const reference = new StateTree(shape, structuredClone(tree.root))
    reference.apply(structuredClone(mutations))
    const batch = new LongBatch({ tree, shape, mutations, perTurn: 1 + this.#next(3) })
    while (!batch.isDone) {
      batch.step()
      if (this.#next(3) === 0) this.#watch()
      if (this.#next(3) === 0) tree.snapshot(true)
      expect(show(this.#view.state)).toBe(before)
    }
    const { inverse } = transaction(() => batch.publish(this.#view.begin(batch.applied)))
    const about = `${show(mutations)} applied as ${show(batch.applied)}`
    expect(show(tree.root), about).toBe(show(reference.root))
    reference.apply(structuredClone(inverse))
    expect(reference.root, about).toEqual(content)
  }

  run(aliases: boolean, watchAll: boolean): void {
    const { state } = this.#view
    try {
      if (watchAll) this.#start({ name: 'all', see: (root = state) => show(root), held: false, exact: false })
      for (let count = this.#next(6); count >= 0; count--) this.#watch()
      for (let commit = 0; commit < 4; commit++) {
        this.#commit(this.#tape.slice(commit * 40), aliases, watchAll)
        if (this.#next(2) === 0) this.#watch()
        if (this.#next(4) === 0 && !watchAll) this.#watchers.shift()?.dispose()
      }
      expect(show(state)).toBe(show(this.#tree.root))
    } finally {
      for (const watcher of this.#watchers) watcher.dispose()
    }
  }
}

const tapes = fc.array(fc.nat(997), { minLength: 80, maxLength: 240 })

test.each([
  { size: 6, aliases: true, all: false, runs: 700 },
  { size: 6, aliases: true, all: true, inTurns: true, runs: 200 },
  { size: 70, aliases: false, all: false, inTurns: true, runs: 100 },
  { size: 6, aliases: false, all: true, runs: 400 },
  { size: 24, aliases: true, all: true, runs: 600 },
  { size: 24, aliases: false, all: false, runs: 500 },
  { size: 70, aliases: true, all: true, runs: 100 },
])(
  'S1 S2 S3 random batches: lists of $size, aliases $aliases, everything observed $all, in turns $inTurns',
  ({ size, aliases, all, runs, inTurns = false }) => {
    fc.assert(
      fc.property(tapes, (tape) => new Trial(size, tape, inTurns).run(aliases, all)),
      { numRuns: runs },
    )
  },
  120_000,
)
