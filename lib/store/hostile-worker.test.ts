import { afterEach, expect, test, vi } from 'vitest'
import { WorkerLoadError } from '../errors.js'
import { createStore, defineState } from '../index.js'
import { PROTOCOL_VERSION } from '../protocol/messages.js'
import { toWireError } from '../protocol/wire-error.js'
import type { HandWrittenWorker } from './fixtures/hand-written-worker.js'
import { handWritten } from './fixtures/hand-written-worker.js'
import type { WorkerHandle } from './worker-tasks.js'
import { workerTasks } from './worker-tasks.js'

/* A worker that fails without end, or says what no worker says, costs the page a bounded amount of everything. */

const opened: { dispose(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.dispose()
})

const state = defineState(
  'counter',
  () => ({ counter: 0, rows: [] as unknown[], record: {} as Record<string, unknown> }),
  {
    version: 3,
  },
)

async function connect() {
  const source = handWritten()
  const reported: unknown[] = []
  const store = createStore(state, {
    tasks: source,
    onError: (error) => reported.push(error),
    events: {
      put(draft, value: unknown) {
        draft.record.put = value
      },
    },
  })
  void (store.tasks as unknown as { a(): { done: Promise<unknown> } }).a().done.catch(() => {})
  const worker = source.workers[0] as HandWrittenWorker
  opened.push({ dispose: () => store.dispose().then(() => worker.close()) })
  await worker.next('start')
  return { store, worker, reported }
}

test('of the errors that a worker reports without end, a hundred reach onError', async () => {
  const { worker, reported } = await connect()
  for (let i = 0; i < 300; i++) worker.link.send('report', [], toWireError(new Error(`${i}`)))
  worker.request(1, 1)
  await worker.granted()
  expect(reported).toHaveLength(100)
})

test('a value in very many places ends its lease and no more, in a batch and as the argument of an event', async () => {
  const { store, worker, reported } = await connect()
  let value: unknown = 1
  for (let i = 0; i < 60; i++) value = [value, value]
  worker.request(1, 1)
  worker.commit(await worker.granted(), 0, true, [{ op: 'set', path: ['record', 'x'], value }])
  expect(await worker.error('rejected')).toMatchObject({ name: 'NotCloneableError' })
  worker.link.send('launch', [1, 1], { kind: 'event', name: 'put', args: [value] })
  expect((await worker.next('launched')).payload).toBeUndefined()
  await vi.waitFor(() => expect(reported).toHaveLength(1))
  expect(reported[0]).toMatchObject({ name: 'NotCloneableError' })
  expect([store.version, store.line.holder]).toEqual([0, undefined])
})

/** The channel of a worker, without a worker. */
class FakeWorker extends EventTarget {
  readonly posted: { readonly port: MessagePort }[] = []
  postMessage(message: { readonly port: MessagePort }): void {
    this.posted.push(message)
  }
  terminate(): void {}
  says(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }))
  }
}

function open() {
  const worker = new FakeWorker()
  const handle: WorkerHandle = workerTasks(() => worker as unknown as Worker).open('counter')
  const ports: MessagePort[] = []
  const errors: Error[] = []
  handle.connect({ port: (port) => ports.push(port), error: (error) => errors.push(error) })
  opened.push({
    dispose() {
      handle.terminate()
      for (const port of [...ports, ...worker.posted.map((message) => message.port)]) port.close()
    },
  })
  return { worker, ports, errors }
}

test('a worker is given one port, however often it says that it serves', () => {
  const { worker, ports, errors } = open()
  for (let i = 0; i < 5; i++) worker.says({ leasehold: 'serve', protocol: PROTOCOL_VERSION, state: 'counter' })
  worker.says({ leasehold: 'serve', protocol: 99, state: 'counter' })
  expect([ports.length, worker.posted.length, errors.length]).toEqual([1, 1, 0])
})

test('a protocol that is no number is refused like any other, and not written out', () => {
  const { worker, ports, errors } = open()
  worker.says({ leasehold: 'serve', protocol: { toString: 1 }, state: 'counter' })
  worker.says({ leasehold: 'serve', protocol: 'x'.repeat(1e6), state: 'counter' })
  expect(ports).toEqual([])
  expect(errors).toHaveLength(2)
  for (const { message } of errors) expect(message.length).toBeLessThan(1_000)
})

test('of the uncaught errors of a worker that fails without end, a hundred are told', () => {
  const { worker, errors } = open()
  for (let i = 0; i < 300; i++) worker.dispatchEvent(new Event('error', { cancelable: true }))
  expect(errors).toHaveLength(100)
  expect(errors[0]).not.toBeInstanceOf(WorkerLoadError)
})
