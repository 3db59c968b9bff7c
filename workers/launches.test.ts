import { expect, test } from 'vitest'
import { StoreDisposedError } from '../lib/errors.js'
import { toWireError } from '../lib/protocol/wire-error.js'
import { Launches } from './launches.js'

type Call = (...args: unknown[]) => Promise<void>

function setUp() {
  const sent: unknown[] = []
  const launches = new Launches(((name: string, args: unknown, payload: unknown, transfer: unknown) => {
    sent.push([name, args, payload, transfer])
  }) as never)
  const made: unknown[] = []
  const emit = launches.calls(3, 'event', (spec) => made.push(spec)) as Record<string, Call> & {
    readonly spec: Record<string, (...args: unknown[]) => never>
  }
  return { sent, made, launches, emit }
}

const errorOf = (promise: Promise<void> | undefined): Promise<unknown> =>
  (promise ?? Promise.resolve()).then(
    () => undefined,
    (error: unknown) => error,
  )

test('T7: a call is sent in its turn, and resolves with the answer to it, whichever comes first', async () => {
  const { sent, launches, emit } = setUp()
  const order: string[] = []
  const first = emit.add?.(1).then(() => order.push('first'))
  const second = emit.add?.(2).then(() => order.push('second'))
  const third = emit.add?.(3)
  expect(sent).toEqual([1, 2, 3].map((n) => ['launch', [n, 3], { kind: 'event', name: 'add', args: [n] }, []]))
  launches.launched(undefined, 2)
  await second
  launches.launched(undefined, 1)
  launches.launched(undefined, 1)
  launches.launched(undefined, 99)
  await first
  launches.launched(toWireError(new RangeError('no')), 3)
  expect(await errorOf(third)).toBeInstanceOf(RangeError)
  expect(order).toEqual(['second', 'first'])
})

test('T6: a spec sends nothing until it is carried out; those carried out together leave in one turn', async () => {
  const { sent, made, launches, emit } = setUp()
  const specs = ['a', 'b'].map((name) => emit.spec[name]?.(name) as never)
  expect(made).toEqual(specs)
  expect(sent).toEqual([])
  const all = launches.carryOut(3, specs)
  expect(sent).toMatchObject([
    ['launch', [1, 3], { name: 'a' }, []],
    ['launch', [2, 3], { name: 'b' }, []],
  ])
  launches.launched(undefined, 1)
  launches.launched(toWireError(new RangeError('b')), 2)
  expect(await errorOf(all)).toBeInstanceOf(RangeError)
})

test('T15: when the port is closed, who awaits hears of it, and what nobody awaits is no unhandled rejection', async () => {
  const { sent, launches, emit } = setUp()
  const awaited = errorOf(emit.add?.(1))
  void emit.add?.(2)
  launches.close(new StoreDisposedError('closed'))
  void emit.add?.(3)
  const late = errorOf(emit.add?.(4))
  expect(await awaited).toBeInstanceOf(StoreDisposedError)
  expect(await late).toBeInstanceOf(StoreDisposedError)
  expect(sent).toHaveLength(2)
  await new Promise((resolve) => setImmediate(resolve)) // an unhandled rejection would fail the run
})
