import { afterEach, expect, test, vi } from 'vitest'
import { NotCloneableError } from '../errors.js'
import type { Link, LinkOptions } from './endpoint.js'
import { createLink } from './endpoint.js'
import type { Paced } from './outbox.js'
import { transfer } from './transfer.js'

const until = (check: () => void) => vi.waitFor(check, { interval: 2 })
const bulk = { from: 50, slice: 50 }

interface Facade {
  data(n: number): void
  urgent(n: number): void
}

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** A link that sends, paced if `paced` is given, and a link that hears it; the messages between them are noted. */
function setUp(paced?: Partial<Paced<'data' | 'urgent'>>, onSlice?: () => void) {
  const { port1, port2 } = new MessageChannel()
  const heard: [string, number, unknown][] = []
  const opened: ReadonlySet<object>[] = []
  const faults: unknown[] = []
  const posted: Record<string, unknown>[] = []
  const turns: (() => void)[] = []
  const told = { deferred: 0, failed: [] as unknown[] }
  const { postMessage } = port1
  port1.postMessage = (message: unknown, transferred?: any) => {
    posted.push(message as Record<string, unknown>)
    postMessage.call(port1, message, transferred)
  }
  const options: LinkOptions<Facade, Facade> = {
    methods: ['data', 'urgent'],
    handlers: {
      data: (payload, n) => {
        heard.push(['data', n, payload])
        opened.push(new Set(there.opened))
      },
      urgent: (payload, n) => void heard.push(['urgent', n, payload]),
    },
    onFault: (error) => void faults.push(error),
    bulk,
  }
  const here = createLink<Facade, Facade>(port1, {
    ...options,
    paced: paced && {
      turn: (run) => void turns.push(run),
      overtaking: ['urgent'],
      onDeferred() {
        told.deferred += 1
      },
      onSendFailed: (error) => void told.failed.push(error),
      ...paced,
    },
  })
  const there: Link<Facade> = createLink<Facade, Facade>(port2, { ...options, ...(onSlice && { onSlice }) })
  open.push(here, there)
  const kinds = () => posted.map((message) => ('s' in message ? 's' : 'drop' in message ? 'drop' : 'm'))
  /** One turn of the side that sends. */
  const turn = () => turns.shift()?.()
  return { here, there, port1, port2, heard, faults, posted, kinds, turns, turn, told, opened }
}

const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}` }))

test('a worker sends a large payload in slices, all at once, ahead of its call', async () => {
  let slices = 0
  const { here, heard, kinds, opened, faults } = setUp(undefined, () => {
    slices += 1
  })
  const payload = { rows: rows(20) }
  here.send('data', [1], payload)
  expect(kinds().at(-1)).toBe('m')
  expect(
    kinds()
      .slice(0, -1)
      .every((kind) => kind === 's'),
  ).toBe(true)
  expect(kinds().length).toBeGreaterThan(4)
  here.send('data', [2], 'small')
  await until(() => expect(heard).toHaveLength(2))
  expect(heard).toEqual([
    ['data', 1, payload],
    ['data', 2, 'small'],
  ])
  expect(slices).toBe(kinds().length - 2)
  const [, , arrived] = heard[0] as [string, number, { rows: object }]
  expect(opened[0]?.has(arrived.rows)).toBe(true)
  expect(opened[1]?.size).toBe(0)
  expect(faults).toEqual([])
})

test('a page sends one slice a turn; what comes meanwhile waits behind it in order, but for what overtakes', async () => {
  const { here, heard, kinds, turn, turns, told } = setUp({})
  here.send('data', [1], rows(20))
  expect(kinds()).toEqual([])
  expect(told.deferred).toBe(1)
  turn()
  turn()
  expect(kinds()).toEqual(['s', 's'])
  here.send('data', [2], 'small')
  here.send('data', [3])
  here.send('urgent', [4], rows(20))
  expect(told.deferred).toBe(2)
  let sent = false
  here.afterSent(() => {
    sent = true
  })
  expect(here.isSending).toBe(true)
  expect(kinds()).toEqual(['s', 's', 'm'])
  while (turns.length > 0) {
    expect(sent).toBe(false)
    turn()
  }
  expect(sent).toBe(true)
  expect(here.isSending).toBe(false)
  await until(() => expect(heard).toHaveLength(4))
  expect(heard.map(([, n]) => n)).toEqual([4, 1, 2, 3])
  expect(heard[0]?.[2]).toEqual(rows(20))
  here.send('data', [5])
  let atOnce = false
  here.afterSent(() => {
    atOnce = true
  })
  expect(atOnce).toBe(true)
  await until(() => expect(heard).toHaveLength(5))
})

test('what turns out not to be for slices is taken back and goes whole', async () => {
  const { here, heard, kinds, faults } = setUp()
  const shared = { id: 0 }
  const payload = [...rows(20), shared, shared]
  here.send('data', [1], payload)
  expect(kinds().slice(-2)).toEqual(['drop', 'm'])
  await until(() => expect(heard).toHaveLength(1))
  const arrived = heard[0]?.[2] as unknown[]
  expect(arrived).toEqual(payload)
  expect(arrived.at(-1)).toBe(arrived.at(-2))
  here.send('data', [2], rows(20)) // the next one begins anew
  await until(() => expect(heard).toHaveLength(2))
  expect(faults).toEqual([])
})

test('what cannot be cloned is told at once where all is sent at once, with its path, and leaves nothing', async () => {
  const { here, heard, faults } = setUp()
  const send = () => here.send('data', [1], { rows: [...rows(20), { bad: () => {} }] })
  expect(send).toThrow(NotCloneableError)
  expect(send).toThrow(/rows\[20\]\.bad/)
  here.send('data', [2], rows(20))
  await until(() => expect(heard).toHaveLength(1))
  expect(faults).toEqual([])
})

test('what cannot be cloned is told later where it is sent later, and what waits behind it goes on', async () => {
  const { here, heard, turn, turns, told } = setUp({})
  here.send('data', [1], [...rows(20), () => {}])
  here.send('data', [2])
  while (turns.length > 0) turn()
  expect(told.failed).toEqual([expect.any(NotCloneableError)])
  await until(() => expect(heard).toEqual([['data', 2, undefined]]))
})

test('a payload that is transferred is not sliced', async () => {
  const { here, heard, kinds } = setUp()
  const payload = { rows: rows(20), buffer: new ArrayBuffer(8) }
  here.send('data', [1], transfer(payload, [payload.buffer]), [payload.buffer])
  expect(kinds()).toEqual(['m'])
  await until(() => expect(heard).toHaveLength(1))
})

test('a link that is closed in the middle sends no more, and one that hears no end hands over nothing', async () => {
  const { here, there, heard, kinds, turn, turns } = setUp({})
  here.send('data', [1], rows(20))
  turn()
  turn()
  here.close()
  while (turns.length > 0) turn()
  expect(kinds()).toEqual(['s', 's'])
  there.send('data', [2])
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(heard).toEqual([])
})

const open_ = { do: 'open', kind: 'array' }
const close = { do: 'close' }
const call = (of: unknown) => ({
  m: { id: '1', type: 'APPLY', path: ['data'], argumentList: [{ type: 'RAW', value: 7 }] },
  of,
})

const wrong: readonly (readonly [string, readonly unknown[]])[] = [
  ['a call for which no slices came', [call(1)]],
  ['a call for slices of another payload', [{ s: [open_, close], of: 1 }, call(2)]],
  ['a call before the last slice', [{ s: [open_], of: 1 }, call(1)]],
  [
    'two payloads at a time',
    [
      { s: [open_], of: 1 },
      { s: [open_], of: 2 },
    ],
  ],
  ['a payload once more', [{ s: [open_, close], of: 2 }, call(2), { s: [open_, close], of: 2 }]],
  ['a payload of no number', [{ s: [open_, close], of: 'x' }]],
  ['a slice that is none', [{ s: 'x', of: 1 }]],
  ['a slice without a container', [{ s: [close], of: 1 }]],
  ['a payload that goes on after its end', [{ s: [open_, close, open_], of: 1 }]],
  ['something dropped that never was', [{ of: 1, drop: true }]],
  ['nothing at all', [{ of: 1 }]],
]

test.each(wrong)('%s is refused and counted', async (_, messages) => {
  const { port1, faults, heard } = setUp()
  for (const message of messages) port1.postMessage(message)
  await until(() => expect(faults).toHaveLength(1))
  expect(faults[0]).toBeInstanceOf(TypeError)
  expect(heard.filter(([, n]) => n !== 7)).toEqual([])
})

test('after a bad slice the rest of its payload is refused, and the next payload is taken', async () => {
  const { here, port1, faults, heard } = setUp()
  for (const s of [[open_], 'bad', [close]]) port1.postMessage({ s, of: 0.5 })
  here.send('data', [1], rows(20))
  await until(() => expect(heard).toHaveLength(1))
  expect(faults).toHaveLength(3)
})
