import { rowApps } from '../contestants/index.js'
import type { Row } from '../contestants/rows.js'
import { checksum, expectedChecksum } from '../contestants/rows.js'
import { shown, watch } from '../contestants/watch.js'
import { watchBlocks } from '../harness/block-watch.js'
import { defineCase, expectEqual } from '../harness/case.js'

/** Deep observables of a million rows take about 2 GB and a quarter of a minute. */
const DEEP_MAX = 100_000
const CAN_DO_A_MILLION: readonly string[] = [
  'Leasehold',
  'floor: bare postMessage',
  'Comlink + MobX observable.ref, by hand',
  'Comlink + Mutative patches, by hand',
]

/** What is on the screen. */
function readScreen(rows: readonly Row[]): number {
  let sum = rows.length
  for (let index = 0; index < 50 && index < rows.length; index += 1) sum += rows[index]?.price ?? 0
  return sum
}

/** A large result comes from a worker into the state. */
export const landing = defineCase({
  name: 'landing',
  title: 'Landing rows',
  about:
    'A worker has made rows of five fields; they are put into the state by one assignment, in one lease. From the call to the reaction of the page, which reads the length and the first 50 rows. The block is the longest time in which the page could do nothing else.',
  metrics: [
    { name: 'longest block', unit: 'ms' },
    { name: 'total', unit: 'ms' },
  ],
  variants: [
    { label: '1,000', size: 1000 },
    { label: '10,000', size: 10_000 },
    { label: '100,000', size: 100_000 },
    { label: '1,000,000', size: 1_000_000, slow: true },
  ],
  reference: 'floor: bare postMessage',
  scales: true,
  fresh: 'sample',
  countsBytes: true,
  limits: { seconds: 90, rounds: 30 },
  contestants: rowApps.map(({ name, lacks, create }) => ({
    name,
    ...(lacks !== undefined && { lacks }),
    ...(!CAN_DO_A_MILLION.includes(name) && { max: DEEP_MAX }),
    async setup({ size = 0 }) {
      const app = await create()
      await app.prepare(size)
      let seen = 0
      const stop = watch(app, () => {
        seen = readScreen(app.rows())
      })
      return {
        async sample() {
          const blocks = watchBlocks()
          const start = performance.now()
          const landed = app.land()
          // The floor tells nobody: its rows are there when the message is.
          if (name.startsWith('floor')) await landed
          else await shown(app, () => app.rows().length === size)
          const total = performance.now() - start
          await landed
          return { 'longest block': blocks.stop(), total }
        },
        check() {
          expectEqual(checksum(app.rows()), expectedChecksum(size, []), 'the checksum of the rows')
          if (!name.startsWith('floor')) expectEqual(seen, readScreen(app.rows()), 'what the reaction saw')
        },
        async dispose() {
          stop()
          await app.dispose()
        },
      }
    },
  })),
})
