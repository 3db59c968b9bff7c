import { autorun } from 'mobx'
import { afterEach, expect, test } from 'vitest'
import {
  LeaseholdError,
  LeaseReleasedError,
  NotCloneableError,
  StoreDisposedError,
  TaskCrashedError,
  UnknownTaskError,
  VersionMismatchError,
  WorkerLoadError,
  WorkerStartTimeoutError,
} from '../errors.js'
import { toWireError } from '../protocol/wire-error.js'
import { defineState, shapeOf } from '../state/define-state.js'
import { createReadOnlyView } from '../state/read-only.js'
import type { HandWrittenWorker } from './fixtures/hand-written-worker.js'
import { handWritten } from './fixtures/hand-written-worker.js'
import { createTestCore } from './fixtures/test-core.js'
import { TaskRunner } from './task-runner.js'
import { createTaskStarters } from './task-starters.js'
import type { TaskSource } from './worker-tasks.js'

const opened: { dispose(): void }[] = []
const workersOf: { readonly workers: readonly HandWrittenWorker[] }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.dispose()
  for (const { workers } of workersOf.splice(0)) for (const worker of workers) worker.close()
})

function run(...sources: (TaskSource & { readonly workers?: HandWrittenWorker[] })[]) {
  const shared = createTestCore({ ttlMs: 60 })
  const runner = new TaskRunner(shared.core, sources)
  opened.push(runner)
  for (const { workers } of sources) if (workers) workersOf.push({ workers })
  return { ...shared, runner, worker: (index = 0) => sources[0]?.workers?.[index] as HandWrittenWorker }
}

const turns = async (ms = 20) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const settle = (worker: HandWrittenWorker, number: number, value?: unknown) =>
  worker.link.send('settled', [number], { ok: true, value })
const fail = (worker: HandWrittenWorker, number: number, error: unknown) =>
  worker.link.send('settled', [number], { ok: false, error: toWireError(error) })

test('T3: a run started before the worker is ready waits for it, with the arguments as they were', async () => {
  const { runner, worker } = run(handWritten(() => {}))
  const rows = [1, 2]
  const started = runner.start('a', [rows, 'x'])
  rows.push(3)
  expect(started).toMatchObject({ name: 'a', status: 'starting', startedAt: undefined, progress: undefined })
  expect(runner.backgroundTasks.has(started)).toBe(true)
  worker().ready()
  const { args, payload } = await worker().next('start')
  expect(args).toEqual([Number(started.id)])
  expect(payload).toMatchObject({ name: 'a', args: [[1, 2], 'x'] })
  expect(started.status).toBe('running')
  expect(started.startedAt).toBeGreaterThan(0)
  settle(worker(), 1, { n: 1 })
  expect(await started.done).toEqual({ n: 1 })
  expect(started.status).toBe('succeeded')
  expect(started.endedAt).toBeGreaterThan(0)
  expect(runner.backgroundTasks.size).toBe(0)
})

test('T4: started twice it runs twice; the set keeps the order of start, is observable, and changes with the status as one', async () => {
  const { runner, worker } = run(handWritten())
  const seen: string[] = []
  const stop = autorun(() => {
    seen.push([...runner.backgroundTasks].map(({ id, status }) => `${id} ${status}`).join())
  })
  const first = runner.start('a', [])
  const second = runner.start('a', [])
  await worker().next('start')
  await worker().next('start')
  settle(worker(), 1)
  await first.done
  settle(worker(), 2)
  await second.done
  stop()
  expect(seen[0]).toBe('')
  expect(seen).toContain('1 running,2 running')
  expect(seen).toContain('2 running')
  expect(seen.at(-1)).toBe('')
  expect(seen.some((line) => line.includes('succeeded'))).toBe(false)
})

test('a reaction that starts a task does not depend on the run', async () => {
  const { runner, worker } = run(handWritten())
  let times = 0
  const stop = autorun(() => {
    times++
    runner.start('a', []).cancel()
    runner.start('a', [])
  })
  await worker().next('start')
  expect(times).toBe(1)
  stop()
})

test('T9: what cannot be cloned fails the run at once, with its path, before the worker is ready and after', async () => {
  const { runner, worker } = run(handWritten(() => {}))
  const early = runner.start('a', [{ cb: () => {} }])
  expect(early.status).toBe('failed')
  worker().ready()
  const fine = runner.start('a', [1])
  await worker().next('start')
  const late = runner.start('a', [1, [() => {}]])
  expect(late.status).toBe('failed')
  for (const [failed, where] of [
    [early, 'args[0].cb'],
    [late, 'args[1][0]'],
  ] as const) {
    await expect(failed.done).rejects.toThrow(where)
    expect(failed.error).toBeInstanceOf(NotCloneableError)
  }
  expect([...runner.backgroundTasks]).toEqual([fine])
  expect(worker().received.filter(({ name }) => name === 'start')).toHaveLength(1)
})

test('T8: parts of state among the arguments arrive as plain data, wherever they stand', async () => {
  const { runner, worker } = run(handWritten(() => {}))
  const state = createReadOnlyView(shapeOf(defineState('viewed', () => ({ row: { id: 1 } }))), () => ({
    row: { id: 1 },
  }))
  const part = (state as { row: object }).row
  const cyclic: Record<string, unknown> = { part, list: [part], map: new Map([['k', part]]) }
  cyclic.self = cyclic
  runner.start('a', [cyclic])
  worker().ready()
  for (let i = 0; i < 2; i++) {
    const { payload } = await worker().next('start')
    const [got] = (payload as { args: [typeof cyclic] }).args
    expect(got).toMatchObject({ part: { id: 1 }, list: [{ id: 1 }], map: new Map([['k', { id: 1 }]]) })
    expect(got.self).toBe(got)
    if (i === 0) runner.start('a', [cyclic])
  }
})

test('a task that nobody serves fails with UnknownTaskError that lists those there are; without tasks at once', async () => {
  const { runner } = run(handWritten())
  await expect(runner.start('nope', []).done).rejects.toThrow('has no task "nope". Its workers serve: a, b.')
  const none = run()
  const failed = none.runner.start('a', [])
  expect(failed.error).toBeInstanceOf(UnknownTaskError)
  await expect(failed.done).rejects.toThrow('without tasks')
})

test('several sources: a run goes to the one that serves it, whichever is ready first', async () => {
  const first = handWritten(() => {})
  const second = handWritten((worker) => worker.ready(['b']))
  const { runner } = run(first, second)
  runner.start('b', [])
  runner.start('a', [])
  const nope = runner.start('nope', [])
  expect((await second.workers[0]?.next('start'))?.payload).toMatchObject({ name: 'b', args: [] })
  expect(runner.backgroundTasks.size).toBe(3)
  first.workers[0]?.ready(['a'])
  expect((await first.workers[0]?.next('start'))?.payload).toMatchObject({ name: 'a', args: [] })
  await expect(nope.done).rejects.toBeInstanceOf(UnknownTaskError)
})

test('T10, T16: an error arrives with its class; awaited it is not reported, else once', async () => {
  const { runner, worker, reports } = run(handWritten())
  const awaited = runner.start('a', [])
  const alone = runner.start('a', [])
  const done = expect(awaited.done).rejects.toBeInstanceOf(RangeError)
  await worker().next('start')
  fail(worker(), 1, new RangeError('one'))
  fail(worker(), 2, new TypeError('two'))
  await done
  await expect.poll(() => reports).toHaveLength(1)
  await turns()
  expect(reports).toHaveLength(1)
  expect(reports[0]?.error).toBeInstanceOf(TypeError)
  expect(reports[0]?.context).toEqual({ kind: 'task', name: 'a' })
  expect(alone.error).toBe(reports[0]?.error)
})

test('T11: cancelled before it started it never runs; the reason comes back untouched, and nobody is told otherwise', async () => {
  const { runner, worker, reports } = run(handWritten(() => {}))
  const reason = { why: 'no' }
  const first = runner.start('a', [])
  const second = runner.start('a', [])
  first.cancel(reason)
  first.cancel('again')
  second.cancel()
  expect(first.status).toBe('cancelled')
  worker().ready()
  const third = runner.start('a', [])
  expect((await worker().next('start')).args).toEqual([Number(third.id)])
  await expect(first.done).rejects.toBe(reason)
  await expect(second.done).rejects.toMatchObject({ name: 'AbortError' })
  await turns()
  expect(reports).toEqual([])
})

test('T11: cancelled while it runs: cancelling, the worker is told, and cancelled however it then settles', async () => {
  const { runner, worker, reports } = run(handWritten())
  for (const end of [settle, fail]) {
    const running = runner.start('a', [])
    await worker().next('start')
    running.cancel('stop')
    expect(running.status).toBe('cancelling')
    expect((await worker().next('cancel')).payload).toEqual({ reason: 'stop' })
    end(worker(), Number(running.id), new Error('late'))
    await expect(running.done).rejects.toBe('stop')
    expect(running.status).toBe('cancelled')
    running.cancel()
  }
  await turns()
  expect(reports).toEqual([])
})

test('T11: a deaf worker is ended after terminateAfter, its other runs fail, and the next task gets a new one', async () => {
  const { runner, worker, office } = run(handWritten((each) => each.ready(), { terminateAfter: 20 }))
  const deaf = runner.start('a', [])
  const other = runner.start('b', [])
  await worker().next('start')
  worker().request(1, Number(other.id), { ttl: 60_000 })
  await worker().granted()
  worker().answersProbes = false
  deaf.cancel('stop')
  await expect(other.done).rejects.toThrow(TaskCrashedError)
  await expect(deaf.done).rejects.toBe('stop')
  expect([deaf.status, other.status]).toEqual(['cancelled', 'failed'])
  expect((other.error as Error).message).toMatch('Task "b" was lost with its worker: task "a" was cancelled')
  expect(worker().terminated).toBe(true)
  expect(office.isFree()).toBe(true)
  runner.start('a', [])
  await worker(1).next('start')
})

test('T11: a task that ignores its signal is over after terminateAfter; the worker that answers and its other runs go on', async () => {
  const { runner, worker, office, reports, tree } = run(handWritten((each) => each.ready(), { terminateAfter: 20 }))
  const stubborn = runner.start('a', [])
  const other = runner.start('b', [])
  await worker().next('start')
  worker().request(1, Number(stubborn.id), { ttl: 60_000 })
  const epoch = await worker().granted()
  worker().request(2, Number(stubborn.id))
  await expect.poll(() => office.waiting).toHaveLength(1)
  stubborn.cancel('stop')
  expect(stubborn.status).toBe('cancelling')
  await expect(stubborn.done).rejects.toBe('stop')
  expect(stubborn.status).toBe('cancelled')
  expect([...runner.backgroundTasks]).toEqual([other])
  expect(office.isFree()).toBe(true)
  expect(await worker().error('refused')).toBeInstanceOf(LeaseReleasedError)
  expect(await worker().error('ended')).toBeInstanceOf(LeaseReleasedError)

  worker().commit(epoch, 0, true)
  expect(await worker().error('rejected')).toBeInstanceOf(LeaseReleasedError)
  worker().request(3, Number(stubborn.id))
  expect(await worker().error('refused')).toBeInstanceOf(LeaseReleasedError)
  settle(worker(), Number(stubborn.id), 'late')
  settle(worker(), Number(other.id), 'other')
  expect(await other.done).toBe('other')
  expect([stubborn.status, worker().terminated, tree.version]).toEqual(['cancelled', false, 0])
  expect(reports).toEqual([])
  const next = runner.start('a', [])
  await expect.poll(() => next.status).toBe('running')
  expect(worker(1)).toBeUndefined()
})

test('L8: a worker that hangs in its lease is ended, and its runs fail with TaskCrashedError', async () => {
  const { runner, worker, office } = run(handWritten())
  const hung = runner.start('a', [])
  await worker().next('start')
  worker().answersProbes = false
  worker().request(1, Number(hung.id))
  await expect(hung.done).rejects.toThrow('did not answer while it held the lease "lease 1"')
  expect(hung.error).toBeInstanceOf(TaskCrashedError)
  expect(worker().terminated).toBe(true)
  expect(office.isFree()).toBe(true)
})

test('T12: progress is observable', async () => {
  const { runner, worker } = run(handWritten())
  const running = runner.start('a', [])
  await worker().next('start')
  const seen: unknown[] = []
  const stop = autorun(() => void seen.push(running.progress))
  worker().link.send('progress', [1], { value: 1, total: 3, label: undefined })
  await expect.poll(() => seen).toEqual([undefined, { value: 1, total: 3 }])
  stop()
})

test('T14: a pool grows when its workers have runs, takes the one with the fewest, and keeps the order in each', async () => {
  const source = handWritten((worker) => worker.ready(), { size: 2 })
  const { runner } = run(source)
  for (let i = 0; i < 1000; i++) runner.start('a', [i])
  await expect.poll(() => source.workers.map(({ received }) => received.length)).toEqual([501, 501]) // and the welcome
  for (const { received } of source.workers) {
    const numbers = received.slice(1).map(({ args }) => args[0] as number)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  }
})

test('L19: a run is placed elsewhere than where the lease is held', async () => {
  const source = handWritten((worker) => worker.ready(), { size: 2 })
  const { runner } = run(source)
  for (let i = 0; i < 5; i++) runner.start('a', [])
  await expect.poll(() => source.workers).toHaveLength(2)
  const [first, second] = source.workers as [HandWrittenWorker, HandWrittenWorker]
  await first.next('start')
  await second.next('start')
  second.request(1, 2, { ttl: 60_000 })
  await second.granted()
  for (let i = 0; i < 3; i++) runner.start('b', [])
  await expect.poll(() => first.received.filter(({ name }) => name === 'start')).toHaveLength(6)
})

test('a worker that cannot be loaded is tried twice, then its runs fail; the next run tries again', async () => {
  const source = handWritten((worker) => {
    if (source.workers.length < 3) worker.events.error(new Error('boom'))
    else worker.ready()
  })
  const { runner, reports } = run(source)
  const first = runner.start('a', [])
  const second = runner.start('a', [])
  await expect(first.done).rejects.toThrow(/could not be loaded \(boom\).*404/)
  await expect(second.done).rejects.toThrow(WorkerLoadError)
  expect(source.workers.map(({ terminated }) => terminated)).toEqual([true, true])
  await runner.whenUp()
  const third = runner.start('a', [])
  await source.workers[2]?.next('start')
  expect(third.status).toBe('running')
  expect(reports).toEqual([])
})

test('a factory that throws fails the run with WorkerLoadError and its cause', async () => {
  const cause = new Error('SecurityError')
  const { runner } = run({
    open: () => {
      throw cause
    },
  })
  const failed = runner.start('a', [])
  expect(failed.status).toBe('starting')
  await expect(failed.done).rejects.toThrow(WorkerLoadError)
  expect((failed.error as Error).cause).toBe(cause)
})

test('a worker that is never ready fails its runs after readyTimeout and is ended', async () => {
  const { runner, worker } = run(handWritten(() => {}, { readyTimeout: 30 }))
  const failed = runner.start('a', [])
  await expect(failed.done).rejects.toThrow(WorkerStartTimeoutError)
  expect(worker().terminated).toBe(true)
})

test('a worker of another build fails its runs with VersionMismatchError, without a second try', async () => {
  const source = handWritten((worker) => worker.ready(['a'], 1, 99))
  const { runner } = run(source)
  await expect(runner.start('a', []).done).rejects.toThrow(VersionMismatchError)
  expect(source.workers).toHaveLength(1)
})

test('an error that is uncaught in a worker that is ready is reported, and the worker stays', async () => {
  const { runner, worker, reports } = run(handWritten())
  const running = runner.start('a', [])
  await worker().next('start')
  const error = new Error('uncaught')
  worker().events.error(error)
  expect(reports).toEqual([{ error, context: { kind: 'worker', name: 'counter' } }])
  expect(running.status).toBe('running')
})

test('T17: after a crash the next run gets a new worker', async () => {
  const { runner, worker, reports } = run(handWritten())
  const lost = runner.start('a', [])
  await worker().next('start')
  runner.crash()
  expect(lost.status).toBe('failed')
  await expect(lost.done).rejects.toThrow(TaskCrashedError)
  settle(worker(), 1)
  runner.start('a', [])
  await worker(1).next('start')
  expect(reports).toEqual([])
})

test('T15: dispose cancels what runs and waits, ends the workers, and later starts fail', async () => {
  const { runner, worker, reports } = run(handWritten())
  const running = runner.start('a', [])
  await worker().next('start')
  const waiting = run(handWritten(() => {}))
  const started = waiting.runner.start('a', [])
  const up = waiting.runner.whenUp()
  for (const each of [runner, waiting.runner]) {
    each.dispose()
    each.dispose()
  }
  await up
  expect([running.status, started.status]).toEqual(['cancelled', 'cancelled'])
  await expect(running.done).rejects.toThrow(StoreDisposedError)
  expect(worker().terminated).toBe(true)
  expect(runner.backgroundTasks.size).toBe(0)
  await expect(runner.start('a', []).done).rejects.toThrow(StoreDisposedError)
  await turns()
  expect(reports).toEqual([])
})

test('with({ signal }) ties a run to a signal, and lets go of it', async () => {
  const { runner, worker } = run(handWritten())
  const tasks = createTaskStarters<{ a(task: object): Promise<number> }>(runner)
  const controller = new AbortController()
  const first = tasks.with({ signal: controller.signal }).a()
  const ended = tasks.with({ signal: controller.signal }).a()
  await worker().next('start')
  settle(worker(), Number(ended.id), 7)
  expect(await ended.done).toBe(7)
  controller.abort('enough')
  expect(first.status).toBe('cancelling')
  expect(ended.status).toBe('succeeded')
  const never = tasks.with({ signal: controller.signal }).a()
  expect(never.status).toBe('cancelled')
  await expect(never.done).rejects.toBe('enough')
})

test('T20: awaiting, printing and comparing store.tasks starts nothing, and names give the same starter', async () => {
  const { runner } = run(handWritten())
  const names: string[] = []
  const tasks = createTaskStarters<{ a(task: object): Promise<void> }>(runner, (name) => {
    names.push(name)
    if (name === 'forbidden') throw new LeaseholdError('not here')
  })
  expect(await tasks).toBe(tasks)
  expect(tasks).toEqual({})
  expect(() => expect(tasks).toEqual({ a: 1 })).toThrow()
  expect(String(tasks)).toBe('[object Object]')
  expect(JSON.stringify(tasks)).toBe('{}')
  expect(Object.keys(tasks)).toEqual([])
  const { inspect } = await import('node:util')
  inspect(tasks, { showProxy: true })
  inspect(tasks)
  expect(runner.backgroundTasks.size).toBe(0)
  expect(names).toEqual([])
  expect(tasks.a).toBe(tasks.a)
  const other = tasks as unknown as Record<string, () => unknown>
  expect(() => other.forbidden?.()).toThrow('not here')
  expect(Reflect.set(tasks, 'a', 1)).toBe(false)
  expect(tasks.a().status).toBe('starting')
  expect(names).toEqual(['forbidden', 'a'])
})
