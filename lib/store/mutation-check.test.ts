import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bugs } from './fixtures/simulation/bugs.js'
import { bundleSimulation } from './fixtures/simulation/bundle.js'
import { simulateIn } from './fixtures/simulation/threads.js'

/*
 * The check of the check: known bugs are put into a copy of the sources, one at a time, and the simulation finds each of them.
 */

const SCHEDULES = 20_000

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasehold-bugs-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the sources as they are have none of them, and neither has a change that is no bug', {
  timeout: 300_000,
}, async () => {
  const harmless = bugs[0]?.changes.slice(0, 1) ?? []
  for (const changes of [[], harmless]) {
    const file = await bundleSimulation(folder, { name: `harmless ${changes.length}`, changes })
    expect((await simulateIn(file, { from: 1, count: 300 })).failed).toBeUndefined()
  }
})

test.each(bugs.map((bug) => [bug.name, bug] as const))('finds: %s', { timeout: 300_000 }, async (_name, bug) => {
  const file = await bundleSimulation(folder, bug)
  const { failed, schedules } = await simulateIn(file, { from: 1, count: SCHEDULES })
  console.info(`${bug.name}: after ${schedules} schedules, ${failed?.faults[0]}`)
  expect(failed).toBeDefined()
})
