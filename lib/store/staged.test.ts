import { afterEach, expect, test, vi } from 'vitest'
import { serveOn, serveTasks } from '../../workers/serve-tasks.js'
import type { TaskContext } from '../../workers/task.js'
import { ImmutableStateError, InvalidMutationError, NotCloneableError } from '../errors.js'
import type { StateOf } from '../state/define-state.js'
import { createInitialState, defineState, shapeOf } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import { replay } from '../state/draft-replay.js'
import type { Mutation } from '../state/mutation.js'
import type { Commit } from './committer.js'
import { defineEvent } from './define-event.js'
import type { WireCall } from './fixtures/wire.js'
import { callOf } from './fixtures/wire.js'
import { Staged } from './staged.js'
import { createStore } from './store.js'
import type { TaskSource } from './worker-tasks.js'

interface Row {
  id: number
  name: string
}

const definition = defineState('staged', () => ({
  rows: [] as Row[],
  byId: new Map<string, Row[]>(),
  box: {} as Record<string, unknown>,
  counter: 0,
}))
type State = StateOf<typeof definition>
type Body = (task: TaskContext<State>) => Promise<unknown>

const rows = (count: number): Row[] => Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}` }))

const open: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of open.splice(0)) await store.dispose()
})

/** A store whose one task does what it is told, and what its worker has posted. */
function setUp() {
  let body: Body = async () => {}
  const posted: any[] = []
  const errors: unknown[] = []
  const served = serveTasks(definition, { act: (async (task) => body(task)) as Body })
  const source: TaskSource<typeof served> = {
    open() {
      const { port1, port2 } = new MessageChannel()
      const { postMessage } = port2
      port2.postMessage = (message: unknown, transfer?: any) => {
        posted.push(message)
        postMessage.call(port2, message, transfer)
      }
      let close = () => {}
      return {
        connect({ port }) {
          port(port1)
          close = serveOn(served, port2, undefined, { from: 2_000, slice: 2_000 }).close
        },
        terminate: () => close(),
      }
    },
  }
  const store = createStore(definition, {
    tasks: source,
    events: {
      urgent: defineEvent({ urgent: true }, (state) => {
        state.counter += 1
      }),
    },
    onError: (error) => void errors.push(error),
  })
  open.push(store)
  /** Runs a task to its end. */
  const act = (next: Body): Promise<unknown> => {
    body = next
    return store.tasks.act().done
  }
  /** How much the commits have carried: 0 for nothing but places. */
  const carried = (): number[] =>
    calls('commit').map(({ payload, inSlices }) =>
      inSlices
        ? -1
        : JSON.stringify((payload as any).mutations.map((one: any) => one.value ?? one.values ?? [])).length,
    )
  const calls = (name: string) => posted.map(callOf).filter((call): call is WireCall => call?.name === name)
  const called = (name: string) => calls(name).length
  return { store, act, posted, carried, called, errors }
}

test.each([10, 2_000])('S7: %i staged rows are put in place by one small message, which names them', async (count) => {
  const { store, act, carried, posted } = setUp()
  const commits: Commit[] = []
  store.onCommit((commit) => void commits.push(commit))
  await act(async (task) => {
    const staged = await task.stage(rows(count))
    expect(store.state.rows.length).toBe(0)
    await task.lease((state) => {
      state.rows = staged
    })
    expect(task.state.rows.length).toBe(count)
  })
  expect(store.snapshot().rows).toEqual(rows(count))
  expect(carried()).toEqual(['[[]]'.length])
  expect(posted.some((message) => 's' in message)).toBe(count > 100)
  expect(commits).toHaveLength(1)
  expect(commits[0]?.mutations).toEqual([{ op: 'set', path: ['rows'], value: rows(count) }])
})

test('S7: an event that comes while rows are staged runs inside the call', async () => {
  const { store, act } = setUp()
  await act(async (task) => {
    const staging = task.stage(rows(2_000))
    expect(store.events.urgent().ran).toBe(true)
    await staging
    expect(store.events.urgent().ran).toBe(true)
  })
  expect(store.state.counter).toBe(2)
})

test('a staged value may be put anywhere in what is assigned, and several in one batch', async () => {
  const { store, act, carried } = setUp()
  await act(async (task) => {
    const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map((count) => task.stage(rows(count))))
    await task.lease((state) => {
      state.box = { deep: { a, list: [1, b] } }
      state.byId.set('c', c as Row[])
      state.rows.push({ id: 1, name: 'x' })
      ;(state.box as any).d = d
    })
  })
  expect(store.snapshot().box).toEqual({ deep: { a: rows(1), list: [1, rows(2)] }, d: rows(4) })
  expect(store.snapshot().byId.get('c')).toEqual(rows(3))
  expect(Math.max(...carried())).toBeLessThan(100)
})

test('changed, or assigned once more, it is sent as any other value', async () => {
  const { store, act, carried } = setUp()
  await act(async (task) => {
    const staged = await task.stage(rows(20))
    await task.lease((state) => {
      state.rows = staged
      const [first] = state.rows
      if (first !== undefined) first.name = 'changed'
    })
    expect(staged[0]?.name).toBe('row 0')
    await task.lease((state) => {
      state.byId.set('a', staged)
      state.byId.set('b', staged)
    })
    await task.lease((state) => {
      state.byId.set('c', staged)
    })
  })
  expect(carried()[0]).toBeGreaterThan(400)
  expect(carried()[1]).toBeGreaterThan(400)
  expect(carried()[1]).toBeLessThan(900) // one of the two is named
  expect(carried()[2]).toBeGreaterThan(400)
  const { byId, rows: inState } = store.snapshot()
  expect(inState[0]).toEqual({ id: 0, name: 'changed' })
  expect([...byId.values()]).toEqual([rows(20), rows(20), rows(20)])
})

test('what a lease has put in place may change, and who has the view sees what it was', async () => {
  const { store, act } = setUp()
  await act(async (task) => {
    const staged = await task.stage(rows(100))
    await task.lease(async (state, lease) => {
      state.rows = staged
      await lease.flush()
      state.rows.push({ id: -1, name: 'later' })
    })
    await task.lease((state) => void state.rows.pop())
    await task.lease((state) => void state.rows.shift())
    expect(staged).toHaveLength(100)
    expect(staged[0]).toEqual({ id: 0, name: 'row 0' })
    expect(task.state.rows).toHaveLength(99)
  })
  expect(store.snapshot().rows).toEqual(rows(100).slice(1))
})

test('a lease that fails, or is revoked and runs again, has used nothing', async () => {
  const { store, act, carried } = setUp()
  let runs = 0
  await act(async (task) => {
    const staged = await task.stage(rows(20))
    const failing = task.lease((state) => {
      state.rows = staged
      throw new Error('meant')
    })
    await expect(failing).rejects.toThrow('meant')
    await task.lease(async (state) => {
      runs += 1
      state.rows = staged
      if (runs === 1) store.events.urgent()
      await task.sleep(5)
    })
  })
  expect(runs).toBe(2)
  expect(carried()).toEqual([4])
  expect(store.snapshot()).toMatchObject({ rows: rows(20), counter: 1 })
})

test('a batch that is refused on its way has used nothing', async () => {
  const { store, act, carried } = setUp()
  let runs = 0
  await act(async (task) => {
    const staged = await task.stage(rows(20))
    await task.lease((state) => {
      runs += 1
      state.rows = staged
      // The batch is posted when this function returns, and is not there yet when its lease is taken back.
      if (runs === 1) void Promise.resolve().then(() => store.events.urgent())
    })
  })
  expect(runs).toBe(2)
  expect(carried()).toEqual([4, 4])
  expect(store.snapshot()).toMatchObject({ rows: rows(20), counter: 1 })
})

test('the view is read-only, and names itself', async () => {
  const { act } = setUp()
  await act(async (task) => {
    const staged = await task.stage({ list: rows(2), map: new Map([['a', 1]]) })
    expect(() => staged.list.push({ id: 3, name: 'x' })).toThrow(ImmutableStateError)
    expect(() => staged.map.set('b', 2)).toThrow(/a staged value/)
    expect(staged).toEqual({ list: rows(2), map: new Map([['a', 1]]) })
  })
})

test('what cannot be in state is told with its path; what is no container comes back at once', async () => {
  const { act, called } = setUp()
  await act(async (task) => {
    await expect(task.stage([{ bad: () => {} }])).rejects.toThrow(NotCloneableError)
    await expect(task.stage([{ bad: () => {} }])).rejects.toThrow(/\[0\]\.bad/)
    expect(await task.stage(7)).toBe(7)
    const bytes = new Uint8Array([1, 2])
    expect(await task.stage(bytes)).toEqual(bytes)
  })
  expect(called('stage')).toBe(0)
})

test('it is what it was at the call', async () => {
  const { store, act } = setUp()
  await act(async (task) => {
    const list = rows(3)
    const staging = task.stage(list)
    list.push({ id: 9, name: 'late' })
    const staged = await staging
    list.length = 0
    await task.lease((state) => {
      state.rows = staged
    })
  })
  expect(store.snapshot().rows).toEqual(rows(3))
})

test('the values of a run are let go of with it, and those that it waits for when it is cancelled', async () => {
  const { store, act, called, carried } = setUp()
  let kept: Row[] = []
  await act(async (task) => {
    kept = await task.stage(rows(20))
  })
  await act((task) =>
    task.lease((state) => {
      state.rows = kept
    }),
  )
  expect(carried().at(-1)).toBeGreaterThan(400)
  expect(store.snapshot().rows).toEqual(rows(20))
  const cancelled = act(async (task) => {
    const [run] = store.backgroundTasks
    const staging = task.stage(rows(20))
    run?.cancel()
    await staging
  })
  await expect(cancelled).rejects.toThrow(/cancelled/)
  await vi.waitFor(() => expect(store.backgroundTasks.size).toBe(0))
  expect(called('unstage')).toBeLessThanOrEqual(1)
})

test('a dispose while a value is on its way leaves nothing waiting', async () => {
  const { store, act } = setUp()
  const ended = act(async (task) => {
    void store.dispose()
    await task.stage(rows(2_000))
  })
  await expect(ended).rejects.toThrow(/disposed/)
})

// --- workers that mean no good

const set = (value: unknown): Mutation => ({ op: 'set', path: ['box', 'x'], value })

/** What a batch makes of a state, with two values that were staged before. */
function replayed(
  mutations: readonly Mutation[],
  staged: readonly { mutation: number; at: any[]; id: number }[],
): unknown {
  const values = new Staged()
  values.keep(1, {}, { one: 1 }, new Set())
  values.keep(2, {}, [2], new Set())
  const draft = createDraft(shapeOf(definition), createInitialState(definition))
  replay(draft.state, mutations, {
    adoptable: new Set(),
    staged: values.placed({ mutations, specs: undefined, staged }),
  })
  return structuredClone(draft.changes().map((mutation) => ('value' in mutation ? mutation.value : undefined)))
}

test('staged values go where a place for them is', () => {
  const places = [
    { mutation: 0, at: ['a'], id: 1 },
    { mutation: 0, at: ['list', 0], id: 2 },
  ]
  expect(replayed([set({ a: undefined, list: [undefined] })], places)).toEqual([{ a: { one: 1 }, list: [[2]] }])
})

const misplaced: readonly (readonly [string, unknown, readonly { mutation: number; at: any[]; id: number }[]])[] = [
  ['one that was never staged', {}, [{ mutation: 0, at: ['a'], id: 3 }]],
  ['one in two places', {}, [1, 2].map((key) => ({ mutation: 0, at: [`${key}`], id: 1 }))],
  [
    'one in another',
    {},
    [
      { mutation: 0, at: ['a'], id: 1 },
      { mutation: 0, at: ['a', 'b'], id: 2 },
    ],
  ],
  [
    'one in itself, as the whole',
    {},
    [
      { mutation: 0, at: [], id: 1 },
      { mutation: 0, at: ['b'], id: 2 },
    ],
  ],
  ['one outside of the value', {}, [{ mutation: 0, at: ['a', 'b'], id: 1 }]],
  ['one in a prototype', {}, [{ mutation: 0, at: ['__proto__'], id: 1 }]],
  ['one in the prototype of an array', [], [{ mutation: 0, at: ['__proto__', 'x'], id: 1 }]],
  ['one behind the end of an array', [], [{ mutation: 0, at: [5], id: 1 }]],
  ['one in a set', new Set(), [{ mutation: 0, at: [1], id: 1 }]],
]

test.each(misplaced)('of staged values, %s is refused', (_, value, places) => {
  expect(() => replayed([set(value)], places)).toThrow(InvalidMutationError)
})

test('a staged value is checked as it is kept', () => {
  const staged = new Staged()
  expect(() => staged.keep(1, {}, [() => {}], new Set())).toThrow(NotCloneableError)
  staged.keep(1, {}, [], new Set())
  expect(() => staged.keep(1, {}, [], new Set())).toThrow(/in use/)
})

test('G4 L15: two leases that overlap may assign one view: what is written in one place is written there alone', async () => {
  const { store, act } = setUp()
  let seen: readonly number[] = []
  await act(async (task) => {
    const staged = (await task.stage(rows(100))) as Row[]
    let goOn = () => {}
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const first = task.lease(
      async (state) => {
        state.rows = staged
        await gate
      },
      { scope: ['rows'] },
    )
    const second = task.lease(
      async (state) => {
        state.box.x = staged
        goOn()
        await first
      },
      { scope: ['box'] },
    )
    await Promise.all([first, second])
    await task.lease((state) => void (state.box.x as Row[]).push({ id: 999, name: '' }))
    seen = [task.state.rows.length, (task.state.box.x as Row[]).length, staged.length]
  })
  expect(seen).toEqual([100, 101, 100])
  expect(store.state.rows).toHaveLength(100)
  expect(store.state.box.x).toHaveLength(101)
})
