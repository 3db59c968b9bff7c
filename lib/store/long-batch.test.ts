import { autorun } from 'mobx'
import { afterEach, expect, test } from 'vitest'
import type { Commit } from '../index.js'
import { defineState } from '../index.js'
import { FakeClock } from './fixtures/fake-clock.js'
import type { HandWrittenWorker } from './fixtures/hand-written-worker.js'
import { handWritten } from './fixtures/hand-written-worker.js'
import { PageStore } from './page-store.js'

/* A batch that takes several turns: what may happen between them, and what is seen of it. */

const ROWS = 10
const state = defineState(
  'counter',
  () => ({ counter: 0, text: '', box: {}, rows: Array.from({ length: ROWS }, (_, id) => ({ id, n: 0 })) }),
  { version: 3 },
)

/** Turns are run by hand. */
class TurnByTurn extends FakeClock {
  readonly turns: (() => void)[] = []

  override turn(run: () => void): void {
    this.turns.push(run)
  }

  next(): void {
    this.turns.shift()?.()
  }
}

const stores: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of stores.splice(0)) await store.dispose()
})

async function create(options: { readonly ttl?: number } = {}) {
  const source = handWritten()
  const clock = new TurnByTurn()
  const reported: unknown[] = []
  const events = {
    log(draft: { text: string }, text: string) {
      draft.text += text
    },
  }
  const store = new PageStore(
    state,
    {
      tasks: source,
      events: events as never,
      lease: { ttl: options.ttl ?? 10_000 },
      onError: (error: unknown) => reported.push(error),
    },
    clock,
    { mutationsPerTurn: 4 },
  )
  stores.push(store)
  ;(store.tasks as { a(): unknown }).a()
  await store.ready
  const worker = source.workers[0] as HandWrittenWorker
  await worker.next('start')
  const shown: string[] = []
  const dispose = autorun(() => {
    const { rows } = store.state as { rows: { n: number }[] }
    shown.push(rows.map(({ n }) => n).join(''))
  })
  stores.push({ dispose: async () => dispose() })
  return { store, worker, clock, reported, shown, events: store.events as { log(text: string): { ran: boolean } } }
}

const writes = (count = ROWS, value = 1): object[] =>
  Array.from({ length: count }, (_, i) => ({ op: 'set', path: ['rows', i, 'n'], value }))

/** Waits until the first turn has been taken and the next is due. */
const begun = ({ turns }: TurnByTurn) => expect.poll(() => turns.length).toBe(1)

test('S2 S7: is seen whole, in one reaction, after its last turn; an event in the meantime waits', async () => {
  const { store, worker, clock, shown, events } = await create()
  const commits: Commit[] = []
  store.onCommit((commit) => commits.push(commit))
  worker.request(1, 1)
  worker.commit(await worker.granted(), 0, true, writes())
  await begun(clock)
  expect(events.log('later').ran).toBe(false)
  clock.next()
  expect(shown).toEqual(['0'.repeat(ROWS)])
  expect(store.version).toBe(0)
  clock.next()
  expect(shown).toEqual(['0'.repeat(ROWS), '1'.repeat(ROWS)])
  expect((await worker.next('committed')).args).toEqual([1, 0, 1, 0])
  expect(store.version).toBe(2)
  expect(store.snapshot()).toMatchObject({ text: 'later' })
  expect(commits[0]?.mutations).toEqual(writes())
  expect(commits[0]?.inverse).toEqual(writes(ROWS, 0).reverse())
})

const column = (value: number, { first = 0, field = 'n' } = {}): object => {
  const indexes = Uint32Array.from({ length: ROWS }, (_, i) => first + i)
  return { op: 'column', path: ['rows'], field, indexes, values: new Int32Array(ROWS).fill(value) }
}

test('S2 S7: columns are seen whole, after the last turn; who hears of commits is shown the mutations that they stand for', async () => {
  const { store, worker, clock, shown } = await create()
  const commits: Commit[] = []
  store.onCommit((commit) => commits.push(commit))
  worker.request(1, 1)
  worker.commit(await worker.granted(), 0, true, [column(1), column(2), column(3), column(4), ...writes(1, 5)])
  await begun(clock)
  expect(shown).toEqual(['0'.repeat(ROWS)])
  while (clock.turns.length > 0) clock.next()
  expect(shown).toEqual(['0'.repeat(ROWS), `5${'4'.repeat(ROWS - 1)}`])
  expect(store.version).toBe(1)
  const all = [1, 2, 3, 4].flatMap((value) => writes(ROWS, value))
  expect(commits[0]?.mutations).toEqual([...all, ...writes(1, 5)])
  await store.apply(commits[0]?.inverse ?? [])
  expect(shown.at(-1)).toBe('0'.repeat(ROWS))
})

test.each([
  ['an index that no row has', column(9, { first: 1 }), /rows\[10\]/],
  ['a key that leads to a prototype', column(9, { field: '__proto__' }), /__proto__/],
  ['fields of what is no list', { ...column(9), path: ['box'] }, /box/],
  ['the fields of the state', { ...column(9), path: ['text'] }, /text/],
  ['no field of the state', { ...column(9), path: ['nope'] }, /nope/],
])('L4: of one with a column for %s nothing is applied', async (_, last, message) => {
  const { store, worker, clock, shown } = await create()
  worker.request(1, 1)
  worker.commit(await worker.granted(), 0, true, [column(1), column(2), column(3), column(4), last])
  await begun(clock)
  while (clock.turns.length > 0) clock.next()
  expect(await worker.error('rejected')).toMatchObject({ message: expect.stringMatching(message) })
  expect(store.version).toBe(0)
  expect(shown).toEqual(['0'.repeat(ROWS)])
})

test('S6: what was read between its turns, and snapshots taken there, keep their values; the inverse undoes it', async () => {
  const { store, worker, clock } = await create()
  const commits: Commit[] = []
  store.onCommit((commit) => commits.push(commit))
  worker.request(1, 1)
  worker.commit(await worker.granted(), 0, true, [
    ...writes(5),
    { op: 'splice', path: ['rows'], index: 0, remove: 2, values: [{ id: 77, n: 7 }] },
    { op: 'set', path: ['rows', 0, 'n'], value: 8 },
  ])
  await begun(clock)
  const between = store.snapshot()
  const text = JSON.stringify(between)
  clock.next()
  expect(JSON.stringify(store.snapshot())).not.toBe(text)
  expect(JSON.stringify(between)).toBe(text)
  await store.apply(commits[0]?.inverse ?? [])
  expect(JSON.stringify(store.snapshot())).toBe(text)
})

test.each([
  ['misfits', { op: 'set', path: ['rows', 99, 'n'], value: 1 }, /Mutation 9 \(set at rows\[99\]\.n\)/],
  ['is no mutation', { op: 'nonsense' }, /Mutation 9/],
  ['cannot be in state', { op: 'set', path: ['rows', 1], value: new Proxy({}, {}) }, undefined],
  ['writes an undeclared field', { op: 'set', path: ['nope'], value: 1 }, /Mutation 9|"nope" is not a field/],
  ['names an index by a string', { op: 'set', path: ['rows', '1', 'n'], value: 1 }, /Mutation 9/],
  [
    'goes through what an earlier one has replaced',
    { op: 'set', path: ['rows', 0, 'n', 'deep'], value: 1 },
    /rows\[0\]\.n/,
  ],
])('L4: of one whose last mutation %s nothing is applied', async (_, mutation, message) => {
  const { store, worker, clock, shown } = await create()
  worker.request(1, 1)
  const epoch = await worker.granted()
  if (message === undefined) {
    // Such a thing does not cross at all.
    expect(() => worker.commit(epoch, 0, true, [...writes(9), mutation])).toThrow(/cannot cross/)
    return
  }
  worker.commit(epoch, 0, true, [...writes(9), mutation])
  await begun(clock)
  clock.next()
  clock.next()
  expect(await worker.error('rejected')).toMatchObject({ message: expect.stringMatching(message) })
  expect(store.version).toBe(0)
  expect(store.line.holder).toBeUndefined()
  expect(shown).toHaveLength(1)
})

test('one that holds what is no mutation is reported, too', async () => {
  const { worker, clock, reported } = await create()
  worker.request(1, 1)
  worker.commit(await worker.granted(), 0, true, [...writes(9), { op: 'nonsense' }])
  await begun(clock)
  clock.next()
  clock.next()
  expect(reported).toMatchObject([{ code: 'INVALID_MUTATION' }])
})

test('L16: an urgent event between its turns takes the lease back, and runs inside the call', async () => {
  const { store, worker, clock, shown } = await create()
  worker.request(1, 1)
  const epoch = await worker.granted()
  worker.commit(epoch, 0, true, writes())
  await begun(clock)
  expect((store.set as { text(text: string): { ran: boolean } }).text('urgent').ran).toBe(true)
  expect(await worker.error('ended')).toMatchObject({ code: 'LEASE_REVOKED' })
  clock.next()
  expect(await worker.error('rejected')).toMatchObject({ code: 'LEASE_REVOKED' })
  expect(clock.turns).toEqual([])
  expect(shown).toHaveLength(1)
  worker.request(2, 1, { again: epoch })
  worker.commit(await worker.granted(), 0, true, writes())
  await begun(clock)
  clock.next()
  clock.next()
  expect(store.snapshot()).toMatchObject({ text: 'urgent' })
  expect(shown.at(-1)).toBe('1'.repeat(ROWS))
})

test('L15: commits of other fields in the meantime stay', async () => {
  const { store, worker, clock, shown } = await create()
  worker.request(1, 1, { scope: ['rows'] })
  worker.request(2, 1, { scope: ['counter'] })
  const [rows, counter] = [await worker.granted(), await worker.granted()]
  worker.commit(rows, 0, true, writes())
  await begun(clock)
  worker.commit(counter, 0, true)
  await worker.next('committed')
  expect(store.snapshot()).toMatchObject({ counter: 1 })
  clock.next()
  clock.next()
  expect(store.snapshot()).toMatchObject({ counter: 1 })
  expect((store.state as { counter: number }).counter).toBe(1)
  expect(shown.at(-1)).toBe('1'.repeat(ROWS))
  expect((await worker.next('committed')).args).toEqual([rows, 0, 2, 1])
})

test('L15: one that writes outside of its scope is refused', async () => {
  const { store, worker, clock } = await create()
  worker.request(1, 1, { scope: ['rows'] })
  worker.commit(await worker.granted(), 0, true, [...writes(9), { op: 'set', path: ['text'], value: 'x' }])
  await begun(clock)
  clock.next()
  clock.next()
  expect(await worker.error('rejected')).toMatchObject({ code: 'OUT_OF_SCOPE' })
  expect(store.version).toBe(0)
})

test('one whose staged value another batch has put elsewhere in the meantime is refused', async () => {
  const { store, worker, clock } = await create()
  worker.link.send('stage', [5, 1], { value: { id: 99, n: 9 } })
  await worker.next('staged')
  worker.request(1, 1, { scope: ['rows'] })
  worker.request(2, 1, { scope: ['box'] })
  const [rows, box] = [await worker.granted(), await worker.granted()]
  const long = [...writes(9), { op: 'set', path: ['rows', 9], value: undefined }] as never
  worker.link.send('commit', [rows, 0, true], { mutations: long, staged: [{ mutation: 9, at: [], id: 5 }] })
  await begun(clock)
  const short = [{ op: 'set', path: ['box', 'x'], value: undefined }] as never
  worker.link.send('commit', [box, 0, true], { mutations: short, staged: [{ mutation: 0, at: [], id: 5 }] })
  await worker.next('committed')
  clock.next()
  clock.next()
  expect(await worker.error('rejected')).toMatchObject({ code: 'INVALID_MUTATION' })
  expect(store.snapshot()).toMatchObject({ box: { x: { id: 99, n: 9 } } })
  expect(store.version).toBe(1)
})

test('L10: one that comes twice is applied once, whenever its second copy comes', async () => {
  const { store, worker, clock } = await create()
  worker.request(1, 1)
  const epoch = await worker.granted()
  worker.commit(epoch, 0, true, writes())
  worker.commit(epoch, 0, true, writes())
  await begun(clock)
  clock.next()
  clock.next()
  await worker.next('committed')
  worker.commit(epoch, 0, true, writes())
  await worker.next('committed')
  expect(store.version).toBe(1)
  expect(worker.received.filter(({ name }) => name === 'rejected')).toEqual([])
})

test.each([
  ['its worker gives the lease up', (worker: HandWrittenWorker) => worker.link.send('rollback', [1])],
  ['its run ends', (worker: HandWrittenWorker) => worker.link.send('settled', [1], { ok: true, value: undefined })],
])('L5: of one between whose turns %s nothing is left, and the line goes on', async (_, end) => {
  const { store, worker, clock, shown, events } = await create()
  worker.request(1, 1)
  worker.commit(await worker.granted(), 0, true, writes())
  await begun(clock)
  end(worker)
  await expect.poll(() => store.line.holder).toBeUndefined()
  clock.next()
  expect(clock.turns).toEqual([])
  expect(events.log('next').ran).toBe(true)
  expect(shown).toHaveLength(1)
})

test('L5 T15: of one between whose turns the store is disposed of nothing is left', async () => {
  const { store, worker, clock, shown } = await create()
  worker.request(1, 1)
  worker.commit(await worker.granted(), 0, true, writes())
  await begun(clock)
  await store.dispose()
  clock.next()
  expect(clock.turns).toEqual([])
  expect(store.version).toBe(0)
  expect(shown).toHaveLength(1)
})

test('L6: its lease does not expire while it is being applied, however long that takes', async () => {
  const { store, worker, clock, shown } = await create({ ttl: 20 })
  worker.answersProbes = false
  worker.request(1, 1)
  worker.commit(await worker.granted(), 0, true, writes())
  await begun(clock)
  await clock.advance(15)
  clock.next()
  await clock.advance(15)
  clock.next()
  expect(store.version).toBe(1)
  expect(shown.at(-1)).toBe('1'.repeat(ROWS))
})

test('L6: a lease does not expire while its own grant is going out in slices', async () => {
  const source = handWritten()
  const clock = new TurnByTurn()
  const rows = Array.from({ length: 600 }, (_, id) => ({ id, n: 0 }))
  const events = {
    fill(draft: { rows: object[] }) {
      draft.rows = rows
    },
  }
  const options = { tasks: source, lease: { ttl: 20 }, events: events as never, onError() {} }
  const store = new PageStore(state, options, clock, { bulk: { from: 200, slice: 200 } })
  stores.push(store)
  ;(store.tasks as { a(): unknown }).a()
  await store.ready
  const worker = source.workers[0] as HandWrittenWorker
  await worker.next('start')
  await (store.events as { fill(): unknown }).fill()
  worker.request(1, 1)
  await begun(clock)
  let slices = 0
  for (; clock.turns.length > 0; slices++) {
    await clock.advance(2)
    await new Promise((resolve) => setImmediate(resolve)) // what answers probes is heard
    clock.next()
  }
  expect(slices).toBeGreaterThan(10)
  expect(await worker.granted()).toBeGreaterThan(0)
  expect(store.line.holder).toBeDefined()
})
