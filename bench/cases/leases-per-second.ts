import type { CounterApp, Maker } from '../contestants/apps.js'
import { counterApps, floorCounter } from '../contestants/index.js'
import type { Contestant, Variant } from '../harness/case.js'
import { defineCase, expectEqual } from '../harness/case.js'

interface Contention extends Variant {
  readonly tasks: number
  readonly workers: number
}

const LEASES = 200

/** How many leases a second there can be, by one task and by many that want the same. */
export const leasesPerSecond = defineCase<Contention>({
  name: 'leases-per-second',
  title: 'Leases per second',
  about: `Tasks that count up one number without pause, ${LEASES} times in all, by the page's clock. The number must be right at the end. Tasks that exclude each other make one round trip after another; the calls of the floor's eight tasks overlap and exclude nobody.`,
  metrics: [{ name: 'rate', unit: '1/s', better: 'more' }],
  variants: [
    { label: 'one task', tasks: 1, workers: 1 },
    { label: 'eight tasks on two workers', tasks: 8, workers: 2 },
  ],
  reference: floorCounter.name,
  contestants: [
    ...counterApps.map((app) => contestant(app)),
    contestant({ ...floorCounter, name: 'floor: one round trip after another' }, { tasks: 1, workers: 1 }),
  ],
})

/** @param always does it like this whatever the variant says */
function contestant(
  { name, lacks, create }: Maker<CounterApp>,
  always?: Pick<Contention, 'tasks' | 'workers'>,
): Contestant<Contention> {
  return {
    name,
    ...(lacks !== undefined && { lacks }),
    async setup(variant) {
      const { tasks, workers } = always ?? variant
      const app = await create({ workers })
      let total = 0
      return {
        async sample() {
          total += LEASES
          const start = performance.now()
          await app.contend(tasks, LEASES / tasks)
          return { rate: (LEASES * 1000) / (performance.now() - start) }
        },
        check: () => expectEqual(app.counter(), total, 'the counter'),
        dispose: () => app.dispose(),
      }
    },
  }
}
