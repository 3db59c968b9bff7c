import { autorun, computed, reaction, runInAction, toJS, transaction, untracked, when } from 'mobx'
import { describe, expect, test } from 'vitest'
import { ImmutableStateError } from '../errors.js'
import { createInitialState, defineState, shapeOf } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import type { Row } from '../state/fixtures/guarded-state.ts'
import { appState, writes } from '../state/fixtures/guarded-state.ts'
import { read } from '../state/plain.js'
import { createReadOnlyView } from '../state/read-only.js'
import { StateTree } from '../state/tree.js'
import { toPlain } from '../state/values.js'
import { madeForTesting } from './node-atoms.js'
import { createObservableView } from './observable-view.js'

/** A tree and its view, and events as a store runs them. */
function setUp(definition: typeof appState = appState) {
  const tree = new StateTree(shapeOf(definition), createInitialState(definition))
  const view = createObservableView(tree)
  const change = (recipe: (draft: any) => void) => {
    const draft = createDraft(tree.shape, tree.root)
    recipe(draft.state)
    const mutations = draft.changes()
    transaction(() => tree.apply(mutations, { observer: view.begin(mutations) }))
    return mutations.map(({ op }) => op)
  }
  return { tree, change, state: view.state as any }
}

/** Counts the runs of a reaction beyond its first, and keeps what it read last. */
function watch<T>(read: () => T) {
  const watched = { runs: -1, last: undefined as T | undefined, dispose: () => {} }
  watched.dispose = autorun(() => {
    watched.last = read()
    watched.runs += 1
  })
  return watched
}

describe('granularity', () => {
  test('S1 a reaction on one field runs for that field alone', () => {
    const { state, change } = setUp()
    const name = watch(() => state.rows[1].name)
    const done = watch(() => state.rows[1].done)
    change((draft) => {
      draft.rows[2].name = 'other'
    })
    expect([name.runs, done.runs]).toEqual([0, 0])
    change((draft) => {
      draft.rows[1].done = false
      draft.count = 9
    })
    expect([name.runs, done.runs]).toEqual([0, 1])
    change((draft) => {
      draft.rows[1].name = 'new'
    })
    expect([name.runs, done.runs, name.last]).toEqual([1, 1, 'new'])
  })

  test('S1 a reaction on one map key runs for that key alone, on size and keys for keys that come and go', () => {
    const { state, change } = setUp()
    const a = watch(() => state.byId.get('a')?.n)
    const b = watch(() => state.byId.get('b'))
    const c = watch(() => state.byId.has('c'))
    const size = watch(() => state.byId.size)
    const keys = watch(() => [...state.byId.keys()].join())
    change((draft) => {
      draft.byId.get('a').n = 5
    })
    expect([a.runs, b.runs, c.runs, size.runs, keys.runs]).toEqual([1, 0, 0, 0, 0])
    change((draft) => draft.byId.set('b', { n: 6 }))
    expect([a.runs, b.runs, c.runs, size.runs, keys.runs]).toEqual([1, 1, 0, 0, 0])
    change((draft) => draft.byId.set('c', { n: 7 }))
    expect([a.runs, b.runs, c.runs, size.runs, keys.runs]).toEqual([1, 1, 1, 1, 1])
    change((draft) => draft.byId.delete('a'))
    expect([a.runs, b.runs, c.runs, size.runs, keys.runs]).toEqual([2, 1, 1, 2, 2])
    change((draft) => draft.byId.clear())
    expect([a.last, b.last, c.last, size.last, keys.last]).toEqual([undefined, undefined, false, 0, ''])
    expect([a.runs, b.runs, c.runs]).toEqual([2, 2, 2])
    change((draft) => draft.byId.set('a', { n: 1 }))
    expect([a.last, b.runs]).toEqual([1, 2])
  })

  test('S1 a reaction on length runs only when it changes, one on an element when the list does', () => {
    const { state, change } = setUp()
    const length = watch(() => state.numbers.length)
    const first = watch(() => state.numbers[0])
    const past = watch(() => state.numbers[4])
    change((draft) => {
      draft.numbers[1] = 7
    })
    expect([length.runs, first.runs]).toEqual([0, 1])
    change((draft) => draft.numbers.reverse())
    expect(length.runs).toBe(0)
    change((draft) => draft.numbers.push(8))
    expect([length.runs, length.last, past.last]).toEqual([1, 5, 8])
  })

  test('S1 a reaction on the keys of a record runs when a key comes or goes', () => {
    const { state, change } = setUp()
    const keys = watch(() => Object.keys(state.record).join())
    const own = watch(() => Object.hasOwn(state.record, 'x'))
    const x = watch(() => 'x' in state.record)
    const values = watch(() => JSON.stringify(state.record))
    change((draft) => {
      draft.record.deep = 1
    })
    expect([keys.runs, x.runs, values.runs]).toEqual([0, 0, 1])
    change((draft) => {
      draft.record.x = 1
    })
    expect([keys.last, own.last, x.last]).toEqual(['deep,list,x', true, true])
    change((draft) => {
      delete draft.record.x
    })
    expect([keys.last, own.last, x.last]).toEqual(['deep,list', false, false])
    expect([keys.runs, x.runs, values.runs]).toEqual([2, 2, 3])
  })

  test('S1 a reaction on which fields a state has, or whether a key is there, runs for no value', () => {
    const { state, change } = setUp()
    change((draft) => {
      draft.record = { x: 1, y: undefined }
    })
    const inherit = (of: object): string[] => {
      const keys: string[] = []
      for (const key in of) keys.push(key)
      return keys
    }
    const watched = [
      watch(() => Object.keys(state)),
      watch(() => inherit(state)),
      watch(() => 'count' in state && Object.hasOwn(state, 'count')),
      watch(() => Object.keys(state.settings)),
      watch(() => 'x' in untracked(() => state.record)),
      watch(() => 'y' in untracked(() => state.record)),
      watch(() => state.byId.has('a')),
    ]
    change((draft) => {
      draft.count += 1
      draft.rows = []
      draft.settings.theme = 'light'
      draft.record.x = 2
      draft.record.y = 3
      draft.record.z = 4
      draft.byId.get('a').n = 7
      draft.byId.set('a', { n: 8 })
    })
    expect(watched.map(({ runs }) => runs)).toEqual(watched.map(() => 0))
    const [has, , gone] = watched.slice(-3)
    change((draft) => {
      delete draft.record.x
      draft.byId.delete('a')
    })
    expect([has?.last, has?.runs, gone?.last, gone?.runs]).toEqual([false, 1, false, 1])
    change((draft) => {
      draft.record.x = 2
      draft.byId.set('a', { n: 8 })
      draft.byId.set('b', { n: 9 })
    })
    expect([has?.last, has?.runs, gone?.last, gone?.runs]).toEqual([true, 2, true, 2])
    change((draft) => draft.byId.clear())
    change((draft) => draft.byId.clear())
    expect([gone?.last, gone?.runs]).toEqual([false, 3])
  })

  test('S1 a reaction on a set runs for its members, on its size for how many', () => {
    const { state, change } = setUp()
    const x = watch(() => state.members.has('x'))
    const all = watch(() => [...state.members].join())
    const size = watch(() => state.members.size)
    change((draft) => {
      draft.members.delete('x')
      draft.members.add('z')
    })
    expect([x.last, all.last, size.last]).toEqual([false, 'y,z', 2])
    change((draft) => draft.members.clear())
    expect([all.last, size.last, size.runs]).toEqual(['', 0, 2])
  })

  test('S2 a commit of 10,000 mutations runs each affected reaction once', () => {
    const { state, change } = setUp()
    change((draft) => {
      draft.rows = Array.from({ length: 10_000 }, (_, id): Row => ({ id, name: '', done: false, tags: [] }))
    })
    const one = watch(() => state.rows[5_000].done)
    const some = watch(() => state.rows.slice(0, 100).filter((row: Row) => row.done).length)
    const all = watch(() => read(state.rows as Row[], (rows) => rows.filter((row) => row.done).length))
    const other = watch(() => state.rows[0].name)
    const ops = change((draft) => {
      for (const row of draft.rows) row.done = true
    })
    expect(ops).toHaveLength(10_000)
    expect([one.runs, some.runs, all.runs, other.runs]).toEqual([1, 1, 1, 0])
    expect([one.last, some.last, all.last]).toEqual([true, 100, 10_000])
  })

  test('E8 inside the caller’s own batch the state changes at once, and reactions run when it ends', () => {
    const { state, change } = setUp()
    const total = watch(() => state.total)
    runInAction(() => {
      change((draft) => {
        draft._secret = 6
      })
      change((draft) => draft.rows.pop())
      expect([state.rows.length, state.total, total.runs]).toEqual([2, 8, 0])
    })
    expect([total.runs, total.last]).toEqual([0, 3 + 5]) // the computed gives what it gave
    runInAction(() => {
      change((draft) => {
        draft._secret = 7
      })
      expect([state.total, total.runs]).toEqual([9, 0])
    })
    expect([total.runs, total.last]).toEqual([1, 9])
  })

  test('a reaction may run an event, also one that takes away what it has read', () => {
    const { state, change } = setUp()
    const taken: number[] = []
    autorun(() => {
      const job = state.byId.get('job')
      if (job === undefined) return
      taken.push(job.n)
      change((draft) => draft.byId.delete('job'))
    })
    for (const n of [1, 2, 3]) change((draft) => draft.byId.set('job', { n }))
    expect(taken).toEqual([1, 2, 3])
    expect(state.byId.has('job')).toBe(false)
    // The same where the first run finds something.
    change((draft) => draft.byId.set('job', { n: 4 }))
    expect(taken).toEqual([1, 2, 3, 4])
    const again: number[] = []
    change((draft) => {
      draft.record.jobs = { job: 1 }
    })
    autorun(() => {
      if (!('job' in state.record.jobs)) return
      again.push(state.record.jobs.job)
      change((draft) => {
        delete draft.record.jobs.job
      })
    })
    change((draft) => {
      draft.record.jobs.job = 2
    })
    expect(again).toEqual([1, 2])
  })
})

describe('identity', () => {
  const lists: Record<string, (draft: any) => unknown> = {
    push: (draft) => draft.rows.push({ id: 990 }),
    unshift: (draft) => draft.rows.unshift({ id: 990 }, { id: 980 }),
    shift: (draft) => draft.rows.shift(),
    splice: (draft) => draft.rows.splice(1, 2, { id: 990 }),
    sort: (draft) => draft.rows.sort((a: Row, b: Row) => b.id - a.id),
    reverse: (draft) => draft.rows.reverse(),
    'a swap': (draft) => {
      const first = draft.rows[0]
      draft.rows[0] = draft.rows[3]
      draft.rows[3] = first
    },
    'a rotation': (draft) => {
      const [first] = draft.rows
      for (let i = 1; i < draft.rows.length; i++) draft.rows[i - 1] = draft.rows[i]
      draft.rows[draft.rows.length - 1] = first
    },
    'a drag': (draft) => {
      const [row] = draft.rows.splice(4, 1)
      draft.rows.splice(1, 0, row)
    },
    'a filtered list in its own place': (draft) => {
      draft.rows = draft.rows.filter((row: Row) => row.id % 2 === 0)
    },
    'a filtered, turned and extended list': (draft) => {
      draft.rows = [{ id: 990 }, ...draft.rows.filter((row: Row) => row.id % 3 > 0).reverse(), draft.record.row]
      delete draft.record.row
    },
    'a list put into another': (draft) => {
      draft.record.kept = draft.rows
      draft.rows = []
    },
    'writes in rows': (draft) => {
      for (const row of draft.rows) row.done = !row.done
    },
  }

  test.each([5, 20, 100].flatMap((size) => Object.keys(lists).map((name) => [name, size] as const)))(
    'S3 rows that stay keep their identity: %s of %i',
    (name, size) => {
      const { state, change } = setUp()
      change((draft) => {
        draft.rows = Array.from({ length: size }, (_, id) => ({ id, name: `row ${id}`, done: false, tags: [] }))
        draft.record.row = { id: 1_000 }
      })
      const before = new Map<number, unknown>([...state.rows, state.record.row].map((row: Row) => [row.id, row]))
      const rows = state.rows
      const names = [...before.values()].map((row) => watch(() => (row as Row).name))
      change(lists[name] as (draft: any) => void)
      const after = [...state.rows, ...(state.record.kept ?? [])]
      for (const row of after) if (before.has(row.id)) expect(row).toBe(before.get(row.id))
      expect(names.reduce((runs, one) => runs + one.runs, 0)).toBe(0)
      if (name === 'a list put into another') expect(state.record.kept).toBe(rows)
      // They are observed where they are now.
      for (const row of after) if (row.id === 2) expect(watchWrite(row, change)).toBe('written')
    },
  )

  /** Writes to the row with id 2, wherever it is, and gives what a reaction that holds the row has seen of it. */
  function watchWrite(row: Row, change: (recipe: (draft: any) => void) => void) {
    const name = watch(() => row.name)
    change((draft) => {
      const home = [...draft.rows, ...(draft.record.kept ?? [])].find((one: Row) => one.id === 2)
      home.name = 'written'
    })
    return name.last
  }

  test('S3 a row that moves to a place nobody has read keeps its identity and its readers', () => {
    const { state, change } = setUp()
    change((draft) => {
      draft.record.unread = { deep: { list: [{ id: 7 }] } }
    })
    const row = state.rows[1]
    const name = watch(() => row.name)
    change((draft) => {
      const [moved] = draft.rows.splice(1, 1)
      draft.record.unread.deep.list.push(moved)
    })
    expect(name.runs).toBe(0)
    change((draft) => {
      draft.record.unread.deep.list[1].name = 'moved'
    })
    expect(name.last).toBe('moved')
    expect(state.record.unread.deep.list[1]).toBe(row)
  })

  test('S3 a container keeps its identity inside a new one', () => {
    const { state, change } = setUp()
    const { deep } = state.record
    const { deeper } = deep
    const [one, two] = state.rows
    change((draft) => {
      draft.record = { wrapped: { at: [0, draft.record.deep] }, byId: new Map([['one', draft.rows[0]]]) }
      draft.rows = [draft.rows[1]]
    })
    expect(state.record.wrapped.at[1]).toBe(deep)
    expect(deep.deeper).toBe(deeper)
    expect(state.record.byId.get('one')).toBe(one)
    expect(state.rows[0]).toBe(two)
    expect(state.rows[0].name).toBe('row 1')
  })

  test('a container that was replaced is another one, and the old one stays as it was', () => {
    const { state, change } = setUp()
    const row = state.rows[0]
    change((draft) => {
      draft.rows[0] = { ...draft.rows[0], name: 'new' }
    })
    expect(state.rows[0]).not.toBe(row)
    expect([row.name, state.rows[0].name]).toEqual(['row 0', 'new'])
    expect(state.rows.indexOf(row)).toBe(-1)
    expect(state.rows.includes(state.rows[0])).toBe(true)
  })
})

describe('getters', () => {
  const counted = { runs: 0 }
  const listState = defineState('list', () => ({
    rows: [1, 2, 3],
    _factor: 2,
    get sum() {
      counted.runs += 1
      return this.rows.reduce((sum, n) => sum + n, 0) * this._factor
    },
    get twice() {
      return (this as unknown as { sum: number }).sum * 2
    },
  }))

  test('S4 a getter is cached while observed, and sees backend fields', () => {
    const { state, change } = setUp(listState as never)
    counted.runs = 0
    const twice = watch(() => state.twice)
    expect([twice.last, state.sum, state.sum, counted.runs]).toEqual([24, 12, 12, 1])
    change((draft) => {
      draft._factor = 3
    })
    expect([twice.last, counted.runs]).toEqual([36, 2])
    change((draft) => draft.rows.reverse())
    expect([twice.runs, counted.runs]).toEqual([1, 3]) // looked at again, and gave the same
    twice.dispose()
    expect([state.sum, state.twice]).toEqual([18, 36])
  })

  test('S4 getters of substates; one that gives a state gives it as its reader sees it', () => {
    const { state, change } = setUp()
    const loud = watch(() => state.settings.loud)
    expect(loud.last).toBe('DARK3')
    change((draft) => {
      draft.settings._seen = 4
    })
    expect(loud.last).toBe('DARK4')
    expect(state.self).toBe(state)
    expect('_secret' in state.self).toBe(false)
    expect(Object.keys(state)).not.toContain('total')
    expect('total' in state).toBe(true)
  })
})

describe('reading', () => {
  test.each(Object.entries(writes))('G2 refuses a write and changes nothing: %s', (_, write) => {
    const { tree, state } = setUp()
    const before = structuredClone(tree.root)
    expect(() => write(state)).toThrow(ImmutableStateError)
    expect(() => runInAction(() => write(state))).toThrow(ImmutableStateError)
    expect(tree.root).toEqual(before)
  })

  test('G2 says where, also after rows have moved', () => {
    const { state, change } = setUp()
    const row = state.rows[2]
    const write = () => {
      row.tags[0] = 'x'
    }
    expect(write).toThrow('Cannot write rows[2].tags[0]: store.state is read-only here')
    change((draft) => draft.rows.shift())
    expect(write).toThrow('Cannot write rows[1].tags[0]:')
    change((draft) => draft.byId.set('row', draft.rows.pop()))
    expect(write).toThrow('Cannot write byId.row.tags[0]:')
    change((draft) => draft.byId.clear())
    expect(write).toThrow('Cannot write [0]:')
  })

  test('S5 reads as the data does, without backend fields at the top of a state', () => {
    const { tree, state, change } = setUp()
    change((draft) => {
      draft.rows[0]._id = 1
    })
    const plain = tree.snapshot(false) as any
    expect(state).toEqual(plain)
    expect(toPlain(state)).toEqual(plain)
    expect(JSON.stringify(state)).toBe(JSON.stringify(plain))
    expect(Object.keys(state)).toEqual(Object.keys(plain))
    expect({ ...state }).toEqual(plain)
    expect('_secret' in state).toBe(false)
    expect(state._secret).toBe(undefined)
    expect(Object.hasOwn(state, '_secret')).toBe(false)
    expect(Object.getOwnPropertyNames(state)).not.toContain('_secret')
    expect('_seen' in state.settings).toBe(false)
    expect(Object.keys(toPlain(state.settings))).toEqual(['theme'])
    expect(state.rows[0]._id).toBe(1)
    expect(Array.isArray(state.rows)).toBe(true)
    expect(state.byId instanceof Map && state.members instanceof Set).toBe(true)
    expect(state.rows.map((row: Row) => row.id)).toEqual([0, 1, 2])
    expect([...state.byId.values()]).toEqual([{ n: 1 }, { n: 2 }])
  })

  test('S5 works with what MobX offers', async () => {
    const { state, change } = setUp()
    const lengths: number[] = []
    reaction(
      () => state.rows.length,
      (length) => lengths.push(length),
    )
    const names = computed(() => state.rows.map((row: Row) => row.name).join())
    const joined = watch(() => names.get())
    const full = when(() => state.rows.length > 3)
    change((draft) => draft.rows.push({ id: 3, name: 'new', done: false, tags: [] }))
    await full
    expect(lengths).toEqual([4])
    expect([joined.last, joined.runs]).toEqual(['row 0,row 1,row 2,new', 1])
    expect(toJS(state)).toBe(state)
  })

  test('reading outside of reactions makes no atom, and sees each commit', () => {
    const { state, change } = setUp()
    const { atoms } = madeForTesting
    const readAll = () =>
      JSON.stringify(state) + [...state.byId.values()].length + Object.keys(state.record) + toPlain(state)
    readAll()
    runInAction(readAll)
    transaction(readAll)
    autorun(() => untracked(readAll))
    expect(madeForTesting.atoms).toBe(atoms)
    change((draft) => {
      draft.rows[0].name = 'x'
    })
    expect(state.rows[0].name).toBe('x')
    expect(madeForTesting.atoms).toBe(atoms)
  })

  test('atoms of map keys that nobody observes any more are let go', () => {
    const { state, change } = setUp()
    const current = watch(() => state.byId.get(`key ${state.count}`))
    for (let count = 0; count < 100; count++) {
      change((draft) => {
        draft.byId.set(`key ${count}`, { n: count })
        draft.count = count
      })
      expect(current.last.n).toBe(count)
      change((draft) => draft.byId.delete(`key ${count}`))
      expect(current.last).toBe(undefined)
    }
    change((draft) => draft.byId.set('key 99', { n: -1 }))
    expect(current.last.n).toBe(-1)
    const { atoms } = madeForTesting
    const again = watch(() => state.byId.get('key 5'))
    expect(madeForTesting.atoms).toBe(atoms + 1)
    again.dispose()
    const look = () => watch(() => state.byId.has('key 6')).dispose()
    look()
    look()
    expect(madeForTesting.atoms).toBe(atoms + 3)
  })

  test('the atom of a key is let go when nobody observes it, and not before', () => {
    const { state, change } = setUp()
    change((draft) => {
      draft.record = { a: 1, b: 1 }
    })
    const put = (value: number): void => {
      change((draft) => {
        draft.record.a = value
      })
    }
    const remove = (): void => {
      change((draft) => {
        delete draft.record.a
      })
    }
    /** How many atoms a look at the key makes. */
    const look = (): number => {
      const before = madeForTesting.atoms
      watch(() => state.record.a).dispose()
      return madeForTesting.atoms - before
    }
    expect([look(), look()]).toEqual([2, 1]) // for `record` in the state, where keys stay, and for `a` in it
    const watching = watch(() => state.record.a)
    remove()
    expect([watching.last, watching.runs]).toEqual([undefined, 1])
    put(3)
    expect([watching.last, watching.runs]).toEqual([3, 2])
    remove()
    put(4)
    expect([watching.last, watching.runs]).toEqual([4, 4])
    watching.dispose()
    expect(look()).toBe(1)
  })

  test('a reaction that removes the key which it has read, and has not finished, hears of it when it comes back', () => {
    const { state, change } = setUp()
    change((draft) => {
      draft.record = { a: 1 }
    })
    watch(() => state.record.a).dispose() // the atom is there, and unobserved
    let removed = false
    const watching = watch(() => {
      const value = state.record.a
      if (!removed) {
        removed = true
        change((draft) => {
          delete draft.record.a
        })
      }
      return value
    })
    change((draft) => {
      draft.record.a = 5
    })
    expect(watching.last).toBe(5)
    watching.dispose()
  })

  test('S1 a reaction on a key of a Map runs when the Map is cleared as it moves', () => {
    const { state, change } = setUp()
    change((draft) => {
      draft.record = { map: new Map(Array.from({ length: 100 }, (_, i) => [i, i])) }
    })
    const { map } = untracked(() => state.record)
    const key = watch(() => map.get(5))
    change((draft) => {
      const moved = draft.record.map
      moved.clear()
      draft.record = { at: moved }
    })
    expect([key.last, key.runs]).toEqual([undefined, 1])
    change((draft) => draft.record.at.set(5, 'again'))
    expect([key.last, key.runs]).toEqual(['again', 2])
    key.dispose()
  })

  test('S13 a computed that reads 100,000 rows as one makes no node and no atom for a row', () => {
    const { state, change } = setUp()
    change((draft) => {
      draft.rows = Array.from({ length: 100_000 }, (_, id) => ({ id, name: '', done: false, tags: [] }))
    })
    const made = { ...madeForTesting }
    const open = watch(() => read(state.rows as Row[], (rows) => rows.filter((row) => !row.done).length))
    const whole = watch(() => read(state, (root: any) => root.rows.length + String('_secret' in root)))
    expect(madeForTesting).toEqual({ nodes: made.nodes + 1, atoms: made.atoms + 3 })
    for (const i of [0, 50_000, 99_999]) {
      change((draft) => {
        draft.rows[i].done = true
      })
    }
    expect([open.last, open.runs]).toEqual([99_997, 3])
    change((draft) => draft.rows[7].tags.push('deep'))
    expect([open.runs, whole.runs, whole.last]).toEqual([4, 4, '100000false'])
    change((draft) => draft.rows.shift())
    expect([open.last, open.runs, whole.last]).toEqual([99_997, 5, '99999false']) // the first row was done
    change((draft) => {
      draft.count = 0
    })
    expect([open.runs, whole.runs]).toEqual([5, 6])
    expect(madeForTesting).toEqual({ nodes: made.nodes + 1, atoms: made.atoms + 3 })
  })

  test('S13 a getter that uses read gives the same in the view, a draft, a snapshot and a replica', () => {
    const readingState = defineState('reading', () => ({
      _rows: [3, 4],
      get sum() {
        return read(this._rows, (rows) => rows.reduce((sum, n) => sum + n, 0))
      },
    }))
    const { tree, state, change } = setUp(readingState as never)
    const sum = watch(() => state.sum)
    change((draft) => draft._rows.push(5))
    const draft = createDraft(tree.shape, tree.root).state as any
    const replica = createReadOnlyView(tree.shape, () => tree.root) as any
    const snapshot = tree.snapshot(false) as any
    expect([sum.last, state.sum, draft.sum, replica.sum, snapshot.sum]).toEqual([12, 12, 12, 12, 12])
  })

  test('landing 100,000 rows makes nodes and atoms for what is read of them', () => {
    const { state, change } = setUp()
    const length = watch(() => state.rows.length)
    const first = watch(() => state.rows[0]?.name)
    const made = { ...madeForTesting }
    change((draft) => {
      draft.rows = Array.from({ length: 100_000 }, (_, id) => ({ id, name: `row ${id}`, done: false, tags: [] }))
    })
    expect([length.last, first.last]).toEqual([100_000, 'row 0'])
    expect(madeForTesting.nodes - made.nodes).toBe(2) // the list and a row
    expect(madeForTesting.atoms - made.atoms).toBe(3)
  })
})
