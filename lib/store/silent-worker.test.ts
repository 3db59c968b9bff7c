import { afterEach, expect, test } from 'vitest'
import { TaskCrashedError } from '../errors.js'
import { FakeClock } from './fixtures/fake-clock.js'
import type { HandWrittenWorker } from './fixtures/hand-written-worker.js'
import { handWritten } from './fixtures/hand-written-worker.js'
import { createTestCore } from './fixtures/test-core.js'
import { TaskRunner } from './task-runner.js'

/* A worker that does not answer: one with nothing to do is ended, one that computes is let be. */

const opened: (() => void)[] = []
afterEach(() => {
  for (const close of opened.splice(0)) close()
})

const HOUR_MS = 3_600_000

function run() {
  const clock = new FakeClock()
  const shared = createTestCore({ clock })
  const source = handWritten()
  const runner = new TaskRunner(shared.core, [source], clock)
  opened.push(() => {
    runner.dispose()
    for (const worker of source.workers) worker.close()
  })
  return { ...shared, runner, clock, worker: (index = 0) => source.workers[index] as HandWrittenWorker }
}

/** Whatever the worker has sent so far has arrived. */
async function arrived(
  worker: HandWrittenWorker,
  { id, progress }: { id: string; progress: unknown },
  read: () => unknown,
) {
  worker.link.send('progress', [Number(id)], { value: 1 })
  await expect.poll(read).not.toBe(progress)
}

test('a worker with nothing to do is asked before it is sent a run, and ended if it does not answer within 5 s', async () => {
  const { runner, clock, worker } = run()
  const first = runner.start('a', [])
  worker().answersProbes = false
  const behind = runner.start('b', [])
  await worker().next('start')
  expect(worker().received.map(({ name }) => name)).toEqual(['welcome', 'probe', 'start'])
  await clock.advance(4900)
  expect([first.status, behind.status, worker().terminated]).toEqual(['running', 'running', false])
  await clock.advance(100)
  await expect(first.done).rejects.toThrow('did not answer within 5000 ms when it was to begin task "a"')
  await expect(behind.done).rejects.toThrow(TaskCrashedError)
  expect(worker().terminated).toBe(true)
  const next = runner.start('a', [])
  await worker(1).next('start')
  await arrived(worker(1), next, () => next.progress)
  await clock.advance(HOUR_MS)
  expect(next.status).toBe('running')
})

test('a worker that has answered may compute for as long as it likes, whoever waits behind it', async () => {
  const { runner, clock, worker } = run()
  const computing = runner.start('a', [])
  await worker().next('start')
  worker().answersProbes = false
  await arrived(worker(), computing, () => computing.progress)
  const behind = runner.start('b', [])
  await clock.advance(HOUR_MS)
  expect([computing.status, behind.status, worker().terminated]).toEqual(['running', 'running', false])
  expect(clock.pending).toBe(0)
})
