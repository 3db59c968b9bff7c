import { afterEach, expect, test } from 'vitest'
import { LeaseExpiredError, TaskCrashedError } from '../errors.js'
import { fromWireError } from '../protocol/wire-error.js'
import { disposeRunners, expectAtRest, lifeLocks, startRunner } from './fixtures/start-runner.js'

/* A worker that dies, hangs or fails while it is asked for something: what waited for it is over soon, and the line goes on. */

afterEach(disposeRunners)
const channels: BroadcastChannel[] = []
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close()
})

const faulty = () => new Worker(new URL('./fixtures/faulty.worker.ts', import.meta.url), { type: 'module' })
const raw = () => new Worker(new URL('./fixtures/raw.worker.ts', import.meta.url), { type: 'module' })
const long = { ttlMs: 60_000 }

type Pool = ReturnType<typeof startRunner>

/** Holds the lease for the page; gives the release. */
function hold({ office }: Pool): () => void {
  const ticket = office.request({
    name: 'page',
    kind: 'page',
    ttlMs: 60_000,
    granted() {},
    refused() {},
    lost() {},
  })
  return () => ticket.withdraw()
}

/** The store goes on: a new worker serves, and of the dead one nothing is left. */
async function expectRecovery(pool: Pool, counter: number): Promise<void> {
  expectAtRest(pool)
  const { made, runner, tree, reports } = pool
  const before = made.length
  expect(await runner.start('add', [1]).done).toBe(counter + 1)
  expect(made).toHaveLength(before + 1)
  expect(tree.root.counter).toBe(counter + 1)
  expect(reports).toEqual([])
  await expect.poll(lifeLocks).toEqual({ held: 1, watched: 1 })
}

test.each(['outside', 'in a lease', 'in line'] as const)(
  'L5: a worker that ends itself %s is known to be dead by its lock; its runs fail, and nothing of it is applied',
  async (where) => {
    const pool = startRunner(faulty, long)
    const other = pool.runner.start('wait', [])
    const release = where === 'in line' ? hold(pool) : () => {}
    const dying = pool.runner.start('die', [where])
    await expect(dying.done).rejects.toThrow(TaskCrashedError)
    await expect(other.done).rejects.toThrow('it has died')
    expect(pool.office.waiting).toEqual([])
    release()
    await expectRecovery(pool, 0)
  },
)

test('L5: a worker that ends itself while its batch is on its way: the batch is applied once, and the lease is free', async () => {
  const pool = startRunner(faulty, long)
  await expect(pool.runner.start('die', ['while posting']).done).rejects.toThrow(TaskCrashedError)
  expect(pool.tree.version).toBe(1)
  await expectRecovery(pool, 1)
})

test('a worker that dies while nobody asks it for anything is found at once, and the next run gets a new one', async () => {
  const pool = startRunner(faulty, long)
  await pool.runner.start('die', ['later']).done
  await expect.poll(lifeLocks).toEqual({ held: 0, watched: 0 })
  await expectRecovery(pool, 0)
})

test.each(['wait', 'hold'])(
  'L5: a worker that others end (its task: %s) takes its runs with it at once',
  async (name) => {
    const pool = startRunner(faulty, long)
    const run = pool.runner.start(name, [])
    await expect
      .poll(() => run.status === 'running' && (name === 'wait' || pool.office.holders.length === 1))
      .toBe(true)
    pool.made[0]?.terminate()
    await expect(run.done).rejects.toThrow('it has died')
    await expectRecovery(pool, 0)
  },
)

test('L5: a worker that others end while it waits in the line leaves it, and who holds is not disturbed', async () => {
  const pool = startRunner(faulty, long)
  const release = hold(pool)
  const runs = [pool.runner.start('add', [1]), pool.runner.start('add', [1])]
  await expect.poll(() => pool.office.waiting.length).toBe(2)
  pool.made[0]?.terminate()
  for (const run of runs) await expect(run.done).rejects.toThrow(TaskCrashedError)
  expect(pool.office.waiting).toEqual([])
  expect(pool.office.holders).toHaveLength(1)
  release()
  await expectRecovery(pool, 0)
})

test('L8: a worker that loops in its lease is ended; it lives on for a while, and what it commits then is not applied', async () => {
  const pool = startRunner(raw, { ttlMs: 100 })
  const channel = new BroadcastChannel('raw')
  channels.push(channel)
  let late = 0
  channel.onmessage = () => late++
  // Its first batch leaves when its lease is over for long: ttl and grace are 300 ms.
  const run = pool.runner.start('zombie', [1000])
  await expect(run.done).rejects.toThrow(/did not answer while it held the lease "raw"/)
  expect(late).toBe(0)
  expectAtRest(pool)
  await expect.poll(() => late, { timeout: 8000 }).toBeGreaterThan(5) // the browser has not stopped it yet
  await expect.poll(lifeLocks, { timeout: 8000 }).toEqual({ held: 0, watched: 0 })
  expect([pool.tree.root.counter, pool.tree.version]).toEqual([0, 0])
  await expectRecovery(pool, 0)
})

test('L6: a holder that waits for ever is told at its ttl, its run goes on, and its worker is kept', async () => {
  const pool = startRunner(faulty, { ttlMs: 100 })
  const run = pool.runner.start('holdForEver', [])
  expect(await run.done).toEqual({ code: LeaseExpiredError.code, aborted: false })
  expect(await pool.runner.start('add', [1]).done).toBe(1)
  expect(pool.made).toHaveLength(1)
  expect(pool.reports).toEqual([])
  expectAtRest(pool)
})

test('L9: a batch of an expired lease is refused with why it expired, though its worker holds a newer lease', async () => {
  const pool = startRunner(raw, { ttlMs: 100 })
  const error = fromWireError(await pool.runner.start('late', []).done)
  expect(error).toBeInstanceOf(LeaseExpiredError)
  expect((error as Error).message).toMatch(/"raw" \(epoch 1\) expired/)
  expect([pool.tree.version, pool.reports]).toEqual([0, []])
  expectAtRest(pool)
})

test('L10: a batch that a worker sends again is applied once and answered alike, though it holds a newer lease by then', async () => {
  const pool = startRunner(raw, { ttlMs: 60_000 })
  expect(await pool.runner.start('twice', []).done).toEqual([
    [1, 0, 1, 0],
    [1, 0, 1, 0],
    [1, 1, 2, 1],
    [1, 1, 2, 1],
    [1, 1, 2, 1],
    [2, 0, 3, 2],
  ])
  expect([pool.tree.root.rows, pool.tree.version]).toEqual([['next', 'committed', 'flushed'], 3])
  expect(pool.reports).toEqual([])
  expectAtRest(pool)
})

test('L8: a worker that computes in its lease for long, but within its ttl, commits', async () => {
  const pool = startRunner(faulty, { ttlMs: 5000 })
  expect(await pool.runner.start('compute', [3000, 'in a lease']).done).toBe(1)
  expect(pool.made).toHaveLength(1)
})

test('T10: an error in a timer of a worker that holds the lease is reported, and the lease commits', async () => {
  const pool = startRunner(faulty)
  await pool.runner.start('throwWhileHolding', []).done
  expect(pool.reports.map(({ error }) => error)).toEqual([new RangeError('thrown in a timer')])
  expect(pool.tree.root.counter).toBe(1)
  expect(pool.made).toHaveLength(1)
  expectAtRest(pool)
})

test('T10: of a flood of unhandled rejections the first hundred are reported, and the worker serves on', async () => {
  const pool = startRunner(faulty)
  await pool.runner.start('reject', [150]).done
  expect(await pool.runner.start('add', [1]).done).toBe(1)
  expect(pool.reports).toHaveLength(100)
  expect(pool.reports.map(({ error }) => (error as Error).message)).toContain('rejected 99')
  expectAtRest(pool)
})

test('T10: what is rejected while a worker starts is reported, too, and the worker serves', async () => {
  const url = new URL('./fixtures/early-rejection.worker.ts', import.meta.url)
  const pool = startRunner(() => new Worker(url, { type: 'module' }))
  expect(await pool.runner.start('add', [1]).done).toBe(1)
  expect(pool.reports.map(({ error }) => error)).toEqual([new RangeError('rejected while starting')])
  expectAtRest(pool)
})

test('a worker that sends a hundred malformed messages is ended; each of them was reported, and none did anything', async () => {
  const pool = startRunner(raw)
  const run = pool.runner.start('malformed', [150])
  await expect(run.done).rejects.toThrow(/too many malformed messages/)
  expect(run.error).toBeInstanceOf(TaskCrashedError)
  expect(pool.reports).toHaveLength(100)
  expectAtRest(pool)
  expect(await pool.runner.start('malformed', [99]).done).toBe(99)
  expect(pool.made).toHaveLength(2)
  expect(pool.reports).toHaveLength(199)
  expect(pool.tree.version).toBe(0)
})

test('a flood of well-formed messages changes nothing, leaves nothing, and lets events run between them', async () => {
  const pool = startRunner(raw)
  const { core, tree } = pool
  let events = 0
  const increment = [{ op: 'splice', path: ['rows'], index: 0, remove: 0, values: ['event'] }] as const
  const ticker = setInterval(() => {
    if (pool.office.isFree()) events = core.commitBatch(increment, { kind: 'event', name: 'event' })
  })
  const run = pool.runner.start('flood', [2000])
  expect(await run.done).toBe(2000)
  clearInterval(ticker)
  expect(run.progress).toEqual({ value: 1999 })
  expect(events).toBeGreaterThan(3)
  expect([tree.version, tree.root]).toEqual([events, { counter: 0, rows: Array(events).fill('event') }])
  expect(pool.reports).toEqual([])
  expect(pool.made).toHaveLength(1)
  expectAtRest(pool)
})
