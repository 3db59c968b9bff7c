/**
 * The tests that hunt for bugs, with counts that are too large for every day: `npm run soak`, or a part of it with counts of your
 * own: `npm run soak -- schedules=100000 kills=500`.
 *
 * - Each part runs by itself and tells its own figures; a part that fails prints the seed.
 */
import { runNode, toolPath } from './tools.mjs'

/** One part after the other, and so the runs of one: figures of the heap are those of one test. */
const PARTS = {
  schedules: {
    variable: 'LEASEHOLD_SCHEDULES',
    count: 2_000_000,
    runs: [['unit', 'lib/store/simulation.test.ts']],
  },
  programs: {
    variable: 'LEASEHOLD_PROGRAMS',
    count: 1_000_000,
    runs: [
      ['unit', 'lib/state/draft.test.ts'],
      ['unit', 'lib/state/tree.test.ts'],
      ['unit', 'lib/persist/rebase.test.ts'],
    ],
  },
  messages: {
    variable: 'LEASEHOLD_MESSAGES',
    count: 5_000_000,
    runs: [['unit', 'lib/store/port-fuzz.test.ts']],
  },
  kills: {
    variable: 'LEASEHOLD_KILLS',
    count: 5_000,
    runs: [['browser', 'lib/store/kill-storm.browser.test.ts']],
  },
  crashes: {
    variable: 'LEASEHOLD_CRASHES',
    count: 20_000,
    runs: [['unit', 'lib/persist/crashes.test.ts']],
  },
  browserKills: {
    variable: 'LEASEHOLD_BROWSER_KILLS',
    count: 100,
    runs: [['page', 'lib/persist/kill.page.test.ts']],
  },
  leases: {
    variable: 'LEASEHOLD_LEASES',
    count: 1_000_000,
    // What they leave on the page, and in their worker.
    runs: [
      ['browser', 'lib/store/memory.browser.test.ts'],
      ['page', 'lib/store/worker-memory.page.test.ts'],
    ],
  },
}

/** @type {Map<string, number>} */
const asked = new Map()
for (const argument of process.argv.slice(2)) {
  const [name = '', count = ''] = argument.split('=')
  const part = PARTS[/** @type {keyof typeof PARTS} */ (name)]
  if (part === undefined || !(count === '' || Number(count) > 0)) {
    console.error(`soak: ${argument} is not known. Say ${Object.keys(PARTS).join(', ')}, alone or as name=count.`)
    process.exit(2)
  }
  asked.set(name, count === '' ? part.count : Number(count))
}

let failed = false
for (const [name, { variable, count, runs }] of Object.entries(PARTS)) {
  const wanted = asked.size === 0 ? count : asked.get(name)
  if (wanted === undefined) continue
  const start = Date.now()
  console.log(`\n--- ${name}: ${wanted}`)
  let ok = true
  for (const [project = '', file = ''] of runs) {
    const args = [toolPath('vitest'), 'run', '--project', project, '--testTimeout', String(2 ** 31 - 1), file]
    const { code } = await runNode(args, { env: { [variable]: String(wanted) } })
    ok &&= code === 0
  }
  failed ||= !ok
  console.log(`--- ${name}: ${ok ? 'ok' : 'FAILED'} (${((Date.now() - start) / 1000).toFixed(0)} s)`)
}
process.exitCode = failed ? 1 : 0
