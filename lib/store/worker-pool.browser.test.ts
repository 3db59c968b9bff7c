import { afterEach, expect, test } from 'vitest'
import { LeaseExpiredError, TaskCrashedError } from '../errors.js'
import { createTestCore } from './fixtures/test-core.js'
import { TaskRunner } from './task-runner.js'
import type { WorkerTasksOptions } from './worker-tasks.js'
import { workerTasks } from './worker-tasks.js'

const opened: { dispose(): void }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.dispose()
})

function run(factory: () => Worker, options?: WorkerTasksOptions, ttlMs = 300) {
  const shared = createTestCore({ ttlMs })
  const runner = new TaskRunner(shared.core, [workerTasks(factory, options)])
  opened.push(runner)
  return { ...shared, runner }
}

// Bundlers look for this very form.
const counter = () => new Worker(new URL('./fixtures/counter.worker.ts', import.meta.url), { type: 'module' })

test('a worker serves: runs, leases and results go back and forth', async () => {
  const { runner, tree } = run(counter, {
    size: 2,
  })
  const results = await Promise.all(Array.from({ length: 20 }, () => runner.start('add', [1]).done))
  expect(results.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  expect(tree.root.counter).toBe(20)
  expect(runner.backgroundTasks.size).toBe(0)
})

test('L8: a worker that loops inside its lease loses it after ttl and grace, and the next task gets a new one', async () => {
  const { runner, office, tree } = run(counter)
  await runner.start('add', [1]).done
  const hung = runner.start('loop', [])
  await expect(hung.done).rejects.toThrow(TaskCrashedError)
  expect(office.isFree()).toBe(true)
  expect(await runner.start('add', [1]).done).toBe(2)
  expect(tree.root.counter).toBe(2)
})

test('L7: a page that is blocked for 3 s with a ttl of 800 ms does not cost a task its lease', async () => {
  const { runner, core, reports } = run(counter, {}, 800)
  await runner.start('add', [1]).done
  const slow = runner.start('slow', [200])
  await expect.poll(() => core.office.holders[0], { interval: 5 }).toBeDefined()
  const until = performance.now() + 3000
  while (performance.now() < until);
  expect(await slow.done).toBe(2)
  expect(reports).toEqual([])
})

test('L6: a holder that answers but does not commit gets LeaseExpiredError', async () => {
  const { runner, tree } = run(counter)
  const slow = runner.start('slow', [5000])
  await expect(slow.done).rejects.toThrow(LeaseExpiredError)
  expect(tree.version).toBe(0)
})

test('T10: an error that is uncaught in a worker is reported once, with its class, and the worker stays', async () => {
  const { runner, reports } = run(counter)
  await runner.start('throwLater', []).done
  await expect.poll(() => reports).toHaveLength(1)
  expect(reports[0]?.error).toBeInstanceOf(RangeError)
  expect(await runner.start('add', [1]).done).toBe(1)
  expect(reports).toHaveLength(1)
})
