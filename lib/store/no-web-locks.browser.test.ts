import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { TaskCrashedError } from '../errors.js'
import { disposeRunners, expectAtRest, startRunner } from './fixtures/start-runner.js'

/* Where there are no Web Locks, as on an insecure origin, a dead worker is found when it is asked for something. */

beforeAll(() => void vi.spyOn(navigator, 'locks', 'get').mockReturnValue(undefined as never))
afterAll(() => void vi.restoreAllMocks())
afterEach(disposeRunners)

const noLocks = () => new Worker(new URL('./fixtures/no-locks.worker.ts', import.meta.url), { type: 'module' })

async function expectRecovery(pool: ReturnType<typeof startRunner>): Promise<void> {
  expectAtRest(pool)
  expect(await pool.runner.start('add', [1]).done).toBe(1)
  expect(pool.made).toHaveLength(2)
  expect(pool.reports).toEqual([])
}

test('tasks run, lease and end as elsewhere', async () => {
  const pool = startRunner(noLocks)
  expect(await pool.runner.start('add', [1]).done).toBe(1)
  expect(await pool.runner.start('compute', [50]).done).toBe(50)
  expect(pool.made).toHaveLength(1)
})

test('L8: a worker that died in its lease is found by its silence, and the lease is free', async () => {
  const pool = startRunner(noLocks, { ttlMs: 100 })
  const run = pool.runner.start('die', ['in a lease'])
  await expect(run.done).rejects.toThrow(/did not answer while it held the lease "die"/)
  await expectRecovery(pool)
})

test('a worker that has died, or loops in what a task left behind, is found by its silence at the next start', async () => {
  const isFound = async (name: string, ...args: string[]): Promise<void> => {
    const pool = startRunner(noLocks)
    await pool.runner.start(name, args).done
    await vi.waitFor(
      async () => {
        const run = pool.runner.start('add', [0]) // the worker may take a moment to die
        await expect(run.done).rejects.toThrow(/did not answer within 5000 ms when it was to begin task "add"/)
        expect(run.error).toBeInstanceOf(TaskCrashedError)
      },
      { timeout: 20_000 },
    )
    await expectRecovery(pool)
  }
  await Promise.all([isFound('die', 'later'), isFound('loopLater')])
}, 25_000)

test('a run whose worker died outside of a lease ends by cancel(), and the next one gets a new worker', async () => {
  const pool = startRunner(noLocks, { terminateAfter: 100 })
  const dying = pool.runner.start('die', ['outside'])
  const behind = pool.runner.start('add', [1])
  await expect.poll(() => dying.status).toBe('running')
  const reason = new Error('enough')
  dying.cancel(reason)
  await expect(dying.done).rejects.toBe(reason)
  await expect(behind.done).rejects.toThrow(TaskCrashedError)
  await expectRecovery(pool)
})
