import { autorun, reaction } from 'mobx'
import { afterEach, expect, test } from 'vitest'
import { NotCloneableError, TaskCrashedError, WorkerLoadError } from '../errors.js'
import type { Concurrency, TaskInfo } from '../protocol/messages.js'
import type { HandWrittenWorker } from './fixtures/hand-written-worker.js'
import { handWritten } from './fixtures/hand-written-worker.js'
import { createTestCore } from './fixtures/test-core.js'
import { TaskGate, waitsForTurn } from './task-gate.js'
import type { TaskRun } from './task-run.js'
import { TaskRunner } from './task-runner.js'
import type { TaskSource } from './worker-tasks.js'

/* Runs of tasks with a `concurrency`, to the letter: what reaches the worker, and when. */

const opened: { dispose(): void }[] = []
const sources: { readonly workers: readonly HandWrittenWorker[] }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.dispose()
  for (const { workers } of sources.splice(0)) for (const worker of workers) worker.close()
})

type Source = TaskSource & { readonly workers: HandWrittenWorker[] }

function run(...given: readonly Source[]) {
  const shared = createTestCore()
  const runner = new TaskRunner(shared.core, given)
  opened.push(runner)
  sources.push(...given)
  return { ...shared, runner, worker: (index = 0) => given[0]?.workers[index] as HandWrittenWorker }
}

const task = (concurrency: Concurrency, maxConcurrency?: number): TaskInfo => ({
  name: 'a',
  concurrency,
  maxConcurrency,
})
const serving = (...tasks: readonly (string | TaskInfo)[]) => handWritten((worker) => worker.ready(tasks))
const settle = (worker: HandWrittenWorker, run: TaskRun) =>
  worker.link.send('settled', [Number(run.id)], { ok: true, value: undefined })
const statuses = (runs: readonly TaskRun[]) => runs.map(({ status }) => status)
/** The names and numbers of the runs that a worker was told to start, once it was told of everything so far. */
async function started(worker: HandWrittenWorker, runs: number): Promise<unknown[]> {
  const starts = () => worker.received.filter(({ name }) => name === 'start')
  await expect.poll(() => starts().length, { timeout: 4_000 }).toBe(runs)
  return starts().map(({ args }) => args[0])
}

test('T13: runs of several tasks that wait for their worker reach it in the order of their start', async () => {
  const { runner, worker } = run(handWritten(() => {}))
  const names = ['a', 'b', 'a', 'c', 'b', 'a']
  const runs = names.map((name) => runner.start(name, []))
  worker().ready([task('enqueue', 2), 'b', { name: 'c', concurrency: 'drop' }])
  expect(await started(worker(), 5)).toEqual([1, 2, 3, 4, 5])
  expect(statuses(runs)[5]).toBe('starting')
  settle(worker(), runs[2] as TaskRun)
  expect(await started(worker(), 6)).toEqual([1, 2, 3, 4, 5, 6])
})

test('T13: restartable: the next begins when the one before has ended, by its task or by terminateAfter', async () => {
  const source = handWritten((worker) => worker.ready([task('restartable')]), { terminateAfter: 20 })
  const { runner, worker } = run(source)
  const runs = [runner.start('a', [])]
  await started(worker(), 1)
  runs.push(runner.start('a', []))
  expect(await worker().next('cancel')).toMatchObject({ args: [1] })
  expect(statuses(runs)).toEqual(['cancelling', 'starting'])
  settle(worker(), runs[0] as TaskRun)
  expect(await started(worker(), 2)).toEqual([1, 2])
  expect(statuses(runs)).toEqual(['cancelled', 'running'])
  runs.push(runner.start('a', [])) // the second never says that it has ended, though its worker answers
  expect(statuses(runs)).toEqual(['cancelled', 'cancelling', 'starting'])
  expect(await started(worker(), 3)).toEqual([1, 2, 3])
  expect(statuses(runs)).toEqual(['cancelled', 'cancelled', 'running'])
})

test('T13: drop: a run that is being cancelled has not ended yet', async () => {
  const { runner, worker } = run(serving(task('drop')))
  const first = runner.start('a', [])
  await started(worker(), 1)
  first.cancel()
  expect(runner.start('a', []).status).toBe('cancelled')
  settle(worker(), first)
  await expect.poll(() => first.status).toBe('cancelled')
  expect(runner.start('a', []).status).toBe('running')
})

test('T13 T17: when the worker crashes, those that wait go on in a new one', async () => {
  for (const concurrency of ['enqueue', 'keepLatest'] as const) {
    const { runner, worker } = run(serving(task(concurrency)))
    const lost = runner.start('a', [])
    const next = runner.start('a', ['next'])
    await started(worker(), 1)
    expect([lost, next].map(waitsForTurn)).toEqual([false, true])
    runner.crash()
    expect([next.status, waitsForTurn(next)]).toEqual(['starting', false]) // its worker is being made
    await expect(lost.done).rejects.toThrow(TaskCrashedError)
    expect(await worker(1).next('start')).toMatchObject({ args: [2], payload: { args: ['next'] } })
    expect(next.status).toBe('running')
  }
})

test('T13: when no worker can be loaded any more, those that wait fail with the same error, and the next tries again', async () => {
  const source: Source = handWritten((worker) => {
    if (source.workers.length === 2 || source.workers.length === 3) worker.events.error(new Error('gone'))
    else worker.ready([task('enqueue')])
  })
  const { runner, worker, reports } = run(source)
  const first = runner.start('a', [])
  const waiting = [runner.start('a', []), runner.start('a', []), runner.start('a', [])]
  await started(worker(), 1)
  runner.crash()
  await expect(first.done).rejects.toThrow(TaskCrashedError)
  for (const each of waiting) await expect(each.done).rejects.toThrow(WorkerLoadError)
  expect(source.workers).toHaveLength(3)
  const next = runner.start('a', [])
  await source.workers[3]?.next('start')
  expect(next.status).toBe('running')
  expect(reports).toEqual([])
})

test('T9 T13: arguments that cannot cross fail the run, cost no other its place, and do not hold up those behind', async () => {
  const { runner, worker } = run(serving(task('restartable'), { name: 'b', concurrency: 'enqueue' }))
  const good = runner.start('a', [])
  await started(worker(), 1)
  const bad = runner.start('a', [() => {}])
  expect(statuses([good, bad])).toEqual(['running', 'failed'])
  await expect(bad.done).rejects.toThrow(NotCloneableError)
  const first = runner.start('b', [() => {}])
  const second = runner.start('b', [])
  expect(statuses([first, second])).toEqual(['failed', 'running'])
  await expect(first.done).rejects.toThrow(NotCloneableError)
})

test('T3 T13: a run that waits for its turn keeps its arguments as they were', async () => {
  const { runner, worker } = run(serving(task('enqueue')))
  const rows = [1]
  const first = runner.start('a', [])
  runner.start('a', [rows])
  rows.push(2)
  await started(worker(), 1)
  settle(worker(), first)
  await worker().next('start')
  expect((await worker().next('start')).payload).toMatchObject({ args: [[1]] })
})

test('T13: a run that is cancelled by one that was started in a reaction to its end leaves the order as it is', async () => {
  const { runner, worker } = run(serving(task('keepLatest')))
  const first = runner.start('a', [])
  await started(worker(), 1)
  const second = runner.start('a', [])
  let fired: TaskRun | undefined
  const stop = reaction(
    () => second.status,
    () => {
      fired ??= runner.start('a', ['fired'])
    },
  )
  const third = runner.start('a', []) // cancels the second, whose end starts one more
  stop()
  expect(statuses([first, second, third])).toEqual(['running', 'cancelled', 'cancelled'])
  expect(fired?.status).toBe('starting')
  settle(worker(), first)
  expect(await started(worker(), 2)).toEqual([1, Number(fired?.id)])
})

test('T13: a restartable task that starts itself when it is cancelled comes to rest', async () => {
  const { runner, worker } = run(serving(task('restartable')))
  const runs = [runner.start('a', [])]
  await started(worker(), 1)
  let left = 3
  const stop = autorun(() => {
    if (runs.at(-1)?.status === 'cancelled' && left-- > 0) runs.push(runner.start('a', []))
  })
  runs.push(runner.start('a', []))
  runs.push(runner.start('a', []))
  settle(worker(), runs[0] as TaskRun)
  await started(worker(), 2)
  stop()
  const live = runs.filter(({ status }) => status === 'running')
  expect(live).toHaveLength(1)
  expect([...runner.backgroundTasks]).toEqual(live)
})

test('T13 T15: disposed of in a reaction to the end of one, none that waits begins', async () => {
  const { runner, worker } = run(serving(task('enqueue')))
  const first = runner.start('a', [])
  const second = runner.start('a', [])
  const stop = autorun(() => {
    if (first.status === 'succeeded') runner.dispose()
  })
  await started(worker(), 1)
  settle(worker(), first)
  await expect.poll(() => first.status).toBe('succeeded')
  stop()
  expect(second.status).toBe('cancelled')
  expect(runner.backgroundTasks.size).toBe(0)
})

test('T13 T15: disposed of while a worker is made for one that waited, the next is not let through', async () => {
  const source: Source = handWritten((worker) => {
    if (source.workers.length === 1) worker.ready([task('enqueue', 2)])
    else runner.dispose()
  })
  const { runner, worker } = run(source)
  const runs = Array.from({ length: 4 }, () => runner.start('a', []))
  await started(worker(), 2)
  runner.crash()
  expect(statuses(runs)).toEqual(['failed', 'cancelled', 'cancelled', 'cancelled'])
  await expect(runs[0]?.done).rejects.toThrow(TaskCrashedError)
  expect(source.workers.map(({ terminated }) => terminated)).toEqual([true, true])
})

test('T13: many that wait and end as soon as they are let through do not overflow the stack', () => {
  const order: number[] = []
  const runs = Array.from({ length: 10_000 }, (_, id) => ({ id, isCancelled: false, cancel() {} }))
  const gate = new TaskGate<(typeof runs)[number]>(task('enqueue'), (run) => {
    order.push(run.id)
    if (run.id > 0) gate.ended(run)
  })
  for (const each of runs) gate.add(each)
  const [first] = runs
  if (first) gate.pass(first)
  expect(order).toEqual([0])
  if (first) gate.ended(first)
  expect(order).toEqual(runs.map(({ id }) => id))
})

test('several sources: each task has its own limit, wherever it runs', async () => {
  const first = serving(task('enqueue'))
  const second = serving({ name: 'b', concurrency: 'drop' })
  const { runner } = run(first, second)
  const runs = ['a', 'b', 'a', 'b'].map((name) => runner.start(name, []))
  await expect.poll(() => statuses(runs)).toEqual(['running', 'running', 'starting', 'cancelled'])
})
