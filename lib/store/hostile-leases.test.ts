import { reaction } from 'mobx'
import { afterEach, describe, expect, test } from 'vitest'
import { createStore, defineState } from '../index.js'
import type { HandWrittenWorker } from './fixtures/hand-written-worker.js'
import { handWritten } from './fixtures/hand-written-worker.js'

/* A worker that says of its leases what it likes: what is no right of its lease is refused whole. */

const state = defineState('counter', () => ({ counter: 0, text: '', rows: [] as object[], other: { deep: 1 } }), {
  version: 3,
})

const stores: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.dispose()
})

async function create() {
  const source = handWritten()
  const reported: unknown[] = []
  const store = createStore(state, {
    tasks: source,
    onError: (error) => reported.push(error),
    events: {
      log(draft, text: string) {
        draft.text = text
      },
    },
  })
  stores.push(store)
  const tasks = store.tasks as unknown as { a(): unknown }
  tasks.a()
  await store.ready
  const worker = source.workers[0] as HandWrittenWorker
  await worker.next('start')
  return { store, worker, reported, run: 1 }
}

describe('a batch outside the scope of its lease', () => {
  test.each([
    ['a field', { op: 'set', path: ['text'], value: 'x' }],
    ['something deep in one', { op: 'set', path: ['other', 'deep'], value: 2 }],
    [
      'a reference to one',
      { op: 'splice', path: ['rows'], index: 0, remove: 0, values: [undefined], refs: [{ at: [0], from: ['other'] }] },
    ],
  ])('L15: is refused whole, and ends the lease: %s', async (_, mutation) => {
    const { store, worker, run, reported } = await create()
    worker.request(1, run, { scope: ['rows', 'counter'] })
    const epoch = await worker.granted()
    worker.commit(epoch, 0, true, [{ op: 'set', path: ['counter'], value: 5 }, mutation])
    expect(await worker.error('rejected')).toMatchObject({ code: 'OUT_OF_SCOPE' })
    expect(store.version).toBe(0)
    expect(store.line.holder).toBeUndefined()
    expect(reported).toEqual([])
  })
})

describe('a worker that asks to run again', () => {
  test('L16: what was not revoked, or was asked for again before, is refused, and the line goes on', async () => {
    const { store, worker, run, reported } = await create()
    worker.request(1, run)
    const epoch = await worker.granted()
    worker.request(2, run, { again: epoch }) // it is held
    worker.request(3, run, { again: 77 })
    store.set.text('urgent')
    expect(await worker.error('ended')).toMatchObject({
      code: 'LEASE_REVOKED',
      message: expect.stringContaining('set.text'),
    })
    worker.request(4, run, { again: epoch })
    const second = await worker.granted()
    worker.request(5, run, { again: epoch })
    worker.commit(second, 0, true)
    await worker.next('committed')
    expect(store.state.counter).toBe(1)
    expect(reported.map(String)).toEqual(Array(3).fill(expect.stringMatching(/no lease \d+ of this run was revoked/)))
  })

  test('L16: cannot be revoked more than three times running, whatever it claims', async () => {
    const { store, worker, run } = await create()
    worker.request(1, run)
    let epoch = await worker.granted()
    for (let i = 2; i <= 4; i++) {
      expect(store.set.counter(i).ran).toBe(true)
      worker.request(i, run, { again: epoch, revocable: true })
      epoch = await worker.granted()
    }
    const fourth = store.set.counter(5)
    expect(fourth.ran).toBe(false)
    worker.commit(epoch, 0, true, [{ op: 'set', path: ['text'], value: 'let finish' }])
    await fourth
    expect(store.snapshot()).toMatchObject({ counter: 5, text: 'let finish' })
  })

  test('L9 L16: a batch of the revoked epoch is refused, also while the function runs again', async () => {
    const { store, worker, run } = await create()
    worker.request(1, run)
    const epoch = await worker.granted()
    store.set.text('urgent')
    worker.request(2, run, { again: epoch })
    const second = await worker.granted()
    worker.commit(epoch, 0, true)
    expect(await worker.error('rejected')).toMatchObject({ code: 'LEASE_REVOKED' })
    expect(store.state.counter).toBe(0)
    worker.commit(second, 0, true)
    await worker.next('committed')
    expect(store.state.counter).toBe(1)
  })

  test('L16: a batch that is being committed is not taken back by what its reactions fire', async () => {
    const { store, worker, run } = await create()
    const ran: boolean[] = []
    const stop = reaction(
      () => store.state.counter,
      () => void ran.push(store.set.text('urgent').ran),
    )
    worker.request(1, run)
    worker.commit(await worker.granted(), 0, true)
    await worker.next('committed')
    expect(ran).toEqual([false])
    expect(worker.received.map(({ name }) => name)).not.toContain('ended')
    expect(store.snapshot()).toMatchObject({ counter: 1, text: 'urgent' })
    expect(store.version).toBe(2)
    stop()
  })
})

test('T15 T18: what leaves with a commit that makes a reaction dispose of the store is dropped without a report', async () => {
  const { store, worker, run, reported } = await create()
  const stop = reaction(
    () => store.state.counter,
    () => void store.dispose(),
  )
  worker.request(1, run)
  const specs = [{ kind: 'event', name: 'log', args: ['never'] }]
  const mutations = [{ op: 'set', path: ['counter'], value: 1 }] as const
  worker.link.send('commit', [await worker.granted(), 0, true], { mutations, specs })
  await expect.poll(() => store.version).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 5)) // a report comes two turns later
  expect(store.state.text).toBe('')
  expect(reported).toEqual([])
  stop()
})
