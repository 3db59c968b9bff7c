import type { Remote } from 'comlink'
import { expose, releaseProxy, transferHandlers, wrap } from 'comlink'
import { afterEach, expect, test } from 'vitest'
import { createStore, defineState, workerTasks } from '../index.js'
import type { BesideTasks, Other } from './fixtures/other-comlink.worker.js'

const state = defineState('beside', () => ({ rows: [] as { id: number }[] })).withEvents<{ add(id: number): void }>()

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function create(worker?: (made: Worker) => void) {
  const reported: unknown[] = []
  const store = createStore(state, {
    tasks: workerTasks<BesideTasks>(() => {
      const made = new Worker(new URL('./fixtures/other-comlink.worker.ts', import.meta.url), { type: 'module' })
      worker?.(made)
      return made
    }),
    onError: (error) => reported.push(error),
    events: {
      add(draft: { rows: { id: number }[] }, id: number) {
        draft.rows.push({ id })
      },
    },
  })
  closing.push(() => store.dispose())
  return { store, reported }
}

/** Puts a handler that takes every value ahead of Comlink's own, and gives what it was asked for. */
function addGreedyHandler(): unknown[] {
  const asked: unknown[] = []
  const known = [...transferHandlers]
  transferHandlers.clear()
  transferHandlers.set('greedy', {
    canHandle: (value: unknown): value is unknown => asked.push(value) > 0,
    serialize: (value: unknown): [unknown, Transferable[]] => [{ wrapped: value }, []],
    deserialize: (value: unknown) => (value as { wrapped: unknown }).wrapped,
  })
  for (const [name, handler] of known) transferHandlers.set(name, handler)
  closing.push(() => transferHandlers.delete('greedy'))
  return asked
}

async function useStore({ store, reported }: ReturnType<typeof create>): Promise<void> {
  const run = store.tasks.addRow({ id: 1 })
  expect(await run.done).toEqual({ row: { id: 1 }, length: 1 })
  expect(run.progress).toEqual({ value: 1, total: 1, label: 'done' })
  await expect.poll(() => store.snapshot().rows).toEqual([{ id: 1 }, { id: 2 }])
  await expect(store.tasks.fail().done).rejects.toThrow(new RangeError('from the task'))
  const cancelled = store.tasks.wait()
  cancelled.cancel('mine')
  await expect(cancelled.done).rejects.toBe('mine')
  expect(reported).toEqual([])
}

test('T19: a store and another user of Comlink, whose transfer handler takes every value, do not notice each other', async () => {
  const asked = addGreedyHandler()
  await useStore(create())
  expect(asked).toEqual([])

  const { port1, port2 } = new MessageChannel()
  expose({ join: (a: { text: string }, b: string) => ({ text: a.text + b }) }, port2)
  const other = wrap<{ join(a: { text: string }, b: string): { text: string } }>(port1)
  const both = create()
  const [joined] = await Promise.all([other.join({ text: 'a' }, 'b'), useStore(both)])
  expect(joined).toEqual({ text: 'ab' })
  expect(asked).toEqual([{ text: 'a' }, 'b', { text: 'ab' }]) // its own, and nothing else
  other[releaseProxy]()
  port2.close()
})

test('T19: a worker serves tasks and exposes something else on its own channel', async () => {
  let other: Remote<Other> | undefined
  const both = create((worker) => {
    other = wrap<Other>(worker)
  })
  await both.store.tasks.addRow({ id: 0 }).done
  await both.store.reset('rows')
  const [double, nested] = await Promise.all([other?.double(21), other?.nested({ deep: [1, 2, 3] }), useStore(both)])
  expect([double, nested]).toEqual([42, { sum: 6 }])
  other?.[releaseProxy]()
})

test('T15: dispose with running tasks frees the locks of their workers, and asks for none any more', async () => {
  const names = async (): Promise<string[]> => {
    const { held = [], pending = [] } = await navigator.locks.query()
    return [...held, ...pending].map(({ name = '' }) => name).filter((name) => name.startsWith('leasehold:'))
  }
  const workers: Worker[] = []
  const { store, reported } = create((worker) => void workers.push(worker))
  const runs = [store.tasks.wait(), store.tasks.hold()]
  await expect.poll(() => store.line.holder).toBeDefined()
  await expect.poll(names).toHaveLength(2) // the worker holds it, the page waits for it
  await store.dispose()
  expect(runs.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
  await expect.poll(names).toEqual([])
  expect(workers).toHaveLength(1)
  expect(reported).toEqual([])
})
