import { keepers, ZUSTAND_KEEPER } from '../contestants/keepers.js'
import type { Operation } from '../contestants/rows.js'
import { checksum, expectedChecksum, makeRows } from '../contestants/rows.js'
import { watchBlocks } from '../harness/block-watch.js'
import { defineCase, expectEqual } from '../harness/case.js'
import { watchWrites } from '../harness/write-watch.js'

let names = 0

/** One row is changed in a state that is kept in IndexedDB. */
export const persist = defineCase({
  name: 'persist',
  title: 'One changed row, stored',
  about:
    'One field is changed in one of the rows of a state that is kept in IndexedDB. From the change until it is stored. The block is the longest time in which the page could do nothing else; the bytes are those of the records that are handed to IndexedDB, as it clones them. What is stored is read back at the end.',
  metrics: [
    { name: 'total', unit: 'ms' },
    { name: 'longest block', unit: 'ms' },
    { name: 'bytes written', unit: 'bytes' },
  ],
  variants: [
    { label: '1,000', size: 1000 },
    { label: '10,000', size: 10_000 },
    { label: '100,000', size: 100_000 },
  ],
  reference: ZUSTAND_KEEPER,
  scales: true,
  limits: { seconds: 60, rounds: 60 },
  contestants: keepers.map(({ name, lacks, keep }) => ({
    name,
    ...(lacks !== undefined && { lacks }),
    async setup({ size = 0 }) {
      const keeper = await keep(`rows ${names++}`, makeRows(size))
      const operations: (Operation & { readonly type: 'write-one' })[] = []
      return {
        async sample() {
          const change = {
            type: 'write-one',
            index: (operations.length * 7919) % size,
            price: operations.length,
          } as const
          operations.push(change)
          const writes = watchWrites()
          const blocks = watchBlocks()
          const start = performance.now()
          await keeper.change(change.index, change.price)
          const total = performance.now() - start
          const longest = blocks.stop()
          return { total, 'longest block': longest, 'bytes written': writes.stop() }
        },
        async check() {
          expectEqual(
            checksum(await keeper.readBack()),
            expectedChecksum(size, operations),
            'the checksum of what is stored',
          )
        },
        dispose: () => keeper.dispose(),
      }
    },
  })),
})
