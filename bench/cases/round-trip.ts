import { counterApps, floorCounter } from '../contestants/index.js'
import { defineCase, expectEqual } from '../harness/case.js'

const TIMES = 50

/** A task takes a lease, reads what is newest, writes one field and commits, again and again. */
export const roundTrip = defineCase({
  name: 'round-trip',
  title: 'Lease round trip',
  about: `One task in a worker: take the lease, see the newest state, write one field, commit, know that it is committed. Mean of ${TIMES} in a row, by the worker's clock; nothing observes it. Bytes and messages are those of a whole sample, with the start of the task.`,
  metrics: [{ name: 'time', unit: 'µs' }],
  variants: [{ label: 'one field' }],
  reference: floorCounter.name,
  countsBytes: true,
  limits: { seconds: 40 },
  contestants: counterApps.map(({ name, lacks, create }) => ({
    name,
    ...(lacks !== undefined && { lacks }),
    async setup() {
      const app = await create()
      let total = 0
      return {
        async sample() {
          total += TIMES
          return { time: await app.roundTrips(TIMES) }
        },
        check: () => expectEqual(app.counter(), total, 'the counter'),
        dispose: () => app.dispose(),
      }
    },
  })),
})
