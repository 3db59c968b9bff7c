import { inlineTasks } from 'leasehold/testing'
import { defineTask, serveTasks } from 'leasehold/worker'
import { afterEach, expect, test } from 'vitest'
import { defineState } from '../state/define-state.js'
import { createStore } from '../store/store.js'
import { TestStorage } from './fixtures/test-storage.js'
import { persist } from './persist.js'

const definition = () => defineState('import', () => ({ done: 0, attempts: [] as number[] }))

/** Counts to `total`, one commit each; in its first attempt it stops half way until it is ended. */
function start(storage: TestStorage) {
  const state = definition()
  const tasks = serveTasks(state, {
    count: defineTask({ resume: true }, async (task, total: number, end?: string) => {
      await task.lease((draft) => {
        draft.attempts.push(task.attempt)
      })
      while (task.state.done < total) {
        if (task.attempt === 1 && task.state.done === total / 2) {
          if (end === 'fail') throw new Error('half way')
          if (end === 'cancel' || end === undefined) await task.sleep(3_600_000)
        }
        await task.lease((draft) => {
          draft.done += 1
        })
      }
    }),
    async plain(task) {
      await task.sleep(3_600_000)
    },
  })
  const errors: unknown[] = []
  const store = createStore(state, {
    tasks: inlineTasks(tasks),
    persist: persist({ name: 'import', storage, debounce: 0 }),
    onError: (error) => errors.push(error),
  })
  open.push(store)
  return { store, errors }
}

const open: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const store of open.splice(0)) await store.dispose()
})

/** The page has gone, in the middle of whatever it did. */
const reload = (storage: TestStorage) => new TestStorage(storage.records)
const runsIn = (storage: TestStorage) => storage.records.get('import/0/runs')

test('P9: a run that a reload cut short runs again, once, with attempt 2, and ends', async () => {
  const storage = new TestStorage()
  const { store } = start(storage)
  await store.ready
  store.tasks.count(6)
  store.tasks.plain()
  await expect.poll(() => store.state.done).toBe(3)
  await store.persist.flush()
  expect(runsIn(storage)).toEqual([{ name: 'count', args: [6], attempt: 1 }])

  const next = reload(storage)
  const after = start(next)
  await after.store.ready
  expect([...after.store.backgroundTasks].map(({ name }) => name)).toEqual(['count'])
  await expect.poll(() => after.store.state.done).toBe(6)
  await expect.poll(() => after.store.backgroundTasks.size).toBe(0)
  expect(after.store.state.attempts).toEqual([1, 2])
  await after.store.persist.flush()
  expect(runsIn(next)).toEqual([])

  const last = start(reload(next))
  await last.store.ready
  expect(last.store.backgroundTasks.size).toBe(0)
  expect(after.errors).toEqual([])
})

test('P9: what is stored of a run and of the state is of one version', async () => {
  const storage = new TestStorage()
  const { store } = start(storage)
  await store.ready
  const records: ReadonlyMap<string, unknown>[] = []
  const write = storage.write.bind(storage)
  storage.write = async (change, options) => {
    await write(change, options)
    records.push(structuredClone(storage.records))
  }
  const run = store.tasks.count(6, 'go on')
  await run.done
  await store.persist.flush()
  expect(records.length).toBeGreaterThan(1)
  for (const each of records) {
    const { value } = each.get('import/0/field/done') as { value: number }
    const runs = each.get('import/0/runs') as unknown[]
    // While it is there it may have done everything; once it has gone it has.
    expect(runs.length === 1 || value === 6).toBe(true)
  }
})

test.each(['fail', 'cancel'])('P9: a run that ended (%s) is not resumed', async (end) => {
  const storage = new TestStorage()
  const { store } = start(storage)
  await store.ready
  const run = store.tasks.count(6, end)
  const ended = run.done.catch(() => 'ended')
  await expect.poll(() => store.state.done).toBe(3)
  if (end === 'cancel') run.cancel()
  expect(await ended).toBe('ended')
  await store.persist.flush()
  expect(runsIn(storage)).toEqual([])
})

test('P9: dispose cuts a run short as a reload does', async () => {
  const storage = new TestStorage()
  const { store } = start(storage)
  await store.ready
  store.tasks.count(6)
  await expect.poll(() => store.state.done).toBe(3)
  await store.dispose()
  const after = start(storage)
  await after.store.ready
  await expect.poll(() => after.store.state.done).toBe(6)
})

test('P9: a run that is under way when what is stored is cleared is stored again, with the state', async () => {
  const storage = new TestStorage()
  const { store } = start(storage)
  await store.ready
  store.tasks.count(6)
  await expect.poll(() => store.state.done).toBe(3)
  await store.persist.clear()
  await store.persist.flush()
  const after = start(reload(storage))
  await after.store.ready
  await expect.poll(() => [after.store.state.done, after.store.state.attempts]).toEqual([6, [1, 2]])
})

test('P9: a run that was started before hydration is kept beside those that are resumed', async () => {
  const storage = new TestStorage()
  const first = start(storage)
  await first.store.ready
  first.store.tasks.count(6)
  await expect.poll(() => first.store.state.done).toBe(3)
  await first.store.persist.flush()
  const next = reload(storage)
  const { store } = start(next)
  store.tasks.count(1_000_000)
  await store.ready
  await store.persist.flush()
  await expect.poll(() => (runsIn(next) as { attempt: number }[]).map(({ attempt }) => attempt)).toEqual([1, 2])
})

test('P9: arguments that cannot be kept fail the run, and a task that is served no more is told', async () => {
  const storage = new TestStorage()
  const { store } = start(storage)
  await store.ready
  const run = store.tasks.count((() => 1) as never)
  await expect(run.done).rejects.toMatchObject({ code: 'NOT_CLONEABLE' })
  storage.records.clear()
  const old = new TestStorage(
    new Map<string, unknown>([
      ['import/meta', { format: 1, version: 0, generation: 'x', base: 0, fields: [] }],
      ['import/0/runs', [{ name: 'gone', args: [], attempt: 1 }]],
    ]),
  )
  const after = start(old)
  await after.store.ready
  await expect.poll(() => after.errors).toMatchObject([{ code: 'UNKNOWN_TASK' }])
  await after.store.persist.flush()
  expect(old.records.get('import/0/runs')).toEqual([])
})
