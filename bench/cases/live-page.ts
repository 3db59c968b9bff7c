import type { Maker, RowApp } from '../contestants/apps.js'
import { deepRows, keystoneRows, leaseholdRows, mutativeRows, referencedRows } from '../contestants/index.js'
import { expectedText, mountRows } from '../contestants/row-list.js'
import { turn } from '../harness/block-watch.js'
import type { Sample } from '../harness/case.js'
import { defineCase, expectEqual } from '../harness/case.js'
import { typeKeys } from '../harness/node.js'
import { quantile } from '../harness/statistics.mjs'

const ROWS = 1000
const KEYS = 60
const KEYS_PER_SECOND = 20
const FRAME_MS = 1000 / 60

/** Types into a field and watches frames and keys meanwhile. */
async function typeAndWatch(): Promise<Sample> {
  const field = document.createElement('input')
  document.body.prepend(field)
  field.focus()
  const delays: number[] = []
  const waits: number[] = []
  field.addEventListener('keydown', ({ timeStamp }) => {
    delays.push(performance.now() - timeStamp)
    // The frame after the next has been shown when its callback runs.
    requestAnimationFrame(() => requestAnimationFrame(() => waits.push(performance.now() - timeStamp)))
  })
  let frames = 0
  let watching = true
  const start = performance.now()
  let last = start
  requestAnimationFrame(function onFrame(now) {
    frames += 1
    last = now
    if (watching) requestAnimationFrame(onFrame)
  })
  await typeKeys(KEYS, KEYS_PER_SECOND)
  await new Promise((resolve) => setTimeout(resolve, 100))
  watching = false
  const due = (last - start) / FRAME_MS
  expectEqual(delays.length, KEYS, 'the number of keys that arrived')
  expectEqual(field.value.length, KEYS, 'the length of the text typed')
  field.remove()
  delays.sort((a, b) => a - b)
  waits.sort((a, b) => a - b)
  return {
    'key to handler, p50': quantile(delays, 0.5),
    'key to handler, p99': quantile(delays, 0.99),
    'key to screen, p50': quantile(waits, 0.5),
    'key to screen, p99': quantile(waits, 0.99),
    'frames lost': (Math.max(0, due - frames) * 100) / due,
  }
}

const makers: readonly Maker<RowApp>[] = [leaseholdRows, deepRows, referencedRows, mutativeRows, keystoneRows]

/** A page that is used while its tasks write without pause. */
export const livePage = defineCase({
  name: 'live-page',
  title: 'A live page',
  about: `A list of ${ROWS} rows on the screen, two workers that each change one field after the other without pause, and ${KEYS} keys typed at ${KEYS_PER_SECOND} a second. Delays of the keys in milliseconds, from the browser's own time stamp; frames lost of those due at 60 a second.`,
  metrics: [
    { name: 'key to handler, p50', unit: 'ms' },
    { name: 'key to handler, p99', unit: 'ms' },
    { name: 'key to screen, p50', unit: 'ms' },
    { name: 'key to screen, p99', unit: 'ms' },
    { name: 'frames lost', unit: '%' },
    { name: 'changes', unit: '1/s', better: 'more' },
  ],
  variants: [{ label: 'two tasks', size: ROWS }],
  reference: 'the page idle',
  fresh: 'sample',
  limits: { seconds: 120, rounds: 5 },
  contestants: [
    {
      name: 'the page idle',
      lacks: 'nothing changes',
      async setup() {
        return { sample: typeAndWatch, check: () => {}, dispose: () => {} }
      },
    },
    ...makers.map(({ name, lacks, create }) => ({
      name,
      ...(lacks !== undefined && { lacks }),
      async setup() {
        const app = await create({ workers: 2 })
        await app.prepare(ROWS)
        await app.land()
        const list = mountRows(app, ROWS)
        const prices = () => app.rows().reduce((sum, { price }) => sum + price, 0)
        const before = prices()
        let changes = 0
        return {
          async sample() {
            const churn = app.churn?.()
            const start = performance.now()
            const watched = await typeAndWatch()
            const seconds = (performance.now() - start) / 1000
            changes = (await churn?.stop()) ?? 0
            return { ...watched, changes: changes / seconds }
          },
          async check() {
            expectEqual(prices() - before, changes, 'the sum of the changes')
            const expected = expectedText([...app.rows()], ROWS)
            for (let count = 0; count < 1000 && list.text() !== expected; count += 1) await turn()
            expectEqual(list.text() === expected, true, 'whether the screen shows the rows')
          },
          async dispose() {
            list.unmount()
            await app.dispose()
          },
        }
      },
    })),
  ],
})
