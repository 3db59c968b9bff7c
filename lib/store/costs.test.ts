import { serialize } from 'node:v8'
import { autorun } from 'mobx'
import { afterEach, describe, expect, test } from 'vitest'
import { serveOn, serveTasks } from '../../workers/serve-tasks.js'
import type { TaskContext } from '../../workers/task.js'
import type { StateOf } from '../state/define-state.js'
import { defineState } from '../state/define-state.js'
import { callsOf } from './fixtures/wire.js'
import { madeForTesting } from './node-atoms.js'
import { createStore } from './store.js'
import type { TaskSource } from './worker-tasks.js'

/* What must not grow, counted: messages, bytes, views and atoms. No clock decides. */

interface Row {
  readonly id: number
  name: string
  price: number
}

const makeRows = (count: number): Row[] =>
  Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}`, price: id % 100 }))

const definition = defineState('costs', () => ({
  counter: 0,
  rows: [] as Row[],
  byId: new Map<number, Row>(),
  record: {} as Record<string, Row>,
}))
type State = StateOf<typeof definition>
type Act = (state: State) => void

/** A worker without a Web Lock is asked whether it answers before it is given a run. */
const OF_ITS_RUN = new Set(['probe', 'pong', 'start', 'settled'])

const open: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.dispose()
})

/** A store of that many rows, whose worker is up to date; and what crosses, in both directions, from then on. */
async function setUp(count = 0) {
  let body: (task: TaskContext<State>) => Promise<unknown> = async () => {}
  const served = serveTasks(definition, { act: async (task: TaskContext<State>) => body(task) })
  const crossed: { readonly name: string; readonly bytes: number }[] = []
  const watch = (port: MessagePort): void => {
    const { postMessage } = port
    port.postMessage = (message: unknown, transfer?: unknown) => {
      const names = callsOf(message).map(({ name }) => name)
      crossed.push({ name: names.join(' + ') || 'slice', bytes: serialize(message).length })
      postMessage.call(port, message, transfer as never)
    }
  }
  const source: TaskSource<typeof served> = {
    open() {
      const { port1, port2 } = new MessageChannel()
      let close = () => {}
      return {
        connect({ port }) {
          watch(port1)
          watch(port2)
          port(port1)
          close = serveOn(served, port2).close
        },
        terminate: () => close(),
      }
    },
  }
  const rows = makeRows(count)
  const store = createStore(definition, {
    tasks: source,
    lease: { warnAfter: 1e9 }, // a slow machine is no mistake
    initialState: {
      rows,
      byId: new Map(rows.map((row) => [row.id, row])),
      record: Object.fromEntries(rows.slice(0, 5_000).map((row) => [`k${row.id}`, row])),
    },
  })
  open.push(store)
  await store.tasks.act().done
  /** What one lease sends: the names, and how many bytes in all. */
  const lease = async (act: Act) => {
    body = (task) => task.lease(act)
    crossed.length = 0
    await store.tasks.act().done
    const own = crossed.filter(({ name }) => !OF_ITS_RUN.has(name))
    return { names: own.map(({ name }) => name), bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) }
  }
  const run = (act: typeof body) => {
    body = act
    return store.tasks.act().done
  }
  return { store, lease, run, crossed }
}

describe('a lease', () => {
  test('sends four messages, none of them a reply, and less than a kilobyte', async () => {
    const { lease } = await setUp()
    const { names, bytes } = await lease((state) => {
      state.counter += 1
    })
    expect(names).toEqual(['request', 'granted', 'commit', 'committed'])
    expect(bytes).toBeLessThan(800)
  })

  test('is answered in one message with the grant of the next in the same worker', async () => {
    const { store, run, crossed } = await setUp()
    crossed.length = 0
    await run(async (task) => {
      const count = () => task.lease((state) => void state.counter++)
      await Promise.all([count(), count(), count()])
    })
    const names = crossed.map(({ name }) => name).filter((name) => !OF_ITS_RUN.has(name))
    expect(names.filter((name) => name.startsWith('committed'))).toEqual([
      'committed + granted',
      'committed + granted',
      'committed',
    ])
    expect(names).toHaveLength(10)
    expect(store.version).toBe(3)
  })

  test('sends no more of a large list, map or record than of a small one, whatever is done in it', async () => {
    const acts: Act[] = [
      (state) => void (state.rows[50] as Row).price++,
      (state) => void (state.byId.get(50) as Row).price++,
      (state) => void (state.record.k50 as Row).price++,
      (state) => void state.rows.shift(),
      (state) => void state.rows.splice(40, 2, { id: -1, name: 'new', price: 0 }),
      (state) => void state.rows.push({ id: -2, name: 'new', price: 0 }),
      (state) => void state.byId.delete(7),
    ]
    const small = await setUp(100)
    const large = await setUp(100_000)
    for (const act of acts) {
      const [few, many] = [await small.lease(act), await large.lease(act)]
      expect(many.names, String(act)).toEqual(few.names)
      // An index with more digits takes some bytes more.
      expect(many.bytes - few.bytes, String(act)).toBeLessThanOrEqual(16)
    }
  }, 60_000)

  test('sends a sort as the new order, and a filter as what stays: no row', async () => {
    const { lease } = await setUp(10_000)
    const sorted = await lease((state) => void state.rows.sort((a, b) => b.id - a.id))
    const filtered = await lease((state) => {
      state.rows = state.rows.filter(({ id }) => id % 100 !== 7)
    })
    // A number of up to 4 bytes for each row; the rows themselves are some 300,000 bytes.
    for (const { bytes } of [sorted, filtered]) expect(bytes).toBeLessThan(8 * 10_000)
  })

  test('of 100,000 written fields crosses in columns: fewer than 20 bytes for each', async () => {
    const { store, lease } = await setUp(100_000)
    const { names, bytes } = await lease((state) => {
      for (const row of state.rows) row.price += 1
    })
    expect(bytes).toBeLessThan(20 * 100_000)
    expect(names.filter((name) => name !== 'slice')).toEqual(['request', 'granted', 'commit', 'committed'])
    expect(names.length).toBeLessThan(200)
    expect(store.version).toBe(1)
  }, 60_000)
})

describe('landing 100,000 rows', () => {
  test('S7 S13: makes a view and atoms for what is read, and lets a row that stays be', async () => {
    const { store, lease } = await setUp()
    let screen = ''
    let runs = 0
    const dispose = autorun(() => {
      runs += 1
      screen = store.state.rows
        .slice(0, 50)
        .map(({ name }) => name)
        .join()
    })
    open.push({ dispose: async () => dispose() })
    const before = { ...madeForTesting }
    await lease((state) => {
      state.rows = makeRows(100_000)
    })
    expect(runs).toBe(2)
    expect(screen).toContain('row 49')
    const made = { nodes: madeForTesting.nodes - before.nodes, atoms: madeForTesting.atoms - before.atoms }
    expect(made.nodes).toBe(51) // the list, and the rows on the screen
    expect(made.atoms).toBeLessThanOrEqual(2 * 51)
    await lease((state) => void (state.rows[70_000] as Row).price++)
    expect(runs).toBe(2)
    expect(madeForTesting.nodes - before.nodes).toBe(51)
  }, 60_000)
})
