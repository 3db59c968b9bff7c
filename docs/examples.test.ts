import type { TaskSource } from 'leasehold'
import { createStore, transfer } from 'leasehold'
import { persist } from 'leasehold/persist'
import { holdLease, idle, inlineTasks, memoryStorage } from 'leasehold/testing'
import { afterEach, expect, test, vi } from 'vitest'

/*
 * The longer examples of the documentation are run. They are imported from the documents themselves; that they compile is shown
 * beside this.
 */

/** What a block of the documentation exports. Its types are checked where it is compiled. */
type Example = Record<string, any>

const load = (name: string): Promise<Example> => import(/* @vite-ignore */ `docs:${name}`)

const stores: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const store of stores.splice(0)) await store.dispose()
})

const rows = (...texts: string[]) => texts.map((text, id) => ({ id, text, done: text.startsWith('done') }))

/** A store of the todos of the guide, with the tasks of an example. */
async function todosWith(example: string, texts: string[]) {
  const { todosState } = await load('todos')
  const { default: tasks } = await load(example)
  const store: any = createStore(todosState, {
    tasks: inlineTasks(tasks) as TaskSource,
    initialState: { rows: rows(...texts) },
  })
  stores.push(store)
  const shown = () => store.state.rows.map((row: { text: string }) => row.text)
  return { store, shown }
}

test('remove-done: what is decided inside the lease is decided on the newest state', async () => {
  const { store, shown } = await todosWith('remove-done.worker', ['a', 'done b', 'c'])
  expect(await store.tasks.removeDone().done).toBe(1)
  expect(shown()).toEqual(['a', 'c'])
})

test('S7: stage: what was sent ahead is put in place', async () => {
  const { store, shown } = await todosWith('stage.worker', ['old'])
  await store.tasks.load(['a', 'b']).done
  expect(shown()).toEqual(['a', 'b'])
})

test('urgent: an event with options is called like any other', async () => {
  const { store } = await load('urgent')
  stores.push(store)
  expect(store.events.add('at once').ran).toBe(true)
})

test('L15: tidy: whoever wants another field need not wait', async () => {
  const { store, shown } = await todosWith('tidy.worker', ['b', 'a'])
  const held = await holdLease(store) // the whole state: the task has to wait
  const run = store.tasks.tidy()
  await vi.waitUntil(() => store.line.waiting.length === 1)
  expect(store.line.waiting[0].scope).toEqual(['rows'])
  await held.release()
  await run.done
  expect(shown()).toEqual(['a', 'b'])
})

test('L13: renumber: flushes publish every thousand rows', async () => {
  const { store } = await todosWith(
    'renumber.worker',
    Array.from({ length: 2_500 }, (_, i) => `row ${i}`),
  )
  await store.lease((state: { rows: { id: number }[] }) => {
    for (const row of state.rows) row.id = -1
  })
  const versions: number[] = []
  store.onCommit(({ mutations }: { mutations: readonly unknown[] }) => versions.push(mutations.length))
  await store.tasks.renumber().done
  expect(versions).toEqual([1_000, 1_000, 500])
})

test('L12: add-all: an acquired lease commits when it is told to', async () => {
  const { store, shown } = await todosWith('add-all.worker', [])
  await store.tasks.addAll(['x', 'y']).done
  expect([shown(), store.version]).toEqual([['x', 'y'], 1])
})

test('T7: feed: a task sends an event, and yields what it starts', async () => {
  const { feedTasks, createFeed } = await load('feed')
  const feed = createFeed(inlineTasks(feedTasks))
  stores.push(feed)
  await feed.tasks.loadAll(['/a', '/b']).done
  await idle(feed)
  expect([...feed.state.said].sort()).toEqual(['all under way', 'loading /a', 'loading /b'])
})

test('T13: search: a later call cancels the one before', async () => {
  const { store } = await todosWith('search.worker', ['apple', 'pear'])
  const first = store.tasks.search('a')
  const second = store.tasks.search('pp')
  expect(await second.done).toEqual([0])
  expect(first.status).toBe('cancelled')
})

test('T9: image: the pixels are moved to the task and back', async () => {
  const { imageState, imageTasks } = await load('image.worker')
  const store = createStore(imageState, { tasks: inlineTasks(imageTasks) as TaskSource })
  stores.push(store)
  const pixels = Uint8ClampedArray.of(0, 100, 255)
  const run = (store.tasks as any).invert(transfer(pixels, [pixels.buffer]))
  expect(await run.done).toEqual(Uint8ClampedArray.of(255, 155, 0))
})

/** A page with what another has stored. */
async function reloaded(records: ReadonlyMap<string, unknown>) {
  const storage = memoryStorage()
  await storage.write({ set: [...records], delete: [] })
  return storage
}

test('P1, P4: kept-notes: what was stored comes back, and what an older version stored is migrated', async () => {
  const { createNotes } = await load('kept-notes')
  const storage = memoryStorage()
  const notes = createNotes(storage)
  stores.push(notes)
  await notes.ready
  await notes.set.filter('m')
  await notes.events.add('milk')
  await notes.persist.flush()

  const after = createNotes(await reloaded(storage.records))
  stores.push(after)
  await after.ready
  expect(after.snapshot()).toEqual({ notes: [{ id: 1, text: 'milk' }], filter: '' })

  const old = await reloaded(storage.records)
  const meta = old.records.get('notes/meta') as object
  const set = [['notes/meta', { ...meta, version: 0 }] as const, ['notes/0/field/notes', { value: ['bread'] }] as const]
  await old.write({ set, delete: [] })
  const migrated = createNotes(old)
  stores.push(migrated)
  await migrated.ready
  expect(migrated.state.notes).toEqual([{ id: 0, text: 'bread' }])
})

test('P9: import-rows: a run goes on after a reload', async () => {
  const { importState, default: tasks } = await load('import-rows.worker')
  const start = (storage: ReturnType<typeof memoryStorage>): any => {
    const store = createStore(importState, {
      tasks: inlineTasks(tasks) as TaskSource,
      persist: persist({ name: 'import', storage, debounce: 0 }),
    })
    stores.push(store)
    return store
  }
  const storage = memoryStorage()
  const store = start(storage)
  await store.ready
  store.tasks.importAll(1_000_000)
  await vi.waitUntil(() => store.state.rows.length > 10)
  await store.persist.flush()
  const records = new Map(storage.records)
  await store.dispose()
  const runs = [{ name: 'importAll', args: [40], attempt: 1 }] // fewer: the test is to end
  const after = start(await reloaded(new Map([...records, ['import/0/runs', runs]])))
  await after.ready
  await idle(after)
  expect(after.state.attempts).toBe(2)
  expect(after.state.rows.length).toBeGreaterThanOrEqual(11)
})
