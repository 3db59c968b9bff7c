import { autorun } from 'mobx'
import { afterEach, expect, test } from 'vitest'
import { createStore } from '../index.js'
import type { LandingTasks } from './fixtures/landing.worker.js'
import { landingState, ROWS } from './fixtures/landing-state.js'
import { fewestLongTasks, frame, longTasks } from './fixtures/long-tasks.js'
import { workerTasks } from './worker-tasks.js'

/* S7: large data crosses while the page stays free. */

const opened: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of opened.splice(0)) await store.dispose()
})

function create(size = 1) {
  const store = createStore(landingState, {
    tasks: workerTasks<LandingTasks>(
      () => new Worker(new URL('./fixtures/landing.worker.ts', import.meta.url), { type: 'module' }),
      { size },
    ),
    lease: { warnAfter: 1e9 }, // a slow machine is no mistake
    events: {
      count(state) {
        state.counter += 1
      },
    },
  })
  opened.push(store)
  return store
}

test('a long task is seen', async () => {
  const block = async () => {
    await frame()
    for (const end = performance.now() + 80; performance.now() < end; );
  }
  expect((await longTasks(block)).length).toBeGreaterThan(0)
})

test.each(['assign', 'stage'] as const)(
  'S7: landed by %s, no long task, and the view shows old or new',
  async (how) => {
    const shown = new Set<number>()
    const seen = await fewestLongTasks(async () => {
      const store = create()
      const stop = autorun(() => void shown.add(store.state.rows.length))
      await store.tasks[how]().done
      expect(store.state.rows[ROWS - 1]?.name).toBe(`row ${ROWS - 1}`)
      stop()
    })
    expect([...shown]).toEqual([0, ROWS])
    expect(seen).toEqual([])
  },
)

test("S7: as a task's result, no long task", async () => {
  const seen = await fewestLongTasks(async () => {
    const rows = await create().tasks.result().done
    expect(rows).toHaveLength(ROWS)
  })
  expect(seen).toEqual([])
})

test('S7: an event that comes while rows are staged runs inside the call', async () => {
  const store = create()
  const run = store.tasks.stage()
  let events = 0
  let ran = 0
  while (run.status === 'starting' || run.status === 'running') {
    const isHeld = store.line.holders.length > 0 // for one small message and its answer
    const event = store.events.count()
    events += 1
    if (!isHeld) expect(event.ran).toBe(true)
    if (event.ran) ran += 1
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  await run.done
  expect(ran).toBeGreaterThan(5)
  await store.events.count()
  expect(store.state.counter).toBe(events + 1)
})

test('S7: a new worker catches up with the rows, no long task', async () => {
  const seen = await fewestLongTasks(async () => {
    const store = create(2)
    await store.tasks.assign().done
    void store.tasks.wait().done.catch(() => {})
    expect(await store.tasks.last().done).toBe(`row ${ROWS - 1}`) // goes to a worker of its own, which is made for it
    expect(store.backgroundTasks.size).toBe(1)
  })
  expect(seen).toEqual([])
})
