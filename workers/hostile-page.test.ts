import { afterEach, expect, test } from 'vitest'
import { defineState } from '../lib/state/define-state.js'
import { call } from '../lib/store/fixtures/hostile-messages.js'
import { callOf } from '../lib/store/fixtures/wire.js'
import { serveOn, serveTasks } from './serve-tasks.js'

/* A page that answers without sense leaves no promise of a task pending, and none rejected that nobody has. */

const definition = defineState('counter', () => ({ counter: 0 }))

const outcomes: string[] = []
const note = (name: string) => (error: unknown) => void outcomes.push(`${name}: ${String(error)}`)

const served = serveTasks(definition, {
  async lease(task) {
    const increment = task.lease((state) => {
      state.counter += 1
    })
    await increment.then(() => outcomes.push('lease: applied'), note('lease'))
  },
  async flush(task) {
    const flush = task.lease(async (state, lease) => {
      state.counter += 1
      await lease.flush()
    })
    await flush.then(() => outcomes.push('flush: applied'), note('flush'))
  },
  async two(task) {
    const increment = () => task.lease((state) => void state.counter++)
    const both = ['one', 'two'].map((name) => increment().then(() => outcomes.push(`${name}: applied`), note(name)))
    await Promise.all(both)
  },
  async refresh(task) {
    await task.refresh().then(() => outcomes.push('refresh: done'), note('refresh'))
  },
})

const opened: { close(): void }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) one.close()
  await new Promise((resolve) => setImmediate(resolve)) // what was cancelled says so
  outcomes.length = 0
})

/** A page of raw messages: `answers` says what it sends for what it hears. */
function serve(task: string, answers: Readonly<Record<string, readonly unknown[]>>) {
  const { port1, port2 } = new MessageChannel()
  const heard: string[] = []
  port1.addEventListener('message', ({ data }) => {
    const name = callOf(data)?.name
    if (name === undefined) return
    heard.push(name)
    for (const answer of answers[name] ?? []) port1.postMessage(answer)
  })
  port1.start()
  const worker = serveOn(served, port2)
  opened.push(worker, { close: () => port1.close() })
  port1.postMessage(call('welcome', [1], { token: 't', root: { counter: 0 } }))
  port1.postMessage(call('start', [1], { name: task, args: [] }))
  return { worker, heard }
}

const granted = call('granted', [1, 7, 1, 1], { kind: 'none' })
const nonsense = { kind: 'nonsense' }

test.each([
  ['changes of no kind', call('committed', [7, 0, 3, 1], nonsense)],
  ['no version', call('committed', [7, 0, Number.NaN, 1])],
  [
    'changes that lead nowhere',
    call('committed', [7, 0, 3, 1], {
      kind: 'batches',
      batches: [[{ op: 'set', path: ['a', 'b'], value: 1 }]],
      whole: [],
    }),
  ],
])('a batch is said to be applied with %s: the lease fails, and the page is told', async (_what, committed) => {
  for (const task of ['lease', 'flush']) {
    const { heard } = serve(task, { request: [granted], commit: [committed] })
    await expect.poll(() => outcomes).toHaveLength(1)
    expect(outcomes.splice(0)[0]).toMatch(/^(lease|flush): (TypeError|InvalidMutationError)/)
    await expect.poll(() => heard).toContain('report')
  }
})

test('the same for a batch that nobody has sent: the page is told, and nothing is rejected unseen', async () => {
  const { heard } = serve('refresh', { refresh: [call('committed', [99, 0, 3, 1], nonsense)] })
  await expect.poll(() => heard).toContain('report')
})

test('a refresh that is answered with nonsense fails', async () => {
  serve('refresh', { refresh: [call('refreshed', [1, 2, 1], nonsense)] })
  await expect
    .poll(() => outcomes)
    .toEqual(['refresh: TypeError: changes: their kind is not known, or a part is missing.'])
})

test('a lease whose worker cannot be brought up to date is rolled back', async () => {
  const ahead = call('granted', [1, 7, 5, 4], { kind: 'none' }) // the worker has version 1, so it asks
  const { heard } = serve('lease', { request: [ahead], refresh: [call('refreshed', [1, 5, 1], nonsense)] })
  await expect.poll(() => outcomes).toHaveLength(1)
  expect(outcomes[0]).toMatch(/^lease: TypeError/)
  await expect.poll(() => heard).toContain('rollback')
})

test('a worker that is closed leaves no lease pending whose batch was on its way', async () => {
  const { worker, heard } = serve('lease', { request: [granted] })
  await expect.poll(() => heard).toContain('commit')
  worker.close()
  await expect.poll(() => outcomes).toHaveLength(1)
  expect(outcomes[0]).toMatch(/^lease: AbortError/)
})

test('an epoch that is granted twice is refused, and no lease is forgotten when the worker is closed', async () => {
  const again = call('granted', [2, 7, 1, 1], { kind: 'none' })
  const { worker, heard } = serve('two', { commit: [again], request: [granted] })
  await expect.poll(() => heard.filter((name) => name === 'report').length).toBeGreaterThan(0)
  worker.close()
  await expect.poll(() => outcomes).toHaveLength(2)
  for (const outcome of outcomes) expect(outcome).toMatch(/^(one|two): AbortError/)
})
