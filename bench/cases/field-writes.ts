import { rowApps } from '../contestants/index.js'
import type { Operation } from '../contestants/rows.js'
import { checksum, expectedChecksum } from '../contestants/rows.js'
import { shown, watch } from '../contestants/watch.js'
import { watchBlocks } from '../harness/block-watch.js'
import { defineCase, expectEqual } from '../harness/case.js'

/** One field is written in each of many rows, in one lease. */
export const fieldWrites = defineCase({
  name: 'field-writes',
  title: 'One field written in every row',
  about:
    'A worker writes one field in each row, in one lease. From the call to the reaction of the page, which observes the length and 50 rows.',
  metrics: [
    { name: 'total', unit: 'ms' },
    { name: 'longest block', unit: 'ms' },
  ],
  variants: [
    { label: '1,000', size: 1000 },
    { label: '10,000', size: 10_000 },
    { label: '100,000', size: 100_000 },
  ],
  reference: 'Comlink + Mutative patches, by hand',
  scales: true,
  countsBytes: true,
  limits: { seconds: 90, rounds: 30 },
  contestants: rowApps.map(({ name, lacks, create }) => ({
    name,
    ...(lacks !== undefined && { lacks }),
    async setup({ size = 0 }) {
      const app = await create()
      await app.prepare(size)
      await app.land()
      const isFloor = name.startsWith('floor')
      const stop = watch(app, () =>
        app
          .rows()
          .slice(0, 50)
          .map(({ price }) => price),
      )
      const operations: Operation[] = []
      let price = 1000
      return {
        async sample() {
          price += 1
          const operation: Operation = { type: 'write-all', price }
          operations.push(operation)
          const blocks = watchBlocks()
          const start = performance.now()
          const done = app.operate(operation)
          if (isFloor) await done
          else await shown(app, () => app.rows()[0]?.price === operation.price)
          const total = performance.now() - start
          await done
          return { total, 'longest block': blocks.stop() }
        },
        check() {
          if (isFloor) return // it keeps nothing
          expectEqual(checksum(app.rows()), expectedChecksum(size, operations.slice(-1)), 'the checksum of the rows')
        },
        async dispose() {
          stop()
          await app.dispose()
        },
      }
    },
  })),
})
