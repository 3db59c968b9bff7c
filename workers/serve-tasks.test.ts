import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  ImmutableStateError,
  InvalidMutationError,
  LeaseExpiredError,
  LeaseReleasedError,
  LeaseTimeoutError,
  NestedLeaseError,
  NotCloneableError,
  UnknownTaskError,
} from '../lib/errors.js'
import type { Link } from '../lib/protocol/endpoint.js'
import { createLink } from '../lib/protocol/endpoint.js'
import type {
  CommitPayload,
  LeaseRequestPayload,
  PageFacade,
  SettledPayload,
  WorkerFacade,
} from '../lib/protocol/messages.js'
import { PAGE_METHODS, PROTOCOL_VERSION } from '../lib/protocol/messages.js'
import { fromWireError, toWireError } from '../lib/protocol/wire-error.js'
import { spread } from '../lib/state/change.js'
import { ChangeLog } from '../lib/state/change-log.js'
import { createInitialState, defineState, shapeOf } from '../lib/state/define-state.js'
import type { Mutation } from '../lib/state/mutation.js'
import { StateTree } from '../lib/state/tree.js'
import { serveOn, serveTasks } from './serve-tasks.js'
import type { TaskContext, TaskFunction } from './task.js'

const counterState = defineState(
  'counter',
  () => ({
    counter: 0,
    rows: [] as { id: number; name: string }[],
    byId: new Map<string, number>(),
    _hidden: 'h',
    get double() {
      return this.counter * 2
    },
  }),
  { version: 3 },
)
type Counter = { counter: number; rows: { id: number; name: string }[]; byId: Map<string, number>; _hidden: string }
type Context = TaskContext<Counter & { readonly double: number }>

interface Call {
  readonly name: keyof PageFacade
  readonly payload: any
  readonly args: readonly any[]
}

let close: (() => void)[] = []
afterEach(() => {
  for (const one of close) one()
  close = []
})

/** A page of the test's own: it hears all calls, and does what the test tells it. */
class Page {
  readonly link: Link<WorkerFacade>
  readonly tree = new StateTree(shapeOf(counterState), createInitialState(counterState), {
    log: new ChangeLog(shapeOf(counterState)),
  })
  readonly calls: Call[] = []
  readonly faults: unknown[] = []
  runs = 0
  epochs = 0

  constructor(port: MessagePort) {
    const handlers = Object.fromEntries(
      PAGE_METHODS.map((name) => [
        name,
        (payload: unknown, ...args: unknown[]) => void this.calls.push({ name, payload, args }),
      ]),
    )
    this.link = createLink<WorkerFacade, PageFacade>(port, {
      methods: PAGE_METHODS,
      handlers: handlers as any,
      onFault: (error) => this.faults.push(error),
    })
  }

  /** Waits for a call and takes it out. By turns, not by timers: some tests stop those. */
  async next(name: keyof PageFacade): Promise<Call> {
    const deadline = performance.now() + 2_000
    for (;;) {
      const index = this.calls.findIndex((call) => call.name === name)
      if (index >= 0) return this.calls.splice(index, 1)[0] as Call
      if (performance.now() > deadline) {
        throw new Error(`no call of ${name} among: ${this.calls.map((call) => call.name).join(', ')}`)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Waits until all that was sent before has been answered. */
  async settle(): Promise<void> {
    this.link.send('probe', [7])
    await this.next('pong')
  }

  async welcome(): Promise<void> {
    await this.next('ready')
    this.link.send('welcome', [this.tree.version], { token: 'tok', root: this.tree.root })
  }

  start(name: string, ...args: unknown[]): number {
    this.link.send('start', [++this.runs], { name, args })
    return this.runs
  }

  async grant(since = this.tree.version): Promise<number> {
    const request = await this.next('request')
    const epoch = ++this.epochs
    this.link.send('granted', [request.args[0], epoch, this.tree.version, since], this.tree.changesSince(since))
    return epoch
  }

  /** Applies the next commit and answers it. */
  async commit(): Promise<readonly Mutation[]> {
    const { args, payload } = await this.next('commit')
    expect(args).toEqual([this.epochs, 0, true])
    const { mutations } = payload as CommitPayload
    const since = this.tree.version
    if (mutations.length > 0) this.tree.apply(mutations)
    this.link.send('committed', [args[0], 0, this.tree.version, since])
    return spread(mutations)
  }

  async result(): Promise<unknown> {
    const { payload } = await this.next('settled')
    const outcome = payload as SettledPayload
    if (outcome.ok) return outcome.value
    throw fromWireError(outcome.error)
  }
}

async function serve(tasks: Record<string, TaskFunction<any>>): Promise<Page> {
  const { port1, port2 } = new MessageChannel()
  const page = new Page(port1)
  const served = serveOn(serveTasks(counterState, tasks), port2)
  close.push(() => page.link.close(), served.close)
  await page.welcome()
  return page
}

/** Serves one task made of `body`, and starts it. */
async function run(body: (task: Context, ...args: never[]) => Promise<unknown>, ...args: unknown[]): Promise<Page> {
  const page = await serve({ work: async (task: Context, ...given: never[]) => body(task, ...given) })
  page.start('work', ...args)
  return page
}

const caught = async (promise: Promise<unknown>): Promise<any> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not reject')
}

describe('serveTasks', () => {
  test('T5: a task that is no async function or async generator is a TypeError that names it', () => {
    for (const bad of [() => {}, () => Promise.resolve(), function* () {}, 1, undefined, class {}]) {
      const define = () => serveTasks(counterState, { fine: async () => {}, bad: bad as any })
      expect(define).toThrow(TypeError)
      expect(define).toThrow(/serveTasks\("counter"\): the task "bad"/)
    }
  })

  test.each(['then', 'with', 'toJSON', 'nodeType', '$$typeof', '__v_isRef', 'constructor', 'toString'])(
    'T5 T20: a task named %s, which store.tasks cannot start, is a TypeError that names it',
    (name) => {
      const define = () => serveTasks(counterState, { fine: async () => {}, [name]: async () => {} })
      expect(define).toThrow(TypeError)
      expect(define).toThrow(`serveTasks("counter"): "${name}" cannot be the name of a task`)
    },
  )

  test('T5: other tasks may have any name', () => {
    for (const name of ['spec', 'done', '_own', '$', 'withAll']) {
      expect(() => serveTasks(counterState, { [name]: async () => {} })).not.toThrow()
    }
    const tasks = { async plain() {}, async *generator() {}, arrow: async () => {} }
    const served = serveTasks(counterState, tasks)
    expect(served).toEqual({ definition: counterState, tasks })
  })

  test('outside a worker it serves nothing; over an endpoint of its own it asks for a port and takes its own alone', async () => {
    const { port1, port2 } = new MessageChannel()
    const said: unknown[] = []
    port1.onmessage = ({ data }) => said.push(data)
    serveTasks(counterState, { async work() {} }, port2)
    await vi.waitFor(() => expect(said).toEqual([{ leasehold: 'serve', protocol: PROTOCOL_VERSION, state: 'counter' }]))
    const other = new MessageChannel()
    const own = new MessageChannel()
    const page = new Page(own.port1)
    close.push(
      () => port1.close(),
      page.link.close,
      () => other.port1.close(),
    )
    port1.postMessage(null)
    port1.postMessage({ leasehold: 'port', state: 'counter' })
    port1.postMessage({ leasehold: 'port', state: 'other', port: other.port2 }, [other.port2])
    port1.postMessage({ leasehold: 'port', state: 'counter', port: own.port2 }, [own.port2])
    const ready = await page.next('ready')
    expect(ready.args).toEqual([PROTOCOL_VERSION, 3])
    expect(ready.payload).toEqual({ state: 'counter', tasks: [{ name: 'work' }] })
  })

  test('a task gets its arguments and says who it is; its result arrives', async () => {
    const page = await run(
      async (task, a: Map<string, number>, b: number) => [task.id, task.name, task.token, task.version, a, b],
      new Map([['x', 1]]),
      2,
    )
    expect(await page.result()).toEqual(['1', 'work', 'tok', 0, new Map([['x', 1]]), 2])
  })

  test('an async generator runs to its end and gives what it returns', async () => {
    const page = await serve({
      async *work() {
        yield 1
        yield 2
        return 'done'
      },
    })
    page.start('work')
    expect(await page.result()).toBe('done')
  })

  test('an unknown task: UnknownTaskError that lists the known ones', async () => {
    const page = await serve({ async a() {}, async b() {} })
    for (const name of ['nope', 'toString', '__proto__']) {
      page.start(name)
      const error = await caught(page.result())
      expect(error).toBeInstanceOf(UnknownTaskError)
      expect(error.message).toContain(`"${name}"`)
      expect(error.message).toContain('a, b')
    }
  })

  test('T10: a thrown error arrives with class, cause and a stack that shows the line', async () => {
    const page = await run(async function thrower() {
      throw new RangeError('mine', { cause: { status: 1 } })
    })
    const error = await caught(page.result())
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ message: 'mine', cause: { status: 1 } })
    expect(error.stack).toContain('thrower')
    expect(error.stack).toMatch(/serve-tasks\.test\.ts:\d+:\d+/)
  })

  test('T9: a result that cannot be cloned is refused with its path', async () => {
    const page = await run(async () => ({ rows: [1, { fn() {} }] }))
    const error = await caught(page.result())
    expect(error).toBeInstanceOf(NotCloneableError)
    expect(error.path).toEqual(['rows', 1, 'fn'])
    expect(error.message).toContain('rows[1].fn in the result of task "work"')
    page.start('work')
    await caught(page.result())
    expect(page.faults).toEqual([])
  })

  test('parts of task.state in a result arrive as plain data', async () => {
    const page = await run(async (task) => ({ map: task.state.byId, list: task.state.rows }))
    expect(await page.result()).toEqual({ map: new Map(), list: [] })
  })

  test('it answers a probe behind what was sent before', async () => {
    const page = await run(async (task) => task.progress(1))
    page.link.send('probe', [42])
    expect((await page.next('pong')).args).toEqual([42])
    expect(page.calls.map(({ name }) => name)).toEqual(['progress', 'settled'])
  })

  test('faults are reported, a hundred at most', async () => {
    const page = await serve({ async work() {} })
    for (let i = 0; i < 60; i++) page.link.send('start', [1], { name: 1 })
    await page.settle()
    expect(page.calls.filter(({ name }) => name === 'report')).toHaveLength(60)
    expect(String(fromWireError(page.calls[0]?.payload))).toContain('start: name must be a string')
  })
})

describe('reading', () => {
  test('G1: task.state shows the newest state, backend fields and getters too, and is guarded', async () => {
    const page = await run(async (task) => {
      const errors: unknown[] = []
      for (const write of [
        () => Object.assign(task.state, { counter: 1 }),
        () => (task.state.rows as unknown[]).push(1),
        () => (task.state.byId as Map<string, number>).set('a', 1),
      ]) {
        try {
          write()
        } catch (error) {
          errors.push(error instanceof ImmutableStateError)
        }
      }
      return [errors, task.state.counter, task.state._hidden, task.state.double, task.state.rows.length]
    })
    expect(await page.result()).toEqual([[true, true, true], 0, 'h', 0, 0])
  })

  test('G4: a snapshot keeps its value, task.state moves with refresh', async () => {
    const page = await run(async (task) => {
      const before = task.snapshot()
      await task.refresh()
      return [
        before.counter,
        task.snapshot().counter,
        task.state.counter,
        task.version,
        structuredClone(before).counter,
      ]
    })
    page.tree.apply([{ op: 'set', path: ['counter'], value: 5 }])
    const { args } = await page.next('refresh')
    page.link.send('refreshed', [args[0], 1, 0], page.tree.changesSince(0))
    expect(await page.result()).toEqual([0, 5, 5, 1, 0])
  })

  test('changes from a version that the worker has not are not applied: it asks anew', async () => {
    const page = await run(async (task) => {
      await task.refresh()
      return [task.version, task.state.counter]
    })
    for (let i = 1; i <= 3; i++) page.tree.apply([{ op: 'set', path: ['counter'], value: i }])
    const first = await page.next('refresh')
    page.link.send('refreshed', [first.args[0], 3, 2], page.tree.changesSince(2))
    const second = await page.next('refresh')
    expect(second.args[1]).toBe(0)
    page.link.send('refreshed', [second.args[0], 3, 0], page.tree.changesSince(0))
    expect(await page.result()).toEqual([3, 3])
  })
})

describe('leases', () => {
  test('L1: the function sees the newest state, its batch is committed, its result given back', async () => {
    const page = await run(async (task) => {
      const seen = await task.lease((state, lease) => {
        const before = state.counter
        state.counter += 1
        state.rows.push({ id: 1, name: 'x' })
        return [before, lease.epoch, lease.name]
      })
      return [seen, task.state.counter, task.state.rows[0]?.name, task.version]
    })
    page.tree.apply([{ op: 'set', path: ['counter'], value: 10 }])
    await page.grant(0)
    await page.commit()
    expect(await page.result()).toEqual([[10, 1, 'work'], 11, 'x', 2])
    expect(page.tree.snapshot(true)).toMatchObject({ counter: 11, rows: [{ id: 1, name: 'x' }] })
  })

  test('the request carries name, options and the version; bad options are a TypeError', async () => {
    const page = await run(async (task) => {
      const bad = await caught(task.lease(() => {}, { ttl: -1 }))
      void caught(task.lease(() => {}, { ttl: 50, timeout: 70, name: 'mine' }))
      await task.lease(() => {}, { timeout: Number.POSITIVE_INFINITY })
      return [bad instanceof TypeError, bad.message]
    })
    const first = await page.next('request')
    expect(first.args.slice(1)).toEqual([1, 0])
    expect(first.payload satisfies LeaseRequestPayload).toEqual({
      name: 'mine',
      ttl: 50,
      timeout: 70,
    })
    expect(page.calls[0]?.payload).toEqual({ name: 'work' })
    await page.grant()
    await page.commit()
    expect(await page.result()).toEqual([true, expect.stringContaining('ttl')])
  })

  test('parts of the draft in a result become plain data, and a batch without mutations still ends the lease', async () => {
    const page = await run(async (task) => {
      const rows = await task.lease((state) => ({ rows: state.rows }))
      rows.rows.push({ id: 9, name: 'own copy' })
      return [rows, task.state.rows.length, task.version]
    })
    await page.grant()
    expect(await page.commit()).toEqual([])
    expect(await page.result()).toEqual([{ rows: [{ id: 9, name: 'own copy' }] }, 0, 0])
  })

  test('G3: while a lease function is suspended, task.state shows nothing of its draft', async () => {
    const page = await run(async (task) => {
      const seen: number[] = []
      await task.lease(async (state) => {
        state.counter = 1
        seen.push(task.state.counter, task.snapshot().counter)
        await task.sleep(1)
        state.counter = 2
        seen.push(task.state.counter)
      })
      return [...seen, task.state.counter]
    })
    await page.grant()
    await page.commit()
    expect(await page.result()).toEqual([0, 0, 0, 2])
  })

  test('G5: a draft used after its function has settled: LeaseReleasedError', async () => {
    const page = await run(async (task) => {
      let kept: Counter | undefined
      const lease = task.lease((state) => {
        kept = state as Counter
      })
      await lease
      const errors = [() => kept?.counter, () => Object.assign(kept as Counter, { counter: 1 })].map((use) => {
        try {
          return use()
        } catch (error) {
          return error
        }
      })
      return errors.map((error) => [error instanceof LeaseReleasedError, String(error)])
    })
    await page.grant()
    await page.commit()
    expect(await page.result()).toEqual(Array(2).fill([true, expect.stringContaining('Lease "work" (epoch 1)')]))
  })

  test('L2: a lease in a lease function before its first await is refused at once, and the outer one stays good', async () => {
    const page = await run(async (task) => {
      let nested: any
      await task.lease(async (state) => {
        nested = await caught(task.lease(() => {}))
        state.counter = 7
      })
      return [nested instanceof NestedLeaseError, nested.message]
    })
    await page.grant()
    await page.commit()
    expect(page.tree.root.counter).toBe(7)
    expect(await page.result()).toEqual([true, expect.stringContaining('inside its lease "work"')])
    expect(page.calls).toEqual([])
  })

  test('L4: the function throws, sync or after an await: rolled back, and the error comes out as it is', async () => {
    for (const body of [
      () => {
        throw new RangeError('mine')
      },
      async () => {
        await Promise.resolve()
        throw new RangeError('mine')
      },
    ]) {
      const page = await run(async (task) => {
        const error = await caught(
          task.lease((state) => {
            state.counter = 1
            return body()
          }),
        )
        return [error instanceof RangeError, task.state.counter]
      })
      const epoch = await page.grant()
      expect((await page.next('rollback')).args).toEqual([epoch])
      expect(await page.result()).toEqual([true, 0])
    }
  })

  test('a container put inside itself: rolled back with InvalidMutationError', async () => {
    const page = await run(async (task) => {
      const error = await caught(
        task.lease((state: any) => {
          state.rows.push({ id: 1, name: '' })
          state.rows[0].self = state.rows
        }),
      )
      return error instanceof InvalidMutationError
    })
    await page.grant()
    await page.next('rollback')
    expect(await page.result()).toBe(true)
  })

  test('L6: ended by the page: the lease rejects at once, its draft is dead, what its function does is ignored', async () => {
    const after: unknown[] = []
    let finish = () => {}
    const page = await run(async (task) => {
      const error = await caught(
        task.lease(async (state) => {
          state.counter = 1
          await new Promise<void>((resolve) => {
            finish = resolve
          })
          try {
            state.counter = 2
          } catch (late) {
            after.push(late)
          }
          throw new Error('late')
        }),
      )
      return [error instanceof LeaseExpiredError, error.message, task.state.counter]
    })
    const epoch = await page.grant()
    await page.settle()
    page.link.send('ended', [epoch], toWireError(new LeaseExpiredError('too long')))
    expect(await page.result()).toEqual([true, 'too long', 0])
    finish()
    await page.settle()
    expect(after).toEqual([expect.any(LeaseExpiredError)])
    expect(page.calls).toEqual([])
  })

  test('a batch that the page rejects: its error', async () => {
    const page = await run(async (task) => {
      const error = await caught(
        task.lease((state) => {
          state.counter = 1
        }),
      )
      return [error.name, task.state.counter]
    })
    const epoch = await page.grant()
    await page.next('commit')
    page.link.send('rejected', [epoch, 0], toWireError(new InvalidMutationError('no')))
    expect(await page.result()).toEqual(['InvalidMutationError', 0])
  })

  test('L11: refused with an error, or, with ifAvailable, the function gets null', async () => {
    const page = await run(async (task) => {
      const error = await caught(task.lease(() => {}, { timeout: 1 }))
      const value = await task.lease((state, lease) => [state, lease], { ifAvailable: true })
      const thrown = await caught(
        task.lease(
          () => {
            throw new RangeError('mine')
          },
          { ifAvailable: true },
        ),
      )
      return [error.name, value, thrown.name]
    })
    page.link.send('refused', [(await page.next('request')).args[0]], toWireError(new LeaseTimeoutError('late')))
    for (let i = 0; i < 2; i++) {
      const { args, payload } = await page.next('request')
      expect(payload.ifAvailable).toBe(true)
      page.link.send('refused', [args[0]])
    }
    expect(await page.result()).toEqual(['LeaseTimeoutError', [null, null], 'RangeError'])
  })

  test('L11: an aborted signal ends the wait with its reason; once the lease is held it does nothing', async () => {
    const page = await run(async (task) => {
      const early = await caught(task.lease(() => {}, { signal: AbortSignal.abort('early') }))
      const controller = new AbortController()
      const waiting = task.lease(() => {}, { signal: controller.signal })
      controller.abort('enough')
      const waited = await caught(waiting)
      const held = new AbortController()
      await task.lease(
        (state) => {
          held.abort()
          state.counter = 3
        },
        { signal: held.signal },
      )
      return [early, waited]
    })
    const { args } = await page.next('request')
    expect((await page.next('withdraw')).args).toEqual([args[0]])
    await page.grant()
    await page.commit()
    expect(await page.result()).toEqual(['early', 'enough'])
    expect(page.tree.root.counter).toBe(3)
  })

  test('a grant that crosses a withdrawal moves the replica, and runs nothing', async () => {
    const controller = new AbortController()
    let ran = false
    const page = await run(async (task) => {
      const waiting = task.lease(
        () => {
          ran = true
        },
        { signal: controller.signal },
      )
      await caught(waiting)
      await task.lease(() => {})
      return [ran, task.state.counter]
    })
    const { args } = await page.next('request')
    controller.abort()
    page.tree.apply([{ op: 'set', path: ['counter'], value: 4 }])
    page.link.send('granted', [args[0], ++page.epochs, 1, 0], page.tree.changesSince(0))
    await page.next('withdraw')
    await page.grant()
    await page.commit()
    expect(await page.result()).toEqual([false, 4])
  })

  test('L18: coroutines lease side by side, each in its turn', async () => {
    const page = await run(async (task) => {
      await Promise.all(
        Array.from({ length: 5 }, () =>
          task.lease(async (state) => {
            const before = state.counter
            await task.sleep(1)
            state.counter = before + 1
          }),
        ),
      )
      return [task.state.counter, task.version]
    })
    for (let i = 0; i < 5; i++) {
      await page.grant()
      await page.commit()
    }
    expect(await page.result()).toEqual([5, 5])
  })

  test('a grant from a version that was left behind in the meantime is brought up to date first', async () => {
    const page = await run(async (task) => task.lease((state) => state.counter))
    for (let i = 1; i <= 3; i++) page.tree.apply([{ op: 'set', path: ['counter'], value: i }])
    await page.grant(2)
    const { args } = await page.next('refresh')
    page.link.send('refreshed', [args[0], 3, 0], page.tree.changesSince(0))
    await page.commit()
    expect(await page.result()).toBe(3)
  })
})

describe('T11: cancel', () => {
  test('a waiting lease leaves the line, with the reason; after it no lease is taken but for cleanup', async () => {
    const reason = { why: 'user' }
    const page = await run(async (task) => {
      const waiting = await caught(task.lease(() => {}))
      const later = await caught(task.lease(() => {}))
      const asleep = await caught(task.sleep(10_000))
      const refresh = await caught(task.refresh())
      await task.lease(
        (state) => {
          state.counter = 1
        },
        { cleanup: true },
      )
      return [task.signal.aborted, task.signal.reason, waiting, later, asleep, refresh]
    })
    const { args } = await page.next('request')
    page.link.send('cancel', [1], { reason })
    expect((await page.next('withdraw')).args).toEqual([args[0]])
    await page.grant()
    await page.commit()
    expect(await page.result()).toEqual([true, reason, reason, reason, reason, reason])
    expect(page.tree.root.counter).toBe(1)
  })

  test('L5: a held lease rolls back at once, and its draft is dead', async () => {
    let draft: Counter | undefined
    const page = await run(async (task) => {
      const error = await caught(
        task.lease(async (state) => {
          draft = state
          state.counter = 1
          await new Promise(() => {})
        }),
      )
      throw error
    })
    const epoch = await page.grant()
    await page.settle()
    page.link.send('cancel', [1], { error: toWireError(new DOMException('stop', 'AbortError')) })
    expect((await page.next('rollback')).args).toEqual([epoch])
    const error = await caught(page.result())
    expect(error).toBeInstanceOf(DOMException)
    expect(error.name).toBe('AbortError')
    expect(() => draft?.counter).toThrow(LeaseReleasedError)
  })

  test('a commit that is on its way is waited for', async () => {
    const page = await run(async (task) => {
      const value = await task.lease((state) => {
        state.counter = 1
        return 'committed'
      })
      return [value, task.signal.aborted, task.state.counter]
    })
    await page.grant()
    await page.settle()
    page.link.send('cancel', [1], { reason: 'late' })
    await page.settle()
    await page.commit()
    expect(await page.result()).toEqual(['committed', true, 1])
  })

  test('the runs of one worker are cancelled one by one', async () => {
    const page = await serve({
      async work(task: Context) {
        await task.sleep(10_000)
      },
    })
    page.start('work')
    page.start('work')
    page.link.send('cancel', [2], { reason: 'second' })
    expect(await caught(page.result())).toBe('second')
    await page.settle()
    expect(page.calls).toEqual([])
    page.link.send('cancel', [1], { reason: 'first' })
    expect(await caught(page.result())).toBe('first')
  })
})

test('T12: progress is sent at most once a frame, and the last value arrives before the run ends', async () => {
  const page = await run(async (task) => {
    const wrong = (() => {
      try {
        task.progress('x' as unknown as number)
      } catch (error) {
        return error instanceof TypeError
      }
      return false
    })()
    for (let i = 1; i <= 1000; i++) {
      task.progress(i, 1000, `row ${i}`)
      if (i % 100 === 0) await task.sleep(5)
    }
    setTimeout(() => task.progress(2000)) // after its end
    return wrong
  })
  expect(await page.result()).toBe(true)
  const sent = page.calls.filter(({ name }) => name === 'progress').map(({ payload }) => payload)
  expect(sent[0]).toEqual({ value: 1, total: 1000, label: 'row 1' })
  expect(sent.at(-1)).toEqual({ value: 1000, total: 1000, label: 'row 1000' })
  expect(sent.length).toBeGreaterThan(2)
  expect(sent.length).toBeLessThan(12)
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(page.calls.filter(({ name }) => name === 'progress')).toHaveLength(sent.length)
})

describe('with fake timers', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('X3: sleep follows them', async () => {
    let woke = false
    const page = await run(async (task) => {
      await task.sleep(60_000)
      woke = true
    })
    await page.settle()
    vi.advanceTimersByTime(59_999)
    await page.settle()
    expect(woke).toBe(false)
    vi.advanceTimersByTime(1)
    await page.result()
    expect(vi.getTimerCount()).toBe(0)
  })
})
