import { wrap } from 'comlink'
import type { Floor } from '../contestants/floor/floor.worker.js'
import { createBenchStore } from '../contestants/leasehold/store.js'
import { makeRows } from '../contestants/rows.js'
import { watchBlocks } from '../harness/block-watch.js'
import { defineCase, expectEqual } from '../harness/case.js'

const startFloor = () =>
  new Worker(new URL('../contestants/floor/floor.worker.ts', import.meta.url), { type: 'module' })

/** From nothing to the first answer of a worker. */
export const firstWorker = defineCase({
  name: 'first-worker',
  title: 'The first worker',
  about: 'From making the store, or the worker, to the end of a first task, or call, that does nothing.',
  metrics: [{ name: 'time', unit: 'ms' }],
  variants: [{ label: 'an empty state' }],
  reference: 'floor: Comlink',
  fresh: 'sample',
  limits: { seconds: 30, rounds: 40 },
  contestants: [
    {
      name: 'Leasehold',
      async setup() {
        let dispose = async () => {}
        let rows = -1
        return {
          async sample() {
            const start = performance.now()
            const store = createBenchStore()
            dispose = () => store.dispose()
            rows = await store.tasks.see().done
            return { time: performance.now() - start }
          },
          check: () => expectEqual(rows, 0, 'the number of rows seen'),
          dispose: () => dispose(),
        }
      },
    },
    {
      name: 'floor: Comlink',
      lacks: 'an empty worker: no state, no handshake',
      async setup() {
        let worker: Worker | undefined
        return {
          async sample() {
            const start = performance.now()
            worker = startFloor()
            await wrap<Floor>(worker).countUp(0)
            return { time: performance.now() - start }
          },
          check: () => {},
          dispose: () => worker?.terminate(),
        }
      },
    },
  ],
})

/** A worker joins late, and a large state has to be brought to it. */
export const catchUp = defineCase({
  name: 'catch-up',
  title: 'A new worker catches up',
  about:
    'A page has many rows and starts its first worker. Until a task there has seen them; how long the page was blocked at most meanwhile. The floor posts the rows to a new worker and waits for a call behind them.',
  metrics: [
    { name: 'longest block', unit: 'ms' },
    { name: 'total', unit: 'ms' },
  ],
  variants: [
    { label: '1,000', size: 1000 },
    { label: '10,000', size: 10_000 },
    { label: '100,000', size: 100_000 },
  ],
  reference: 'floor: Comlink',
  scales: true,
  fresh: 'sample',
  countsBytes: true,
  limits: { seconds: 60, rounds: 30 },
  contestants: [
    {
      name: 'Leasehold',
      async setup({ size = 0 }) {
        const store = createBenchStore(1, { rows: makeRows(size) })
        let seen = -1
        return {
          async sample() {
            const blocks = watchBlocks()
            const start = performance.now()
            seen = await store.tasks.see().done
            const total = performance.now() - start
            return { 'longest block': blocks.stop(), total }
          },
          check: () => expectEqual(seen, size, 'the number of rows seen'),
          dispose: () => store.dispose(),
        }
      },
    },
    {
      name: 'floor: Comlink',
      lacks: 'posts the rows once: whoever changes them then has to tell',
      async setup({ size = 0 }) {
        const rows = makeRows(size)
        let worker: Worker | undefined
        let seen = -1
        return {
          async sample() {
            const blocks = watchBlocks()
            const start = performance.now()
            worker = startFloor()
            seen = await wrap<Floor>(worker).count(rows)
            const total = performance.now() - start
            return { 'longest block': blocks.stop(), total }
          },
          check: () => expectEqual(seen, size, 'the number of rows seen'),
          dispose: () => worker?.terminate(),
        }
      },
    },
  ],
})
