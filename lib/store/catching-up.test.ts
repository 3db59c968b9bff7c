import { afterEach, expect, test, vi } from 'vitest'
import { serveOn, serveTasks } from '../../workers/serve-tasks.js'
import { defineState } from '../state/define-state.js'
import { pageClock } from './clock.js'
import type { AnyHandler } from './event-request.js'
import { callsOf } from './fixtures/wire.js'
import { PageStore } from './page-store.js'
import type { Store } from './store.js'
import type { TaskSource } from './worker-tasks.js'

/* A page whose state is large sends it slice by slice, and goes on meanwhile. */

interface Row {
  id: number
  hits: number
}

const COUNT = 300

const definition = defineState('large', () => ({
  rows: Array.from({ length: COUNT }, (_, id): Row => ({ id, hits: 0 })),
  byId: new Map<number, Row>(Array.from({ length: COUNT }, (_, id) => [id, { id, hits: 0 }])),
  counter: 0,
}))
const served = serveTasks(definition, {
  /** What this worker has: the sums say whether all of it is of one version. */
  async sums(task) {
    const { rows, byId, counter } = task.snapshot()
    const sum = (all: Iterable<{ readonly hits: number }>) => [...all].reduce((total, { hits }) => total + hits, 0)
    return { counter, rows: sum(rows), byId: sum(byId.values()), version: task.version }
  },
  async refreshed(task) {
    await task.refresh()
    return { counter: task.state.counter, rows: task.state.rows.length }
  },
})
const events = {
  /** Each hit is in all three places. */
  hit(state: { rows: Row[]; byId: Map<number, Row>; counter: number }, at: number) {
    ;(state.rows[at] as Row).hits += 1
    ;(state.byId.get(at) as Row).hits += 1
    state.counter += 1
  },
  replace(state: { rows: Row[] }) {
    state.rows = Array.from({ length: COUNT }, (_, id) => ({ id, hits: 0 }))
  },
}

const open: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of open.splice(0)) await store.dispose()
})

/** A store whose page posts in turns that the test gives. */
function setUp() {
  const turns: (() => void)[] = []
  const posted: string[] = []
  const errors: unknown[] = []
  const source: TaskSource<typeof served> = {
    size: 2,
    open() {
      const { port1, port2 } = new MessageChannel()
      const { postMessage } = port1
      port1.postMessage = (message: any, transfer?: any) => {
        posted.push(
          callsOf(message)
            .map(({ name }) => name)
            .join(' + ') || 's',
        )
        postMessage.call(port1, message, transfer)
      }
      let close = () => {}
      return {
        connect({ port }) {
          port(port1)
          close = serveOn(served, port2).close
        },
        terminate: () => close(),
      }
    },
  }
  const store = new PageStore(
    definition,
    { tasks: source, events: events as unknown as Record<string, AnyHandler>, onError: (error) => errors.push(error) },
    { ...pageClock, turn: (run) => void turns.push(run) },
    { bulk: { from: 500, slice: 200 } },
  ) as unknown as Store<any, typeof events, (typeof served)['tasks']>
  open.push(store)
  const drain = () => {
    while (turns.length > 0) turns.shift()?.()
  }
  return { store, turns, posted, errors, drain }
}

test('S7: a worker gets the state of one version, whatever is committed while it is sent, and a run begins behind it', async () => {
  const { store, turns, posted, errors, drain } = setUp()
  const run = store.tasks.sums()
  await vi.waitFor(() => expect(turns.length).toBe(1))
  const { version } = store
  for (let i = 0; turns.length > 0; i++) {
    void store.events.hit((i * 7) % COUNT)
    if (i === 5) void store.events.replace()
    expect(posted).not.toContain('start')
    turns.shift()?.()
  }
  expect(posted.filter((name) => name === 's').length).toBeGreaterThan(10)
  expect(posted.indexOf('start')).toBeGreaterThan(posted.indexOf('welcome'))
  expect(await run.done).toEqual({ counter: 0, rows: 0, byId: 0, version })
  const again = store.tasks.refreshed()
  const timer = setInterval(drain, 1)
  expect(await again.done).toEqual({ counter: store.state.counter, rows: COUNT })
  clearInterval(timer)
  expect(errors).toEqual([])
})

test('a store that is disposed of while it sends leaves nothing behind', async () => {
  const { store, turns, posted, errors } = setUp()
  const run = store.tasks.sums()
  run.done.catch(() => {})
  await vi.waitFor(() => expect(turns.length).toBe(1))
  turns.shift()?.()
  const sent = posted.length
  await store.dispose()
  while (turns.length > 0) turns.shift()?.()
  expect(posted.length).toBe(sent)
  expect(errors).toEqual([])
})
