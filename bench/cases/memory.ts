import { autorun } from 'mobx'
import type { Maker, RowApp } from '../contestants/apps.js'
import { deepRows, floorRows, keystoneRows, leaseholdRows, mutativeRows, referencedRows } from '../contestants/index.js'
import type { Row } from '../contestants/rows.js'
import { checksum, expectedChecksum } from '../contestants/rows.js'
import type { Variant } from '../harness/case.js'
import { defineCase, expectEqual } from '../harness/case.js'
import { heapBytes } from '../harness/node.js'

interface MemoryVariant extends Variant {
  readonly size: number
  readonly observed: 'nothing' | 'by one reaction' | 'by a reaction for each row'
}

const SIZE = 100_000
const makers: readonly Maker<RowApp>[] = [
  leaseholdRows,
  floorRows,
  deepRows,
  referencedRows,
  mutativeRows,
  keystoneRows,
]

function readRow(row: Row | undefined): void {
  if (row) void [row.id, row.name, row.price, row.done, row.group]
}

/** Observes every field of every row, or nothing. */
function observe(app: RowApp, how: MemoryVariant['observed']): (() => void)[] {
  if (how === 'nothing') return []
  if (how === 'by one reaction') {
    return [
      autorun(() => {
        for (const row of app.rows()) readRow(row)
      }),
    ]
  }
  return Array.from({ length: app.rows().length }, (_, index) => autorun(() => readRow(app.rows()[index])))
}

/** What rows take on the page's heap, once they have landed. */
export const memory = defineCase<MemoryVariant>({
  name: 'memory',
  title: 'Memory of 100,000 rows',
  about:
    "How much the page's heap has grown by 100,000 rows of five fields that came from a worker, after garbage was collected: nothing observed, every field of every row by one reaction, and by a reaction for each row. Each sample in a page of its own. What a worker holds is not in it.",
  metrics: [{ name: 'heap', unit: 'MB' }],
  variants: [
    { label: 'unobserved', size: SIZE, observed: 'nothing' },
    { label: 'all observed, by one reaction', size: SIZE, observed: 'by one reaction' },
    { label: 'all observed, by a reaction for each row', size: SIZE, observed: 'by a reaction for each row' },
  ],
  reference: floorRows.name,
  fresh: 'page',
  limits: { rounds: 3 },
  contestants: makers.map(({ name, lacks, create }) => ({
    name,
    ...(lacks !== undefined && { lacks }),
    async setup({ size, observed }) {
      const app = await create()
      await app.prepare(size)
      const disposers: (() => void)[] = []
      return {
        async sample() {
          const before = await heapBytes()
          await app.land()
          if (!app.subscribe) disposers.push(...observe(app, observed))
          return { heap: ((await heapBytes()) - before) / 1e6 }
        },
        check: () => expectEqual(checksum(app.rows()), expectedChecksum(size, []), 'the checksum of the rows'),
        async dispose() {
          for (const dispose of disposers) dispose()
          await app.dispose()
        },
      }
    },
  })),
})
