import { expect, test } from 'vitest'
import type { FuzzOptions, FuzzResult } from './fixtures/fuzz-page.js'
import { fuzzPage } from './fixtures/fuzz-page.js'
import { fuzzWorker } from './fixtures/fuzz-worker.js'

/*
 * Hostile peers: what a broken or hostile thread may send over a port, tens of thousands of messages of it.
 * `LEASEHOLD_MESSAGES` says how many, `LEASEHOLD_SEED` repeats a run.
 */

const messages = Number(process.env.LEASEHOLD_MESSAGES ?? 50_000)
const seed = Number(process.env.LEASEHOLD_SEED ?? Date.now() % 2 ** 31)
/** With an even seed nearly everything goes in slices, in both directions. */
const isSliced = seed % 2 === 0
const timeout = 60_000 + messages * 10

/** As much as what is kept on purpose comes to: answers for duplicates, the log of changes, compiled code. */
const MAX_GROWTH = 6 * 2 ** 20

async function run(what: string, fuzz: (options: FuzzOptions) => Promise<FuzzResult>, count: number) {
  console.info(`${what}: ${count} messages, seed ${seed}`)
  const result = await fuzz({ seed, messages: count })
  expect(result.problems, `seed ${seed}`).toEqual([])
  expect(result.messages).toBeGreaterThanOrEqual(count)
  expect(result.growth, 'the heap was not measured').toBeDefined()
  expect(result.growth).toBeLessThan(MAX_GROWTH)
  return result.counts
}

test('whatever a worker sends, the page stays whole: only valid batches of a held lease are applied', {
  timeout,
}, async () => {
  const count = Math.ceil(messages * 0.8)
  const counts = await run('hostile workers', fuzzPage, count)
  // Else it would have shown nothing.
  expect(counts['commits by task']).toBeGreaterThan(count / (isSliced ? 800 : 200)) // a slice is a message too
  expect(counts['commits by event']).toBeGreaterThan(count / 200)
  for (const answer of ['granted', 'committed', 'rejected', 'refused', 'ended', 'launched', 'refreshed', 'probe']) {
    expect(counts[`answers "${answer}"`], answer).toBeGreaterThan(count / 2_000)
  }
  expect(counts.recoveries).toBeGreaterThan(2)
  expect(counts.connections).toBeGreaterThan(count / 2_000)
})

test('whatever a page sends, the worker stays whole, and its runs end when it is closed', { timeout }, async () => {
  const count = Math.ceil(messages * 0.2)
  const counts = await run('hostile pages', fuzzWorker, count)
  expect(counts.leases).toBeGreaterThan(count / (isSliced ? 4_000 : 1_000))
  expect(counts.runs).toBeGreaterThan(count / 1_000)
})
