import { rowApps } from '../contestants/index.js'
import { expectedText, mountRows } from '../contestants/row-list.js'
import type { Operation } from '../contestants/rows.js'
import { checksum, makeRows, operate } from '../contestants/rows.js'
import { turn, watchBlocks } from '../harness/block-watch.js'
import type { Variant } from '../harness/case.js'
import { defineCase, expectEqual } from '../harness/case.js'

interface ListVariant extends Variant {
  readonly size: number
  /** What the nth sample does. */
  readonly operation: (n: number) => Operation
}

const VISIBLE = 50
const SIZE = 100_000

const VARIANTS: readonly ListVariant[] = [
  { label: 'shift', size: SIZE, operation: () => ({ type: 'shift' }) },
  {
    label: 'splice in the middle',
    size: SIZE,
    operation: (n) => ({ type: 'splice', id: SIZE + 2 * n }),
  },
  { label: 'sort', size: SIZE, operation: (n) => ({ type: 'sort', descending: n % 2 === 0 }) },
  { label: 'filter', size: SIZE, operation: (n) => ({ type: 'filter', rest: n % 100 }) },
]

/** A list of many rows, of which some are on the screen, is changed by a worker. */
export const listOperations = defineCase<ListVariant>({
  name: 'list-operations',
  title: 'Operations on a list of 100,000 rows',
  about: `A worker shifts, splices, sorts or filters 100,000 rows, of which ${VISIBLE} are on the screen, each a React component. From the call until React has shown it; how long the page was blocked at most; how many rows were rendered.`,
  metrics: [
    { name: 'total', unit: 'ms' },
    { name: 'longest block', unit: 'ms' },
    { name: 'rows rendered', unit: 'rows' },
  ],
  variants: VARIANTS,
  reference: 'floor: bare postMessage',
  countsBytes: true,
  limits: { seconds: 60, rounds: 20 },
  contestants: rowApps.map(({ name, lacks, create }) => ({
    name,
    ...(lacks !== undefined && { lacks }),
    async setup({ size, operation }) {
      const app = await create()
      await app.prepare(size)
      await app.land()
      const isFloor = name.startsWith('floor')
      const list = mountRows(app, VISIBLE)
      const plain = { rows: makeRows(size) }
      let count = 0
      return {
        async sample() {
          const next = operation(count)
          count += 1
          operate(plain, next)
          list.takeRendered()
          const expected = expectedText(plain.rows, VISIBLE)
          const blocks = watchBlocks()
          const start = performance.now()
          await app.operate(next)
          // React shows it in a task of its own.
          while (!isFloor && list.text() !== expected && performance.now() - start < 30_000) await turn()
          const total = performance.now() - start
          return { total, 'longest block': blocks.stop(), 'rows rendered': list.takeRendered() }
        },
        check() {
          if (isFloor) return // it keeps nothing
          expectEqual(checksum(app.rows()), checksum(plain.rows), 'the checksum of the rows')
          expectEqual(list.text(), expectedText(plain.rows, VISIBLE), 'the text on the screen')
        },
        async dispose() {
          list.unmount()
          await app.dispose()
        },
      }
    },
  })),
})
