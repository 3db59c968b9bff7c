import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleSimulation } from './fixtures/simulation/bundle.js'
import { simulateEverywhere, simulateIn } from './fixtures/simulation/threads.js'

/*
 * The page's line, fence and expiry and the workers' side of them under a deterministic scheduler: see fixtures/simulation.
 *
 * - A seed that fails is printed. Put it into regressions.json: those run first, for ever.
 * - `LEASEHOLD_SCHEDULES` and `LEASEHOLD_SEED` say how many schedules and from which seed.
 */

const SCHEDULES = Number(process.env.LEASEHOLD_SCHEDULES ?? 20_000)
const FIRST_SEED = Number(process.env.LEASEHOLD_SEED ?? Date.now() % 1_000_000_000)
/** As long as it takes: a machine may be slow, and a soak is long. */
const timeout = 24 * 3_600_000

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasehold-simulation-'))
  file = await bundleSimulation(folder)
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('simulated schedules', () => {
  test('the seeds that once failed pass', async () => {
    const path = new URL('./fixtures/simulation/regressions.json', import.meta.url)
    const seeds: readonly number[] = JSON.parse(await readFile(path, 'utf8'))
    // Those that failed before there were bad batches, cleanup and an early dispose fail, if at all, without them.
    for (const calm of [false, true]) expect((await simulateIn(file, seeds, { calm })).failed).toBeUndefined()
  })

  test('a seed gives the same schedule each time', async () => {
    const [one, other, next] = await Promise.all([1, 1, 2].map((from) => simulateIn(file, { from, count: 20 })))
    expect(one).toEqual(other)
    expect(one?.hash).not.toBe(next?.hash)
  })

  test('G3, L1, L3, L5, L9, L10, L15, L16, T15: lose, double and split nothing, are serialisable, and are never stuck', {
    timeout,
  }, async () => {
    console.info(`simulation: ${SCHEDULES} schedules from seed ${FIRST_SEED}`)
    const start = performance.now()
    const reports = await simulateEverywhere(file, FIRST_SEED, SCHEDULES)
    type Count = 'schedules' | 'transactions' | 'commits' | 'steps' | 'refusals' | 'cleanups' | 'disposals'
    const sum = (of: Count) => reports.reduce((total, report) => total + report[of], 0)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.info(
      `simulation: ${sum('schedules')} schedules, ${sum('transactions')} transactions, ${sum('commits')} commits, ${sum('steps')} steps, ${sum('refusals')} bad batches refused, ${sum('cleanups')} cleanups after a cancellation, ${sum('disposals')} stores disposed of early, in ${seconds} s`,
    )
    expect(reports.flatMap(({ failed }) => failed ?? [])).toEqual([])
    expect(sum('schedules')).toBe(SCHEDULES)
    expect(sum('commits')).toBeGreaterThan(SCHEDULES) // they are not empty
    for (const count of ['refusals', 'cleanups', 'disposals'] as const) {
      expect(sum(count), count).toBeGreaterThan(SCHEDULES / 200 - 1)
    }
  })
})
