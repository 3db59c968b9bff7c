import { autorun, computed, observable, reaction, runInAction } from 'mobx'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { expectConsole } from '../../scripts/test-setup.ts'
import type { ErrorContext, Mutation } from '../index.js'
import { createStore, defineState, LeaseholdError, modifyState, read, toPlain } from '../index.js'

interface Row {
  id: number
  name: string
  done: boolean
}

const settings = defineState('settings', () => ({
  theme: 'light',
  _secret: 's',
  get isDark() {
    return this.theme === 'dark'
  },
}))

interface Contract {
  rename(id: number, name: string): void
}

const listState = defineState(
  'list',
  () => ({
    counter: 0,
    text: '',
    rows: [] as Row[],
    byId: new Map<string, Row>(),
    tags: new Set<string>(),
    selected: undefined as Row | undefined,
    _hidden: 1,
    get double() {
      return this.counter * 2 + this._hidden - 1
    },
    get openCount() {
      return read(this.rows, (rows) => rows.filter((row) => !row.done).length)
    },
  }),
  { substates: [settings] },
).withEvents<Contract>()

const row = (id: number): Row => ({ id, name: `row ${id}`, done: false })

interface Reported {
  readonly error: unknown
  readonly context: ErrorContext
}

function createList(initialState: { rows?: Row[]; counter?: number } = {}) {
  const reported: Reported[] = []
  const store = createStore(listState, {
    initialState,
    onError: (error, context) => reported.push({ error, context }),
    events: ({ emit }) => ({
      add(state, count: number) {
        state.counter += count
        return state.counter
      },
      push(state, id: number) {
        state.rows.push(row(id))
        return state.rows.at(-1)
      },
      rename(state, id: number, name: string) {
        const found = state.rows.find((item) => item.id === id)
        if (found) found.name = name
      },
      remove(state, gone: Row) {
        state.rows.splice(state.rows.indexOf(gone), 1)
      },
      fail(state) {
        state.counter = 99
        state.rows.push(row(9))
        throw new RangeError('on purpose')
      },
      *steps(state) {
        state.counter = 1
        yield
        state.counter = 2
        yield emit.rename(1, 'by yield')
        state.counter = 3
        return 'done'
      },
      *failingSteps(state) {
        state.counter = 1
        yield
        state.counter = 2
        throw new Error('after a yield')
      },
      async later(state, until: Promise<void>) {
        state.counter += 1
        await until
        state.counter += 10
        return state.counter
      },
      async *asyncSteps(state, until: Promise<void>) {
        state.counter = 1
        yield
        await until
        state.counter = 2
        yield [emit.rename(1, 'by async yield')]
        state.counter = 3
        return 'async done'
      },
      async *failingToPublish(state) {
        try {
          ;(state.rows as unknown[]).push(state.rows)
          yield
        } finally {
          await new Promise(() => {})
        }
      },
      equal(state) {
        state.counter = 0
        state.text = ''
        state.rows.length = 0
        state.byId.delete('none')
        state.tags.delete('none')
      },
      specs(state) {
        state.rows.push(row(1))
        return [emit.rename(1, 'first'), [emit.rename(1, 'second')]]
      },
      dropped() {
        emit.rename(1, 'never')
      },
      renameDetached(state) {
        const first = state.rows[0]
        return emit.rename(first?.id ?? 0, first?.name ?? '')
      },
      inside(_state, call: () => void) {
        call()
      },
    }),
  })
  stores.push(store)
  return { store, reported }
}

const stores: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.dispose()
})

/** A promise and what settles it. */
function deferred(): { promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}

const macrotask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

describe('running', () => {
  test('E2: an async generator whose yield cannot be published fails at once, whatever its finally block waits for', async () => {
    const { store } = createList()
    await expect(store.events.failingToPublish()).rejects.toMatchObject({ code: 'INVALID_MUTATION' })
    expect(store.events.add(1).ran).toBe(true)
    expect(store.snapshot()).toMatchObject({ counter: 1, rows: [] })
  })

  test('E3: an event with the line free runs inside the call', async () => {
    const { store } = createList()
    const run = store.events.add(2)
    expect(store.state.counter).toBe(2)
    expect(store.version).toBe(1)
    expect(run.ran).toBe(true)
    expect(await run).toBe(2)
  })

  test('E1: sync, async, generator and async generator handlers give their value, and interim states are seen', async () => {
    const { store } = createList({ rows: [row(1)] })
    const seen: number[] = []
    const stop = autorun(() => void seen.push(store.state.counter))
    expect(await store.events.steps()).toBe('done')
    expect(seen).toEqual([0, 1, 2, 3])
    expect(store.state.rows[0]?.name).toBe('by yield')

    const gate = deferred()
    const run = store.events.asyncSteps(gate.promise)
    expect(run.ran).toBe(false)
    await macrotask()
    expect(seen.at(-1)).toBe(1)
    gate.resolve()
    expect(await run).toBe('async done')
    expect(seen).toEqual([0, 1, 2, 3, 1, 2, 3])
    expect(store.state.rows[0]?.name).toBe('by async yield')

    expectConsole('warn', /"later" is async/)
    const other = deferred()
    const late = store.events.later(other.promise)
    expect(store.state.counter).toBe(3)
    other.resolve()
    expect(await late).toBe(14)
    expect(seen).toEqual([0, 1, 2, 3, 1, 2, 3, 14])
    stop()
  })

  test('L13: an error after a yield rolls back only what came after it', async () => {
    const { store } = createList()
    await expect(store.events.failingSteps()).rejects.toThrow('after a yield')
    expect(store.state.counter).toBe(1)
  })

  test('E2 L4: a failing event rejects, nothing has changed, and nobody has seen it', async () => {
    const { store, reported } = createList({ rows: [row(1)] })
    const before = store.snapshot()
    const seen: unknown[] = []
    const stop = reaction(
      () => toPlain(store.state),
      (state) => seen.push(state),
    )
    const doubled = computed(() => store.state.counter * 2)
    await expect(store.events.fail()).rejects.toThrow(new RangeError('on purpose'))
    expect(store.snapshot()).toBe(before)
    expect(doubled.get()).toBe(0)
    expect(seen).toEqual([])
    expect(store.version).toBe(0)
    expect(await store.events.add(1)).toBe(1)
    expect(reported).toEqual([])
    stop()
  })

  test('E2: what is first observed inside a handler shows the state before, and goes on afterwards', async () => {
    const seen: number[] = []
    let stop = (): void => {}
    const store = createStore(listState, {
      events: () => ({
        rename() {},
        watch(state) {
          state.counter = 5
          stop = autorun(() => void seen.push(store.state.counter, store.state.double))
          state.counter = 6
          if (seen.length > 10) throw new Error('never')
        },
      }),
    })
    stores.push(store)
    store.events.watch()
    expect(seen).toEqual([0, 0, 6, 12])
    stop()
  })

  test('E4: setters for every field, none for getters, backend fields and substates', async () => {
    const { store } = createList()
    store.set.text('hello')
    store.set.rows([row(1)])
    expect(store.state.text).toBe('hello')
    expect(store.state.rows).toHaveLength(1)
    expect(Object.keys(store.set).sort()).toEqual(['byId', 'counter', 'rows', 'selected', 'tags', 'text'])
  })

  test('E8: an event inside the caller’s own action: changed when the call returns, reactions when the action ends', () => {
    const { store } = createList()
    const seen: number[] = []
    const stop = autorun(() => void seen.push(store.state.counter))
    runInAction(() => {
      store.events.add(1)
      expect(store.state.counter).toBe(1)
      expect(seen).toEqual([0])
      store.events.add(1)
    })
    expect(seen).toEqual([0, 2])
    stop()
  })

  test('G7: writing equal values is no mutation, no commit, no version and no reaction', () => {
    const { store } = createList()
    let commits = 0
    let runs = 0
    store.onCommit(() => commits++)
    const stop = autorun(() => {
      toPlain(store.state)
      runs++
    })
    store.events.equal()
    expect([store.version, commits, runs]).toEqual([0, 0, 1])
    stop()
  })
})

describe('events and reactions', () => {
  test('E5: an event fired by a reaction runs after the commit, as its own, before the outermost call returns', () => {
    const { store } = createList()
    const order: string[] = []
    store.onCommit(({ version, origin }) => order.push(`${version} ${origin.name}`))
    const stop = reaction(
      () => store.state.counter,
      (counter) => {
        if (counter >= 3) return
        const run = store.events.add(1)
        order.push(`fired, ran ${run.ran}`)
      },
    )
    store.events.add(1)
    expect(store.state.counter).toBe(3)
    expect(order).toEqual(['fired, ran false', '1 add', 'fired, ran false', '2 add', '3 add'])
    stop()
  })

  test('E5: reactions that fire each other for ever are stopped after 100 rounds, and reported', async () => {
    const { store, reported } = createList()
    const stop = reaction(
      () => store.state.counter,
      () => void store.events.add(1),
    )
    store.events.add(1)
    expect(store.state.counter).toBe(101)
    await vi.waitFor(() => expect(reported).toHaveLength(1))
    expect(reported[0]?.error).toBeInstanceOf(LeaseholdError)
    expect(String(reported[0]?.error)).toMatch(/"add".*100 times/)
    expect(await store.events.add(1)).toBe(102)
    expect(store.state.counter).toBe(202)
    await vi.waitFor(() => expect(reported).toHaveLength(2))
    stop()
  })

  test('E6: a reaction or a listener that throws does not fail the writer, and is reported', async () => {
    const { store, reported } = createList()
    expectConsole('error', /mobx.*reaction/i)
    const stop = autorun(() => {
      if (store.state.counter === 1) throw new Error('in a reaction')
    })
    store.onCommit(() => {
      throw new Error('in a listener')
    })
    let told = 0
    store.onCommit(() => told++)
    expect(await store.events.add(1)).toBe(1)
    expect(told).toBe(1)
    expect(reported.map(({ error, context }) => [(error as Error).message, context.kind])).toEqual([
      ['in a listener', 'listener'],
    ])
    stop()
  })
})

describe('specs and nested calls', () => {
  test('E7: modifyState in a handler is refused at once, as store.lease is', async () => {
    const { store } = createList()
    const run = store.events.inside(() => void modifyState(store.token, () => {}))
    await expect(run).rejects.toMatchObject({ code: 'NESTED_LEASE' })
  })

  test('T6: returned specs run in order, after the commit; a dropped one is reported', async () => {
    const { store, reported } = createList()
    const names: string[] = []
    const stop = autorun(() => void names.push(store.state.rows[0]?.name ?? '-'))
    expect(await store.events.specs()).toBeUndefined()
    expect(names).toEqual(['-', 'row 1', 'first', 'second'])
    store.events.dropped()
    expect(reported).toHaveLength(1)
    expect(reported[0]?.error).toMatchObject({ code: 'UNUSED_SPEC', message: expect.stringContaining('emit.rename()') })
    expect(store.state.rows[0]?.name).toBe('second')
    stop()
  })

  test('T6: starting a task inside a handler throws and says what to do', async () => {
    const { store } = createList()
    await expect(
      store.events.inside(() => void (store.tasks as unknown as { anything(): unknown }).anything()),
    ).rejects.toMatchObject({
      code: 'DIRECT_TASK_CALL',
      message: expect.stringContaining('Return start.anything(…) instead'),
    })
  })

  test('E7: calling an event, a setter or a lease inside a handler throws and says what to do', async () => {
    const { store } = createList()
    await expect(store.events.inside(() => void store.events.add(1))).rejects.toMatchObject({
      code: 'NESTED_LEASE',
      message: expect.stringContaining('Return emit.add(…)'),
    })
    await expect(store.events.inside(() => void store.set.counter(1))).rejects.toMatchObject({ code: 'NESTED_LEASE' })
    await expect(store.events.inside(() => void store.lease(() => {}))).rejects.toMatchObject({ code: 'NESTED_LEASE' })
    expect(await store.events.add(1)).toBe(1)
  })

  test('E7: an async handler that never settles loses the lease at its ttl, and the line goes on', async () => {
    expectConsole('warn', /"forever" is async/)
    const store = createStore(
      defineState('slow', () => ({ n: 0 })),
      {
        lease: { ttl: 60, warnAfter: 100_000 },
        events: {
          async forever(state) {
            state.n = 99
            await new Promise(() => {})
          },
          add(state) {
            state.n += 1
          },
        },
      },
    )
    stores.push(store)
    const run = store.events.forever()
    const next = store.events.add()
    await expect(run).rejects.toMatchObject({ code: 'LEASE_EXPIRED' })
    await next
    expect(store.state.n).toBe(1)
  })
})

describe('leases on the page', () => {
  test('L11: ifAvailable, timeout and signal as in Web Locks; an aborted wait leaves no trace', async () => {
    const { store, reported } = createList()
    const tryNow = (): PromiseLike<string> =>
      store.lease((state) => (state === null ? 'busy' : 'held'), { ifAvailable: true })
    expect(await tryNow()).toBe('held')
    const gate = deferred()
    const holder = store.lease(() => gate.promise, { name: 'holder' })
    expect(await tryNow()).toBe('busy')
    await expect(store.lease(() => {}, { timeout: 10, name: 'late' })).rejects.toMatchObject({
      code: 'LEASE_TIMEOUT',
      message: expect.stringMatching(/"late".*10 ms.*"holder"/),
    })
    const controller = new AbortController()
    const never = vi.fn()
    const aborted = store.lease(never, { signal: controller.signal })
    expect(store.line.waiting).toHaveLength(1)
    const reason = new Error('mine')
    controller.abort(reason)
    expect(store.line.waiting).toHaveLength(0)
    await expect(aborted).rejects.toBe(reason)
    await expect(store.lease(never, { signal: controller.signal })).rejects.toBe(reason)
    gate.resolve()
    await holder
    expect(never).not.toHaveBeenCalled()
    expect(reported).toEqual([])
    const late = new AbortController()
    const written = store.lease(
      async (state) => {
        late.abort()
        await macrotask()
        state.counter = 7
      },
      { signal: late.signal },
    )
    await written
    expect(store.state.counter).toBe(7)
  })

  test('L17: a lease that fails or ends late leaves nothing, and its draft is dead', async () => {
    const { store, reported } = createList()
    let kept: { counter: number } | undefined
    const failing = store.lease(async (state) => {
      kept = state
      state.counter = 99
      await macrotask()
      throw new RangeError('mine')
    })
    await expect(failing).rejects.toThrow('mine')
    expect(() => kept?.counter).toThrow(expect.objectContaining({ code: 'LEASE_RELEASED' }))
    const slow = store.lease(
      async (state) => {
        state.counter = 98
        await new Promise((resolve) => setTimeout(resolve, 5_000))
      },
      { ttl: 30, name: 'slow' },
    )
    await expect(slow).rejects.toMatchObject({ code: 'LEASE_EXPIRED', message: expect.stringContaining('"slow"') })
    expect(await store.events.add(1)).toBe(1)
    void store.lease(() => {
      throw new RangeError('nobody awaits this')
    })
    await vi.waitFor(() => expect(reported).toHaveLength(1))
    expect(reported[0]?.context.kind).toBe('lease')
  })
})

describe('errors are reported once', () => {
  test('T16: an event that fails and that nobody awaits is reported, exactly once; an awaited one is not', async () => {
    const { store, reported } = createList()
    store.events.fail()
    await store.events.fail().then(
      () => {},
      () => {},
    )
    await vi.waitFor(() => expect(reported).toHaveLength(1))
    await macrotask()
    await macrotask()
    expect(reported).toHaveLength(1)
    expect(reported[0]?.context).toEqual({ kind: 'event', name: 'fail' })
  })

  test('a disposed store refuses events and leases, and stays readable', async () => {
    const { store } = createList()
    store.events.add(3)
    await store.dispose()
    await store.dispose()
    await expect(store.events.add(1)).rejects.toMatchObject({ code: 'STORE_DISPOSED' })
    await expect(store.lease(() => {})).rejects.toMatchObject({ code: 'STORE_DISPOSED' })
    expect(store.state.counter).toBe(3)
  })
})

describe('state', () => {
  test('S4: a public getter over a backend field is cached while observed, and right in a draft', () => {
    const { store } = createList()
    const seen: number[] = []
    const stop = autorun(() => void seen.push(store.state.double))
    store.events.add(2)
    expect(seen).toEqual([0, 4])
    expect(store.snapshot().double).toBe(4)
    expect(Object.keys(store.state)).not.toContain('double')
    stop()
  })

  test('S8: substates are part of the tree: dotted names, drafts, views, snapshots', async () => {
    const store = createStore(listState, {
      events: {
        rename() {},
        dark(state) {
          state.settings.theme = 'dark'
          return state.settings.isDark
        },
        replace(state) {
          state.settings = { theme: 'x', _secret: '', isDark: true }
        },
        undeclared(state) {
          ;(state as unknown as Record<string, unknown>).nope = 1
        },
      },
    })
    stores.push(store)
    expect(settings.fullName).toBe('list.settings')
    const dark: boolean[] = []
    const stop = autorun(() => void dark.push(store.state.settings.isDark))
    expect(await store.events.dark()).toBe(true)
    expect(dark).toEqual([false, true])
    expect('_secret' in store.state.settings).toBe(false)
    expect(store.snapshot().settings).toEqual({ theme: 'dark' })
    await expect(store.events.replace()).rejects.toThrow(/substate of "list"/)
    await expect(store.events.undeclared()).rejects.toThrow(/"nope" is not a field of "list"/)
    await store.reset('settings')
    expect(store.state.settings.theme).toBe('light')
    stop()
  })

  test('S9: two stores of one definition share nothing; initialState is checked and copied in', () => {
    const rows = [row(1)]
    const { store } = createList({ rows })
    const { store: other } = createList()
    ;(rows[0] as Row).name = 'changed outside'
    store.events.push(2)
    expect(store.state.rows.map((item) => item.name)).toEqual(['row 1', 'row 2'])
    expect(other.state.rows).toHaveLength(0)
    expect(() => createStore(listState, { initialState: { nope: 1 } as object, events: { rename() {} } })).toThrow(
      /"nope" is not a field/,
    )
    expect(() =>
      createStore(listState, {
        initialState: { rows: [{ id: 1, name: (() => 1) as never, done: false }] },
        events: { rename() {} },
      }),
    ).toThrow(/rows\[0\]\.name cannot be in state: it is a function/)
  })

  test('S11: a container in two places is one until the commit, then each place has its own', async () => {
    const store = createStore(listState, {
      initialState: { rows: [row(1), row(2)] },
      events: {
        rename() {},
        select(state) {
          state.selected = state.rows[0]
          if (state.selected) state.selected.name = 'both'
          const fresh = row(7)
          state.rows.push(fresh, fresh)
          fresh.name = 'too late'
          return state.rows[0]?.name
        },
        renameSelected(state) {
          if (state.selected) state.selected.name = 'mine'
        },
      },
    })
    stores.push(store)
    expect(await store.events.select()).toBe('both')
    expect(store.state.selected?.name).toBe('both')
    store.events.renameSelected()
    expect(store.state.selected?.name).toBe('mine')
    expect(store.state.rows.map((item) => item.name)).toEqual(['both', 'row 2', 'row 7', 'row 7'])
  })

  test('S3: rows that stay keep their identity, whatever happens to the list', () => {
    const { store } = createList({ rows: [1, 2, 3, 4].map(row) })
    const mixed = createStore(listState, {
      initialState: { rows: [1, 2, 3, 4].map(row) },
      events: {
        rename() {},
        run(state, change: (rows: Row[], state: { rows: Row[]; selected: Row | undefined }) => void) {
          change(state.rows, state)
        },
      },
    })
    stores.push(mixed)
    const view = (): unknown[] => [...mixed.state.rows]
    const check = (
      change: (rows: Row[], state: { rows: Row[]; selected: Row | undefined }) => void,
      expected: (number | undefined)[],
    ): void => {
      const before = view()
      mixed.events.run(change)
      const after = view()
      expect(after.map((item) => (before.includes(item) ? before.indexOf(item) : undefined))).toEqual(expected)
    }
    check((rows) => rows.push(row(5)), [0, 1, 2, 3, undefined])
    check((rows) => rows.shift(), [1, 2, 3, 4])
    check((rows) => rows.reverse(), [3, 2, 1, 0])
    check((rows) => rows.sort((a, b) => a.id - b.id), [3, 2, 1, 0])
    check(
      (rows) => {
        const held = rows[0] as Row
        rows[0] = rows[3] as Row
        rows[3] = held
      },
      [3, 1, 2, 0],
    )
    check(
      (rows) => {
        const [dragged] = rows.splice(0, 1)
        rows.splice(2, 0, dragged as Row)
      },
      [1, 2, 0, 3],
    )
    check(
      (rows, state) => {
        state.rows = rows.filter((item) => item.id % 2 === 0)
      },
      [0, 3]
        .slice(0, mixed.state.rows.filter((item) => item.id % 2 === 0).length)
        .map((_, i) => mixed.state.rows.map((r, k) => (r.id % 2 === 0 ? k : -1)).filter((k) => k >= 0)[i]),
    )
    expect(store.state.rows).toHaveLength(4)
  })

  test('G6: a row of the view is found in the draft of an event that is given it', () => {
    const { store } = createList({ rows: [1, 2, 3].map(row) })
    for (const id of [1, 3, 2]) {
      store.events.remove(store.state.rows.find((item) => item.id === id) as Row)
      expect(store.state.rows.some((item) => item.id === id)).toBe(false)
    }
  })

  test('S6: apply and inverse: undo, redo, and mutations that never change afterwards', async () => {
    const { store } = createList({ rows: [row(1)] })
    const commits: { mutations: readonly Mutation[]; inverse: readonly Mutation[]; text: string }[] = []
    store.onCommit(({ mutations, inverse }) =>
      commits.push({ mutations, inverse, text: JSON.stringify([mutations, inverse]) }),
    )
    const before = store.snapshot()
    store.events.push(2)
    store.events.rename(2, 'two')
    const after = store.snapshot()
    for (const { inverse } of [...commits].reverse()) await store.apply(inverse)
    expect(store.snapshot()).toEqual(before)
    for (const { mutations } of commits.slice(0, 2)) await store.apply(mutations)
    expect(store.snapshot()).toEqual(after)
    for (let i = 0; i < 1_000; i++) store.events.rename(2, `name ${i}`)
    for (const { mutations, inverse, text } of commits) expect(JSON.stringify([mutations, inverse])).toBe(text)
    await expect(store.apply([{ op: 'set', path: ['rows', 9, 'name'], value: 'x' }])).rejects.toMatchObject({
      code: 'INVALID_MUTATION',
      message: expect.stringContaining('Mutation 0 (set at rows[9].name)'),
    })
    await expect(store.apply([{ op: 'explode' } as never])).rejects.toMatchObject({ code: 'INVALID_MUTATION' })
    await expect(store.apply([{ op: 'set', path: ['__proto__', 'x'], value: 1 }])).rejects.toThrow()
  })

  test('S5: the view and the snapshot are equal plain data, and the view behaves as the data', () => {
    const { store } = createList({ rows: [row(1), row(2)] })
    expect(toPlain(store.state)).toEqual(store.snapshot())
    expect(JSON.parse(JSON.stringify(store.state))).toEqual(JSON.parse(JSON.stringify(store.snapshot())))
    expect({ ...store.state.rows[0] }).toEqual(row(1))
    expect('_hidden' in store.state).toBe(false)
    expect(Array.isArray(store.state.rows)).toBe(true)
    expect(store.state.byId).toBeInstanceOf(Map)
  })

  test('G2: a write to the view from anywhere throws and changes nothing', () => {
    const { store } = createList({ rows: [row(1)] })
    const state = store.state as unknown as { counter: number; rows: Row[]; byId: Map<string, Row> }
    expect(() => state.counter++).toThrow(/read-only/i)
    expect(() => state.rows.push(row(2))).toThrow(/read-only/i)
    expect(() => state.byId.set('a', row(1))).toThrow(/read-only/i)
    const stop = autorun(() => {
      expect(() => {
        ;(state.rows[0] as Row).done = true
      }).toThrow(/read-only/i)
    })
    stop()
    expect(store.snapshot()).toMatchObject({ counter: 0, rows: [row(1)] })
    expect(store.version).toBe(0)
  })

  test('S2: a commit of 10,000 mutations runs each affected reaction once', () => {
    const { store } = createList({ rows: Array.from({ length: 10_000 }, (_, i) => row(i)) })
    const run = createStore(listState, {
      initialState: { rows: Array.from({ length: 10_000 }, (_, i) => row(i)) },
      events: {
        rename() {},
        finishAll(state) {
          for (const item of state.rows) item.done = true
        },
      },
    })
    stores.push(run)
    let length = 0
    run.onCommit(({ mutations }) => {
      length = mutations.length
    })
    const seen: number[] = []
    const perRow = vi.fn()
    const stops = [
      autorun(() => void seen.push(run.state.openCount)),
      autorun(() => perRow(run.state.rows[5]?.done, run.state.rows[6]?.done)),
    ]
    run.events.finishAll()
    expect(length).toBe(10_000)
    expect(seen).toEqual([10_000, 0])
    expect(perRow.mock.calls).toEqual([
      [false, false],
      [true, true],
    ])
    for (const stop of stops) stop()
    expect(store.version).toBe(0)
  })
})

test('T20: awaiting, printing and comparing a store starts nothing and throws nothing', async () => {
  const { store } = createList({ rows: [row(1)] })
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  console.log(store, store.state, store.tasks)
  log.mockRestore()
  expect(await store).toBe(store)
  expect(await store.tasks).toBe(store.tasks)
  expect(store.state).toEqual(store.snapshot())
  expect(store.state.rows).toEqual([row(1)])
  expect(JSON.stringify(store.tasks)).toBe('{}')
  expect(store.backgroundTasks.size).toBe(0)
})

test('T20: an event named then, which awaiting store.events would call, is refused', () => {
  const create = () =>
    createStore(
      defineState('plain', () => ({})),
      { events: Object.fromEntries([['then', () => {}]]) },
    )
  expect(create).toThrow(TypeError)
  expect(create).toThrow('createStore("plain"): the event "then" must have another name')
})

test('store.version and store.line are observable', async () => {
  const { store } = createList()
  const versions: number[] = []
  const lines: string[] = []
  const other = observable.box(0)
  const stops = [
    autorun(() => void versions.push(store.version)),
    autorun(() => {
      other.get()
      lines.push(`${store.line.holder?.name ?? '-'} < ${store.line.waiting.map(({ name }) => name).join(' ')}`)
    }),
  ]
  const gate = deferred()
  const lease = store.lease(() => gate.promise, { name: 'mine' })
  const run = store.events.add(1)
  gate.resolve()
  await Promise.all([lease, run])
  expect(versions).toEqual([0, 1])
  expect(lines[0]).toBe('- < ')
  expect(lines).toContain('mine < add')
  expect(lines.at(-1)).toBe('- < ')
  for (const stop of stops) stop()
})
