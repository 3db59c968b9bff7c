import fc from 'fast-check'
import type { IReactionDisposer } from 'mobx'
import { autorun, untracked } from 'mobx'
import { describe, expect, test } from 'vitest'
import { createInitialState, defineState, shapeOf } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import type { Mutation } from '../state/mutation.js'
import { read } from '../state/plain.js'
import { RandomProgram, show } from '../state/random-program.js'
import { StateTree } from '../state/tree.js'
import { containerKind } from '../state/values.js'
import { createObservableView } from './observable-view.js'

describe('random batches over a partly observed view', () => {
  const small = defineState('small', () => RandomProgram.initial(6))
  const large = defineState('large', () => RandomProgram.initial(70))

  /** What a reaction reads at a path, on the view or on plain data alike. */
  const readers: Record<string, (at: any, key: any) => string> = {
    value: (at, key) => shallow(entry(at, key)),
    has: (at, key) => String(at instanceof Map || at instanceof Set ? at.has(key) : key in at),
    keys: (at) => (at instanceof Map || at instanceof Set ? show([...at.keys()]) : show(Object.keys(at))),
    size: (at) => String(at.size ?? at.length),
    items: (at) => show([...(at instanceof Map || at instanceof Set ? at.values() : Object.values(at))].map(shallow)),
    loop: (at) => (Array.isArray(at) ? show(at.map(shallow)) : ''),
    deep: (at) => show(at),
    plain: (at) => read(at, (plain) => show(plain)),
  }
  let done = 0,
    skipped = 0
  const readerNames = Object.keys(readers)

  function entry(at: any, key: any): unknown {
    if (at instanceof Map) return at.get(key)
    if (at instanceof Set) return at.has(key)
    return at[key]
  }

  function shallow(value: unknown): string {
    return containerKind(value) === undefined ? show(value) : 'container'
  }

  function readAt(root: unknown, path: readonly unknown[], reader: string, key: unknown): string {
    let at = root
    for (const step of path) {
      if (containerKind(at) === undefined || at instanceof Set) return 'nowhere'
      at = entry(at, step)
    }
    if (containerKind(at) === undefined) return 'nowhere'
    return readers[reader]!(at, key)
  }

  function keysOf(at: unknown): unknown[] {
    if (at instanceof Map || at instanceof Set) return [...at.keys()]
    return Array.isArray(at) ? [...at.keys()].slice(0, 3).concat(at.length - 1) : Object.keys(at as object)
  }

  /** Each container once, with the part of the view that shows it; those in two places left out. */
  function pairs(plain: unknown, view: unknown, found = new Map<object, unknown>(), twice = new Set<object>()) {
    if (containerKind(plain) === undefined) return found
    if (found.has(plain as object)) twice.add(plain as object)
    found.set(plain as object, view)
    if (plain instanceof Map)
      for (const [key, item] of plain) pairs(item, (view as Map<unknown, unknown>).get(key), found, twice)
    else if (!(plain instanceof Set)) {
      for (const key of Object.keys(plain as object)) pairs((plain as any)[key], (view as any)[key], found, twice)
    }
    for (const container of twice) found.delete(container)
    return found
  }

  /** What lists and forms do to a state, more of it than a random program hits upon. */
  const deeds: ((s: any, i: number, j: number) => void)[] = [
    (s, i) => {
      s.list = s.list.filter((_: unknown, n: number) => n % 3 !== i % 3)
    },
    (s, i) => {
      s.list = [...s.list.filter((_: unknown, n: number) => n % 2 === i % 2), s.b.b, { fresh: s.map.get('a') }]
      delete s.b.b
      s.map.delete('a')
    },
    (s, i) => {
      s.map.clear()
      if (i % 2 === 0) s.map.set('a', { again: i })
    },
    (s) => s.set.clear(),
    (s, i) => {
      const [row] = s.list.splice(i % (s.list.length + 1), 1)
      if (row !== undefined) s.map.set('row', row)
    },
    (s, i) => {
      if (!s.map.has('row')) return
      s.list.splice(i % (s.list.length + 1), 0, s.map.get('row'))
      s.map.delete('row')
    },
    (s, i) => {
      s.b = { wrapped: [i, { at: s.b }] }
    },
    (s, i) => {
      const row = s.list[i % s.list.length]
      if (row === undefined) return
      s.list[i % s.list.length] = s.b
      s.b = row
    },
    (s, i, j) => {
      if (s.list.length < 2) return
      const [from, to] = [i % s.list.length, j % s.list.length]
      const [row] = s.list.splice(from, 1)
      s.list.splice(to, 0, row)
    },
    (s, i) => {
      s.b.unread = { deep: { deeper: [{ id: i }] } }
    },
    (s, i) => {
      const home = s.b.unread?.deep?.deeper
      const row = s.list[i % s.list.length]
      if (!Array.isArray(home) || containerKind(row) !== 'object') return
      s.list.splice(i % s.list.length, 1)
      home.push(row)
      row.seen = i
    },
    (s) => s.list.sort((one: any, two: any) => (two?.id ?? 0) - (one?.id ?? 0)),
    (s, i) => {
      for (const row of s.list) if (containerKind(row) === 'object') row.touched = i
    },
  ]

  const run = (definition: typeof small, tape: number[], options: { watch: 'some' | 'all'; aliases: boolean }) => {
    const tree = new StateTree(shapeOf(definition), createInitialState(definition))
    const view = createObservableView(tree)
    const disposers: IReactionDisposer[] = []
    const watched: {
      name: string
      on: () => unknown
      read: (root: unknown) => string
      last: string
      runs: number
      exact: boolean
    }[] = []
    let at = 0
    const next = (below: number) => (tape[at++ % tape.length] as number) % below
    const watch = () => {
      const path: unknown[] = []
      let plain: unknown = tree.root
      for (let depth = next(4); depth > 0 && containerKind(plain) !== undefined; depth--) {
        const keys = keysOf(plain)
        if (plain instanceof Set || keys.length === 0) break
        const key = keys[next(keys.length)]
        const child = entry(plain, key)
        if (containerKind(child) === undefined) break
        path.push(key)
        plain = child
      }
      const keys = keysOf(plain).concat('c', 'zz')
      const key = keys[next(keys.length)]
      const reader = readerNames[next(readerNames.length)]!
      const held = next(3) === 0 // a part that was handed to somebody, who goes on with it wherever it goes
      const part = held ? untracked(() => path.reduce(entry, view.state)) : undefined
      const item = {
        name: `${held ? 'held ' : ''}${show(path)} ${reader} ${show(key)}`,
        on: () => (held ? part : view.state),
        read: (root: unknown) => readAt(root, held ? [] : path, reader, key),
        last: '',
        runs: 0,
        reader,
        exact: held && (reader === 'value' || reader === 'keys') && !Array.isArray(plain) && !(plain instanceof Set),
      }
      watched.push(item)
      disposers.push(
        autorun(() => {
          item.last = item.read(item.on())
          item.runs += 1
        }),
      )
    }
    const log: string[] = []
    try {
      for (let i = next(6); i >= 0; i--) watch()
      if (options.watch === 'all') {
        const item = {
          name: 'all',
          on: () => view.state,
          read: (root: unknown) => show(root),
          last: '',
          runs: 0,
          exact: false,
        }
        watched.push(item)
        disposers.push(autorun(() => void ((item.last = item.read(view.state)), (item.runs += 1))))
      }
      for (let commit = 0; commit < 4; commit++) {
        const plain = structuredClone(tree.root)
        const before = options.watch === 'all' ? pairs(plain, view.state) : undefined
        const draft = createDraft(tree.shape, tree.root)
        const program = new RandomProgram(tape.slice(commit * 50), { aliases: options.aliases })
        const wrong = program.run({ draft: draft.state, plain }, next(4))
        const whole = Array.isArray(plain['list']) && containerKind(plain['b']) === 'object'
        if (whole && !(options.aliases && program.log.length > 0) && (next(2) === 0 || program.done)) {
          const deed = next(deeds.length)
          const [i, j] = [next(100), next(100)]
          for (const side of [draft.state, plain]) deeds[deed]!(side, i, j)
          program.log.push(`deed ${deed} ${i} ${j}`)
        }
        done++
        if (wrong !== undefined) {
          skipped++
          return // the tests of drafts are about that
        }
        const mutations = draft.changes()
        log.push(...program.log, show(mutations))
        const runs = watched.map((item) => item.runs)
        const lasts = watched.map((item) => item.last)
        const observer = view.begin(mutations)
        tree.apply(mutations, { observer, shown: next(2) === 0 })
        view.publish()
        if (next(5) === 0) tree.snapshot(true)
        for (const [index, item] of watched.entries()) {
          const about = `${item.name} after\n${log.join('\n')}`
          expect(item.last, about).toBe(untracked(() => item.read(item.on())))
          if (item.on() === view.state) expect(item.last, about).toBe(item.read(tree.root))
          expect(item.runs - runs[index]!, about).toBeLessThanOrEqual(1)
          const exact = item.exact && (item.reader !== 'keys' || mutations.every(({ op }) => op === 'set'))
          if (exact && item.runs > runs[index]! && item.last !== 'container')
            expect(item.last, about).not.toBe(lasts[index])
        }
        if (next(3) === 0) expect(show(view.state)).toBe(show(tree.root))
        if (before !== undefined) {
          const after = pairs(plain, view.state)
          for (const [container, proxy] of after) {
            if (before.has(container))
              expect(proxy === before.get(container), `identity of ${show(container)} after\n${log.join('\n')}`).toBe(
                true,
              )
          }
        }
        if (next(2) === 0) watch()
        if (next(4) === 0) {
          watched.shift()
          disposers.shift()?.()
        }
      }
      expect(show(view.state)).toBe(show(tree.root))
    } finally {
      for (const dispose of disposers) dispose()
    }
  }

  const tapes = fc.array(fc.nat(997), { minLength: 80, maxLength: 240 })

  test.each([
    ['small', small, 'some', true],
    ['small', small, 'all', false],
    ['small', small, 'all', true],
    ['large', large, 'some', true],
    ['large', large, 'all', false],
  ] as const)(
    '%s',
    (_, definition, watch, aliases) => {
      fc.assert(
        fc.property(tapes, (tape) => run(definition as typeof small, tape, { watch, aliases })),
        { numRuns: Number(process.env['RUNS'] ?? 500) },
      )
      console.log(skipped, done)
    },
    600_000,
  )
})
