import { afterEach, describe, expect, test } from 'vitest'
import { createLink } from '../lib/protocol/endpoint.js'
import type { PageFacade, ReadyPayload, WorkerFacade } from '../lib/protocol/messages.js'
import { PAGE_METHODS } from '../lib/protocol/messages.js'
import { defineState } from '../lib/state/define-state.js'
import type { TaskOptions } from './define-task.js'
import { defineTask, isTask } from './define-task.js'
import { serveOn, serveTasks } from './serve-tasks.js'

const state = defineState('defined', () => ({ counter: 0 }))

const close: (() => void)[] = []
afterEach(() => {
  for (const one of close.splice(0)) one()
})

/** What the page is told of these tasks. */
function infosOf(tasks: Parameters<typeof serveOn>[0]): Promise<ReadyPayload['tasks']> {
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    const nothing = Object.fromEntries(PAGE_METHODS.map((name) => [name, () => {}]))
    const handlers = { ...nothing, ready: (payload: unknown) => resolve((payload as ReadyPayload).tasks) }
    const page = createLink<WorkerFacade, PageFacade>(port1, {
      methods: PAGE_METHODS,
      handlers: handlers as never,
      onFault() {},
    })
    close.push(page.close, serveOn(tasks, port2).close)
  })
}

describe('defineTask', () => {
  test('T13: the options of a task are told to the page; without any it is as if it had not been there', async () => {
    const work = async () => {}
    const served = serveTasks(state, {
      work,
      queued: defineTask({ concurrency: 'enqueue', maxConcurrency: 3 }, work),
      dropped: defineTask({ concurrency: 'drop' }, async function* () {
        yield
      }),
      resumed: defineTask({ resume: true }, work),
      plain: defineTask({}, work),
      unset: defineTask({ concurrency: undefined, maxConcurrency: undefined } as unknown as TaskOptions, work),
    })
    expect(await infosOf(served)).toEqual([
      { name: 'work' },
      { name: 'queued', concurrency: 'enqueue', maxConcurrency: 3 },
      { name: 'dropped', concurrency: 'drop' },
      { name: 'resumed', resume: true },
      { name: 'plain' },
      { name: 'unset' },
    ])
  })

  test('T5: it takes async functions and async generators alone, and what it gives is of the same kind', async () => {
    expect(isTask(defineTask({}, async () => {}))).toBe(true)
    const generator = defineTask({ concurrency: 'drop' }, async function* (_task, n: number) {
      yield n
      return n + 1
    })
    expect(isTask(generator)).toBe(true)
    expect(await generator({} as never, 1).next()).toEqual({ done: false, value: 1 })
    for (const bad of [() => {}, () => Promise.resolve(), function* () {}, undefined, {}]) {
      expect(() => defineTask({}, bad as never)).toThrow(/defineTask.*no async function or async generator/)
    }
  })

  test('T13: options that are not known or do not go together are a TypeError that names them, at definition', () => {
    const cases: [object, RegExp][] = [
      [{ concurency: 'drop' }, /no option "concurency"/],
      [{ resume: 1 }, /resume must be true or false/],
      [{ concurrency: 'once' }, /concurrency must be one of parallel, drop, .*got once/],
      [{ concurrency: null }, /concurrency must be one of/],
      [{ concurrency: 'drop', maxConcurrency: 0 }, /maxConcurrency must be a whole number above 0, got 0/],
      [{ concurrency: 'drop', maxConcurrency: 1.5 }, /maxConcurrency .*1\.5/],
      [{ concurrency: 'drop', maxConcurrency: '2' }, /maxConcurrency must be/],
      [{ concurrency: 'parallel', maxConcurrency: 2 }, /maxConcurrency limits nothing .*Use 'enqueue'/],
      [{ maxConcurrency: 2 }, /maxConcurrency limits nothing .*Use 'enqueue'/],
    ]
    for (const [options, message] of cases) {
      const define = () => defineTask(options as TaskOptions, async () => {})
      expect(define).toThrow(TypeError)
      expect(define).toThrow(message)
    }
  })
})
