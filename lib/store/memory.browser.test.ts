import { autorun } from 'mobx'
import { afterEach, expect, test } from 'vitest'
import { cdp } from 'vitest/browser'
import { createStore } from '../index.js'
import type { MemoryTasks } from './fixtures/memory.worker.js'
import { memoryState } from './fixtures/memory-state.js'
import { lifeLocks } from './fixtures/start-runner.js'
import { workerTasks } from './worker-tasks.js'

/* What has been used and is over leaves nothing behind. */

const LEASES = Number((import.meta.env as Record<string, string | undefined>).LEASEHOLD_LEASES ?? 20_000)
const SAMPLES = 10
/** What the test's own surroundings may take meanwhile. A lease that left 100 bytes behind would take 2 MB. */
const MOST_BYTES = 1_000_000

const opened: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of opened.splice(0)) await store.dispose()
})

/** Only what Chromium's own protocol answers. */
interface Cdp {
  send(method: 'HeapProfiler.collectGarbage'): Promise<void>
  send(method: 'Runtime.getHeapUsage'): Promise<{ usedSize: number }>
}

async function usedBytes(): Promise<number> {
  const session = cdp() as unknown as Cdp
  await session.send('HeapProfiler.collectGarbage')
  await session.send('HeapProfiler.collectGarbage') // what a finalizer let go of
  return (await session.send('Runtime.getHeapUsage')).usedSize
}

function create() {
  return createStore(memoryState, {
    tasks: workerTasks<MemoryTasks>(
      () => new Worker(new URL('./fixtures/memory.worker.ts', import.meta.url), { type: 'module' }),
    ),
    events: {
      increment(state) {
        state.counter += 1
      },
    },
  })
}

test(
  `${LEASES} leases over one port leave no memory, no lock and nobody in the line`,
  async () => {
    const store = create()
    opened.push(store)
    let shown = 0
    const stop = autorun(() => {
      shown = store.state.counter
    })
    await store.tasks.lease(2000).done // the log of commits has its size, and the code is warm
    const used: number[] = [await usedBytes()]
    for (let i = 0; i < SAMPLES; i++) {
      await store.tasks.lease(LEASES / SAMPLES).done
      used.push(await usedBytes())
    }
    console.info(`heap of the page: ${used.map((bytes) => (bytes / 1e6).toFixed(2)).join(' ')} MB`)
    expect((used.at(-1) as number) - (used[0] as number)).toBeLessThan(MOST_BYTES)
    expect(shown).toBe(store.snapshot().counter)
    expect(shown).toBeGreaterThan(LEASES / 2)
    expect([store.backgroundTasks.size, store.line.holder, store.line.waiting.length]).toEqual([0, undefined, 0])
    expect(await lifeLocks()).toEqual({ held: 1, watched: 1 })
    stop()
    await opened.pop()?.dispose()
    await expect.poll(lifeLocks).toEqual({ held: 0, watched: 0 })
  },
  60_000 + LEASES,
)

test('a hundred stores with a worker, made and disposed of, leave no worker, lock or memory, and none of them lives on', async () => {
  const stores: WeakRef<object>[] = []
  async function use(): Promise<void> {
    const store = create()
    const stop = autorun(() => void store.state.counter)
    store.events.increment()
    await store.tasks.lease(4).done
    void store.tasks.lease(1_000_000).done.catch(() => {}) // is cut short
    stop()
    await store.dispose()
    stores.push(new WeakRef(store))
  }
  for (let i = 0; i < 10; i++) await use()
  const before = await usedBytes()
  for (let i = 0; i < 90; i++) await use()
  const after = await usedBytes()
  console.info(
    `heap of the page: ${(before / 1e6).toFixed(2)} MB after 10 stores, ${(after / 1e6).toFixed(2)} MB after 100`,
  )
  await expect.poll(lifeLocks, { timeout: 8000 }).toEqual({ held: 0, watched: 0 })
  await expect
    .poll(
      async () => {
        await usedBytes()
        return stores.filter((store) => store.deref() !== undefined).length
      },
      { timeout: 8000 },
    )
    .toBe(0)
  expect(after - before).toBeLessThan(MOST_BYTES)
}, 120_000)
