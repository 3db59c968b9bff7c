import { afterEach, expect, test } from 'vitest'
import {
  InvalidMutationError,
  LeaseExpiredError,
  LeaseReleasedError,
  LeaseTimeoutError,
  VersionMismatchError,
} from '../errors.js'
import { fromWireError, toWireError } from '../protocol/wire-error.js'
import { pageClock } from './clock.js'
import { HandWrittenWorker, setCounter } from './fixtures/hand-written-worker.js'
import { createTestCore } from './fixtures/test-core.js'
import { WorkerConnection } from './worker-connection.js'
import type { ConnectedRun } from './worker-leases.js'

const opened: { close(): void }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

type Core = ReturnType<typeof createTestCore>

function connect(shared: Core = createTestCore()) {
  const { port1, port2 } = new MessageChannel()
  const log: string[] = []
  const failures: Error[] = []
  const runs = new Map<number, ConnectedRun>()
  const run = (number: number, name = 'import') => {
    const connected: ConnectedRun = {
      number,
      id: String(number),
      name,
      args: [],
      attempt: 1,
      progressed: (progress) => void log.push(`progress ${JSON.stringify(progress)}`),
      settled: (outcome) => void log.push(`settled ${number} ${outcome.ok}`),
    }
    runs.set(number, connected)
    return connected
  }
  const connection = new WorkerConnection({
    core: shared.core,
    clock: pageClock,
    port: port1,
    runs,
    ready: (tasks) => void log.push(`ready ${tasks.map(({ name }) => name).join(' ')}`),
    failed: (error) => void failures.push(error),
    unresponsive: (lease) => void log.push(`unresponsive ${lease}`),
  })
  const worker = new HandWrittenWorker(port2, { port() {}, error() {} })
  opened.push(connection, worker)
  return { ...shared, connection, worker, run, runs, log, failures }
}

async function welcomed(shared?: Core) {
  const all = connect(shared)
  all.run(1)
  all.worker.ready()
  await all.worker.next('welcome')
  return all
}

/** Everything that the worker has sent is dealt with. */
const flushed = (connection: WorkerConnection) => connection.probe()

test('a worker that is ready gets token and state, and says its tasks', async () => {
  const { worker, log } = connect()
  worker.ready(['a', 'b'])
  const { args, payload } = await worker.next('welcome')
  expect(args).toEqual([0])
  expect(payload).toEqual({ token: 'token', root: { counter: 0, rows: [] } })
  expect(log).toEqual(['ready a b'])
})

test('a worker of another protocol, state or version is refused with VersionMismatchError', async () => {
  for (const [protocol, version, state] of [
    [99, 3, 'counter'],
    [1, 4, 'counter'],
    [1, 3, 'other'],
  ] as const) {
    const { worker, failures, connection } = connect()
    worker.ready(['a'], protocol, version, state)
    await flushed(connection)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toBeInstanceOf(VersionMismatchError)
    expect(worker.received).toEqual([])
  }
})

test('nothing is done for a worker that was not welcomed', async () => {
  const { worker, connection, run, office, log, reports } = connect()
  run(1)
  worker.request(1, 1)
  worker.link.send('refresh', [2, 0])
  worker.link.send('progress', [1], { value: 1, total: undefined, label: undefined })
  worker.link.send('settled', [1], { ok: true, value: 1 })
  await flushed(connection)
  expect(office.isFree()).toBe(true)
  expect(log).toEqual([])
  expect(worker.received).toEqual([])
  expect(reports).toHaveLength(4)
})

test('L1: a lease is granted with the changes since the worker was last sent some, and its batch is one commit', async () => {
  const { worker, tree, office, commits, core } = await welcomed()
  core.commitBatch([{ op: 'set', path: ['counter'], value: 5 }], { kind: 'event', name: 'e' })
  worker.request(7, 1)
  const { args, payload } = await worker.next('granted')
  expect(args).toEqual([7, 1, 1, 0])
  expect(payload).toMatchObject({ kind: 'batches', batches: [[setCounter(5)]] })
  expect(office.holders[0]?.request.name).toBe('lease 7')
  worker.commit(1, 0, true, [setCounter(6)])
  expect((await worker.next('committed')).args).toEqual([1, 0, 2, 1])
  expect(tree.root.counter).toBe(6)
  expect(office.isFree()).toBe(true)
  expect(commits.at(-1)).toEqual({ kind: 'task', name: 'import', runId: '1' })
  worker.request(8, 1)
  expect((await worker.next('granted')).args).toEqual([8, 2, 2, 2])
})

test('L10: a batch that comes twice is applied once and answered twice', async () => {
  const { worker, tree } = await welcomed()
  worker.request(1, 1)
  const epoch = await worker.granted()
  for (const last of [false, false, true, true]) worker.commit(epoch, last ? 1 : 0, last, [setCounter(last ? 2 : 1)])
  for (const answer of [
    [epoch, 0, 1, 0],
    [epoch, 0, 1, 0],
    [epoch, 1, 2, 1],
    [epoch, 1, 2, 1],
  ]) {
    expect((await worker.next('committed')).args).toEqual(answer)
  }
  expect(tree.version).toBe(2)
})

test('L9: a late batch of an old epoch is refused, also from the worker that holds a newer lease', async () => {
  const { worker, tree, office } = await welcomed()
  worker.request(1, 1)
  const old = await worker.granted()
  worker.link.send('rollback', [old])
  worker.request(2, 1)
  const epoch = await worker.granted()
  worker.commit(old, 0, true, [setCounter(9)])
  expect(await worker.error('rejected')).toBeInstanceOf(LeaseReleasedError)
  expect(office.holds(epoch)).toBe(true)
  worker.commit(epoch, 0, true, [setCounter(1)])
  await worker.next('committed')
  expect(tree.root.counter).toBe(1)
})

test('L9: a batch under an epoch that another worker holds is refused', async () => {
  const shared = createTestCore()
  const first = await welcomed(shared)
  const second = await welcomed(shared)
  first.worker.request(1, 1)
  const epoch = await first.worker.granted()
  second.worker.commit(epoch, 0, true)
  second.worker.link.send('rollback', [epoch])
  expect(await second.worker.error('rejected')).toBeInstanceOf(LeaseReleasedError)
  expect(shared.tree.version).toBe(0)
  expect(shared.office.holds(epoch)).toBe(true)
})

test('L6: a lease that expires is ended with LeaseExpiredError, its late batch rejected with it, and the next goes on', async () => {
  const { worker, office, tree } = await welcomed(createTestCore({ ttlMs: 40 }))
  worker.request(1, 1)
  worker.request(2, 1, { ttl: 5000 })
  const epoch = await worker.granted()
  const error = await worker.error('ended')
  expect(error).toBeInstanceOf(LeaseExpiredError)
  expect((error as Error).message).toMatch('Its own task was waiting for a lease')
  worker.commit(epoch, 0, true)
  expect(await worker.error('rejected')).toBeInstanceOf(LeaseExpiredError)
  expect(tree.version).toBe(0)
  expect(office.holders[0]?.request.name).toBe('lease 2')
})

test('L13: a batch that is not the last one is shown and renews the ttl', async () => {
  const { worker, tree, office } = await welcomed(createTestCore({ ttlMs: 200 }))
  worker.request(1, 1)
  const epoch = await worker.granted()
  for (let sequence = 0; sequence < 4; sequence++) {
    await new Promise<void>((resolve) => setTimeout(resolve, 120))
    worker.commit(epoch, sequence, false, [setCounter(sequence)])
    await worker.next('committed')
  }
  expect(tree.root.counter).toBe(3)
  expect(office.holds(epoch)).toBe(true)
  worker.link.send('rollback', [epoch])
})

test('L8: a holder that does not answer loses its lease, and the pool is told', async () => {
  const { worker, office, log, connection } = await welcomed(createTestCore({ ttlMs: 40 }))
  worker.answersProbes = false
  worker.request(1, 1)
  await worker.granted()
  await expect.poll(() => log, { timeout: 2000 }).toContain('unresponsive lease 1')
  expect(office.isFree()).toBe(true)
  expect(connection.holdsLease).toBe(false)
})

test('L11: ifAvailable and timeout refuse, a withdrawal leaves the line, and one that crosses its grant ends the lease', async () => {
  const { worker, office, connection } = await welcomed()
  worker.request(1, 1)
  await worker.granted()
  worker.request(2, 1, { ifAvailable: true })
  expect((await worker.next('refused')).payload).toBe(undefined)
  worker.request(3, 1, { timeout: 10 })
  expect(await worker.error('refused')).toBeInstanceOf(LeaseTimeoutError)
  worker.request(4, 1)
  worker.link.send('withdraw', [4])
  await flushed(connection)
  expect(office.waiting).toEqual([])
  worker.link.send('withdraw', [1])
  await flushed(connection)
  expect(office.isFree()).toBe(true)
})

test('a bad option of a lease refuses it, with an error that names it', async () => {
  const { worker, office, reports } = await welcomed()
  worker.request(1, 1, { ttl: -1 })
  expect(((await worker.error('refused')) as Error).message).toMatch('ttl')
  expect(office.isFree()).toBe(true)
  expect(reports).toEqual([])
})

test('L4: a batch that does not fit is rejected whole and ends its lease; the task hears of it, onError does not', async () => {
  const { worker, tree, office, reports } = await welcomed()
  worker.request(1, 1)
  const epoch = await worker.granted()
  worker.commit(epoch, 0, false, [setCounter(1), { op: 'set', path: ['nope'], value: 1 }])
  expect(await worker.error('rejected')).toBeInstanceOf(InvalidMutationError)
  expect(tree.root.counter).toBe(0)
  expect(office.isFree()).toBe(true)
  expect(reports).toEqual([])
  worker.commit(epoch, 1, true)
  expect(await worker.error('rejected')).toBeInstanceOf(LeaseReleasedError)
})

test('a malformed batch is rejected, ends its lease, changes nothing, and is reported', async () => {
  const { worker, tree, office, reports } = await welcomed()
  for (const [request, batch] of [
    [1, 'x'],
    [2, [{ op: 'set', path: [], value: 1 }]],
    [3, [null]],
  ] as const) {
    worker.request(request, 1)
    const epoch = await worker.granted()
    worker.commit(epoch, 0, true, batch)
    expect(await worker.error('rejected')).toBeInstanceOf(InvalidMutationError)
  }
  worker.request(4, 1)
  const epoch = await worker.granted()
  worker.commit(epoch, 1, true) // batch 0 is missing
  expect(await worker.error('rejected')).toBeInstanceOf(InvalidMutationError)
  expect(tree.version).toBe(0)
  expect(office.isFree()).toBe(true)
  expect(reports).toHaveLength(4)
})

test('a batch that names a prototype is rejected as one that does not fit: it ends its lease and is not reported', async () => {
  const { worker, tree, office, reports } = await welcomed()
  for (const [request, path] of [
    [1, ['__proto__', 'a']],
    [2, ['constructor', 'prototype', 'a']],
    [3, ['rows', '__proto__']],
  ] as const) {
    worker.request(request, 1)
    worker.commit(await worker.granted(), 0, true, [{ op: 'set', path, value: 1 }])
    expect(await worker.error('rejected')).toBeInstanceOf(InvalidMutationError)
  }
  expect(tree.version).toBe(0)
  expect(office.isFree()).toBe(true)
  expect(Reflect.get({}, 'a')).toBeUndefined()
  expect(reports).toEqual([])
})

test('refresh gives the changes since the version that the worker names', async () => {
  const { worker, core, connection, reports } = await welcomed()
  core.commitBatch([{ op: 'set', path: ['counter'], value: 5 }], { kind: 'event', name: 'e' })
  worker.link.send('refresh', [1, 0])
  const { args, payload } = await worker.next('refreshed')
  expect(args).toEqual([1, 1, 0])
  expect(payload).toMatchObject({ batches: [[setCounter(5)]] })
  worker.link.send('refresh', [2, 99])
  await flushed(connection)
  expect(reports).toHaveLength(1)
})

test('a run that settles leaves no lease and no place in the line behind, and is told once', async () => {
  const { worker, office, log, run, connection } = await welcomed()
  run(2)
  worker.request(1, 1)
  await worker.granted()
  worker.request(2, 1)
  worker.request(3, 2)
  worker.link.send('settled', [1], { ok: true, value: undefined })
  expect(await worker.error('refused')).toBeInstanceOf(LeaseReleasedError)
  expect(await worker.error('ended')).toBeInstanceOf(LeaseReleasedError)
  expect((await worker.next('granted')).args[0]).toBe(3)
  expect(log.at(-1)).toBe('settled 1 true')
  worker.link.send('settled', [1], { ok: true, value: undefined })
  await flushed(connection)
  expect(log.filter((line) => line.startsWith('settled'))).toHaveLength(1)
  expect(office.holders[0]?.request.name).toBe('lease 3')
})

test('L5: when the worker ends, its lease and its places in the line end, and nothing of it is granted on the way', async () => {
  const shared = createTestCore()
  const first = await welcomed(shared)
  const second = await welcomed(shared)
  for (const id of [1, 2, 3]) first.worker.request(id, 1)
  await first.worker.granted()
  second.worker.request(1, 1)
  await flushed(second.connection)
  first.connection.close()
  first.worker.commit(1, 0, true) // too late
  expect((await second.worker.next('granted')).args[1]).toBe(2)
  expect(shared.office.waiting).toEqual([])
  expect(shared.tree.version).toBe(0)
})

test('progress, reports and answers get through; an error that belongs to no run is reported', async () => {
  const { worker, connection, log, reports } = await welcomed()
  worker.link.send('progress', [1], { value: 1, total: 2, label: undefined })
  worker.link.send('report', [], toWireError(new RangeError('unhandled')))
  expect(await connection.answers(1000)).toBe(true)
  expect(log.at(-1)).toBe('progress {"value":1,"total":2}')
  expect(reports[0]?.error).toBeInstanceOf(RangeError)
  expect(reports[0]?.context).toEqual({ kind: 'worker', name: 'counter' })
  worker.answersProbes = false
  expect(await connection.answers(20)).toBe(false)
})

test('a hundred malformed messages, and the worker is given up', async () => {
  const { worker, failures } = await welcomed()
  for (let i = 0; i < 100; i++) worker.link.send('refresh', [1, -1])
  await expect.poll(() => failures).toHaveLength(1)
})

test('T11: a reason to cancel crosses as a value, or as an error with its class', async () => {
  const { worker, connection, run } = await welcomed()
  connection.cancel(run(2), { why: 'stop' })
  expect((await worker.next('cancel')).payload).toEqual({ reason: { why: 'stop' } })
  connection.cancel(run(3), new LeaseTimeoutError('x'))
  const { error } = (await worker.next('cancel')).payload as { error: unknown }
  expect(fromWireError(error)).toBeInstanceOf(LeaseTimeoutError)
  connection.cancel(run(4), () => {})
  expect((await worker.next('cancel')).payload).toHaveProperty('error')
})
