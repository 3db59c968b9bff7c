import { expose, transferHandlers, wrap } from 'comlink'
import { afterEach, expect, test, vi } from 'vitest'
import { NotCloneableError } from '../errors.js'
import type { Link, LinkOptions } from './endpoint.js'
import { createLink } from './endpoint.js'

const until = (check: () => void) => vi.waitFor(check, { interval: 2 })

interface Facade {
  hello(a: number, b?: number | boolean | string | null, c?: undefined, d?: bigint): void
  other(): void
}

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** One end under test, the other end as a raw port. */
function setUp(
  handlers: Partial<LinkOptions<Facade>['handlers']> = {},
  frames: readonly string[] = [],
  answers: readonly string[] = [],
) {
  const { port1, port2 } = new MessageChannel()
  const heard: unknown[] = []
  const faults: { error: unknown; closed: boolean }[] = []
  const raw: any[] = []
  port2.onmessage = ({ data }) => raw.push(data)
  open.push(port2)
  const link: Link<Facade> = createLink<Facade, Facade>(port1, {
    methods: ['hello', 'other'],
    frames,
    answers,
    handlers: {
      hello: (payload, ...args) => void heard.push(['hello', payload, ...args]),
      other: (payload, ...args) => void heard.push(['other', payload, ...args]),
      ...handlers,
    },
    onFault: (error, closed) => void faults.push({ error, closed }),
  })
  open.push(link)
  const posts = vi.spyOn(port1, 'postMessage')
  return { link, peer: port2, heard, faults, raw, posts }
}

/** Two links that talk to each other. */
function setUpPair() {
  const { port1, port2 } = new MessageChannel()
  const heard: unknown[] = []
  const faults: unknown[] = []
  const options: LinkOptions<Facade> = {
    methods: ['hello', 'other'],
    handlers: {
      hello: (payload, ...args) => void heard.push([payload, ...args]),
      other: (payload) => void heard.push(payload),
    },
    onFault: (error) => void faults.push(error),
  }
  const here = createLink<Facade, Facade>(port1, options)
  const there = createLink<Facade, Facade>(port2, options)
  open.push(here, there)
  return { here, there, heard, faults }
}

const call = (over: object = {}) => ({
  m: { id: '1', type: 'APPLY', path: ['hello'], argumentList: [{ type: 'RAW', value: 7 }], ...over },
})

test('a call arrives with its primitives and its payload, in order, and both ends may call', async () => {
  const { here, there, heard, faults } = setUpPair()
  here.send('hello', [1, true, undefined, 5n], { rows: [new Map([['a', Number.NaN]])] })
  here.send('hello', [2, null])
  there.send('other', [], 'from there')
  await until(() => expect(heard).toHaveLength(3))
  expect(heard.filter(Array.isArray)).toEqual([
    [{ rows: [new Map([['a', Number.NaN]])] }, 1, true, undefined, 5n],
    [undefined, 2, null],
  ])
  expect(heard).toContain('from there')
  expect(faults).toEqual([])
})

test('what is transferred arrives and is gone here', async () => {
  const { here, heard } = setUpPair()
  const buffer = new ArrayBuffer(8)
  here.send('other', [], { buffer }, [buffer])
  expect(buffer.byteLength).toBe(0)
  await until(() => expect(heard).toHaveLength(1))
  expect((heard[0] as { buffer: ArrayBuffer }).buffer.byteLength).toBe(8)
})

test('contract: the wire format is that of Comlink 4.4.2', async () => {
  const { link, raw, peer, heard } = setUp()
  link.send('hello', [1, 'x'], 'payload')
  await until(() => expect(raw).toHaveLength(1))
  const ours = raw[0].m
  expect(raw[0]).toEqual({ m: expect.anything(), p: 'payload' })

  // The same call, as Comlink itself makes it.
  const { port1, port2 } = new MessageChannel()
  const theirs: any[] = []
  port1.addEventListener('message', ({ data }) => theirs.push(data))
  port2.addEventListener('message', ({ data }) => theirs.push(data))
  open.push(port1)
  expose({ hello: () => true }, port2)
  await (wrap(port1) as any).hello(1, 'x')
  expect(theirs).toHaveLength(2)
  const [theirCall] = theirs
  expect({ ...ours, id: '' }).toEqual({ ...theirCall, id: '' })
  expect(Object.keys(theirCall).sort()).toEqual(['argumentList', 'id', 'path', 'type'])
  expect(theirCall.id).toMatch(/^[0-9a-f]+(-[0-9a-f]+){3}$/)

  peer.postMessage({ m: theirCall })
  await until(() => expect(heard).toEqual([['hello', undefined, 1, 'x']]))
  expect(raw).toHaveLength(1) // calls are not replied to
})

const refusals: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a string', 'hello'],
  ['an empty envelope', {}],
  ['a bare Comlink message', call().m],
  ['GET', call({ type: 'GET' })],
  ['SET', call({ type: 'SET', value: { type: 'RAW', value: true } })],
  ['SET __proto__', call({ type: 'SET', path: ['__proto__', 'isAdmin'], value: { type: 'RAW', value: true } })],
  ['CONSTRUCT', call({ type: 'CONSTRUCT', path: ['hello', 'constructor'] })],
  ['ENDPOINT', call({ type: 'ENDPOINT' })],
  ['RELEASE', call({ type: 'RELEASE', path: undefined })],
  ['an unknown type', call({ type: 'NOPE' })],
  ['no id', call({ id: undefined })],
  ['a long id', call({ id: 'x'.repeat(129) })],
  ['an id that is no string', call({ id: 1 })],
  ['an unknown method', call({ path: ['nope'] })],
  ['an inherited name', call({ path: ['toString'] })],
  ['__proto__', call({ path: ['__proto__'] })],
  ['a path through a method', call({ path: ['hello', 'constructor'] })],
  ['an empty path', call({ path: [] })],
  ['a path that is no array', call({ path: 'hello' })],
  ['a path of arrays', call({ path: [['hello']] })],
  ['no arguments', call({ argumentList: undefined })],
  ['five arguments', call({ argumentList: Array(5).fill({ type: 'RAW', value: 1 }) })],
  ['an object', call({ argumentList: [{ type: 'RAW', value: {} }] })],
  ['a handler', call({ argumentList: [{ type: 'HANDLER', name: 'proxy', value: 1 }] })],
  ['a throw', call({ argumentList: [{ type: 'HANDLER', name: 'throw', value: { isError: false, value: 1 } }] })],
  ['arguments that are no wire values', call({ argumentList: [1] })],
  ['a reply to nothing', { m: { id: '1', type: 'RAW', value: true } }],
  ['a thrown reply', { m: { id: '1', type: 'HANDLER', name: 'throw', value: {} } }],
]

test.each(refusals)('refused and counted: %s', async (_what, message) => {
  const { peer, heard, faults, raw } = setUp()
  peer.postMessage(message)
  await until(() => expect(faults).toHaveLength(1))
  expect(String(faults[0]?.error)).toMatch(/^TypeError: Refused a message: .+\.$/)
  peer.postMessage(call())
  await until(() => expect(heard).toEqual([['hello', undefined, 7]]))
  expect(raw).toEqual([])
  expect(Reflect.get({}, 'isAdmin')).toBeUndefined()
})

const frameRefusals: [string, unknown][] = [
  ['an empty one', []],
  ['of a method that crosses as a call', ['other', undefined, 1]],
  ['of an unknown method', ['nope', undefined]],
  ['of an inherited name', ['toString', undefined]],
  ['of what is no name', [['hello'], undefined]],
  ['of the list, but not of this side', ['granted', undefined]],
  ['with five arguments', ['hello', undefined, 1, 2, 3, 4, 5]],
  ['with an object', ['hello', undefined, {}]],
  ['with a long text', ['hello', undefined, 'x'.repeat(129)]],
  ['with a large bigint', ['hello', undefined, 2n ** 64n]],
  ['with four billion holes', Object.assign(['hello'], { length: 2 ** 32 - 1 })],
]

test.each(frameRefusals)('refused and counted, a frame: %s', async (_what, message) => {
  const { peer, heard, faults } = setUp({}, ['hello', 'granted'])
  peer.postMessage(message)
  await until(() => expect(faults).toHaveLength(1))
  expect(String(faults[0]?.error)).toMatch(/^TypeError: Refused a message: .+\.$/)
  peer.postMessage(['hello', { a: 1 }, 7, null, undefined, 5n])
  await until(() => expect(heard).toEqual([['hello', { a: 1 }, 7, null, undefined, 5n]]))
})

test('what crosses as a frame is posted as one, in order with calls, and may come as a call', async () => {
  const { link, peer, raw, heard } = setUp({}, ['hello'])
  link.send('hello', [1, true], { a: 1 })
  link.send('other', [])
  link.send('hello', [2])
  await until(() => expect(raw).toHaveLength(3))
  expect(raw).toEqual([
    ['hello', { a: 1 }, 1, true],
    { m: expect.objectContaining({ path: ['other'] }) },
    ['hello', undefined, 2],
  ])
  peer.postMessage(call())
  await until(() => expect(heard).toEqual([['hello', undefined, 7]]))
})

test('an answer waits until the message in hand is dealt with, and goes along with the next frame', async () => {
  let act = () => {}
  const { link, peer, raw, posts } = setUp({ hello: () => act() }, ['hello', 'other'], ['other'])
  const answered: unknown[] = []
  act = () => {
    link.send('other', [])
    answered.push(posts.mock.calls.length)
  }
  peer.postMessage(['hello', undefined, 1])
  await until(() => expect(raw).toEqual([['other', undefined]]))
  expect(answered).toEqual([0])
  act = () => {
    link.send('other', [])
    expect(() => link.send('hello', [1], { run() {} })).toThrow(NotCloneableError)
    link.send('hello', [2], { a: 1 })
    link.send('other', [])
    link.send('hello', [3])
  }
  peer.postMessage(['hello', undefined, 1])
  const pairs = [
    [
      ['other', undefined],
      ['hello', { a: 1 }, 2],
    ],
    [
      ['other', undefined],
      ['hello', undefined, 3],
    ],
  ]
  await until(() => expect(raw.slice(1)).toEqual(pairs))
  link.send('other', []) // nothing is in hand
  expect(posts.mock.lastCall?.[0]).toEqual(['other', undefined])
})

test('an answer that waits goes out before a call, before what it could not go along with, and before the port is closed', async () => {
  let act = () => {}
  const { link, peer, raw } = setUp({ hello: () => act() }, ['other'], ['other'])
  act = () => {
    link.send('other', [])
    link.send('hello', [1])
    link.send('other', [])
    link.send('other', [], { a: 1 })
    link.send('other', [])
    link.close()
  }
  peer.postMessage(call())
  const answer = ['other', undefined]
  const hello = { m: expect.objectContaining({ path: ['hello'] }) }
  await until(() => expect(raw).toEqual([answer, hello, [answer, ['other', { a: 1 }]], answer]))
})

test('an answer and a frame in one message are two calls, in order; any other two are refused', async () => {
  const { peer, heard, faults } = setUp({}, ['hello', 'other', 'nope'], ['other', 'nope'])
  peer.postMessage([
    ['other', undefined],
    ['hello', { a: 1 }, 7],
  ])
  await until(() =>
    expect(heard).toEqual([
      ['other', undefined],
      ['hello', { a: 1 }, 7],
    ]),
  )
  const bad = [
    [
      ['hello', undefined, 1],
      ['hello', undefined, 1],
    ],
    [['other', undefined]],
    [
      ['other', undefined],
      ['other', undefined],
      ['other', undefined],
    ],
    [['other', undefined], { m: call().m }],
    [
      ['nope', undefined],
      ['hello', undefined, 1],
    ],
    [
      [
        ['other', undefined],
        ['other', undefined],
      ],
      ['hello', undefined, 1],
    ],
    Object.assign([['other', undefined]], { length: 2 ** 32 - 1 }),
  ]
  for (const one of bad) peer.postMessage(one)
  await until(() => expect(faults).toHaveLength(bad.length))
  expect(heard).toHaveLength(2)
  for (const { error } of faults) expect(String(error)).toMatch(/^TypeError: Refused a message: .+\.$/)
})

test('the hundredth refused message closes the port', async () => {
  const { peer, heard, faults } = setUp()
  for (let i = 0; i < 150; i++) peer.postMessage('garbage')
  peer.postMessage(call())
  await until(() => expect(faults.at(-1)?.closed).toBe(true))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(faults).toHaveLength(100)
  expect(faults.filter(({ closed }) => closed)).toHaveLength(1)
  expect(heard).toEqual([])
})

test('a handler that throws is told once, to the side that refused the call', async () => {
  const broken = new Error('broken')
  const { peer, faults, raw, heard } = setUp({
    hello: () => {
      throw broken
    },
  })
  peer.postMessage(call())
  peer.postMessage(call({ path: ['other'] }))
  await until(() => expect(heard).toHaveLength(1))
  expect(faults).toEqual([{ error: broken, closed: false }])
  expect(raw).toEqual([])
})

test('T9: what cannot be cloned is refused at once with its path, and nothing is left pending', async () => {
  const { link, raw, faults } = setUp()
  const cyclic: { self?: object; fn?: () => void } = { fn() {} }
  cyclic.self = cyclic
  const cases: [unknown, unknown[], RegExp][] = [
    [
      { args: [1, { cb() {} }] },
      ['args', 1, 'cb'],
      /^A function cannot cross to another thread: args\[1\]\.cb in the payload/,
    ],
    [Symbol('x'), [], /^A symbol cannot cross to another thread: the payload of "hello"/],
    [new Map([['a', new Promise(() => {})]]), ['a'], /^A Promise/],
    [new Set([new WeakMap()]), [0], /^A WeakMap/],
    [{ deep: new Proxy({ a: 1 }, {}) }, ['deep'], /^A proxy/],
    [cyclic, ['fn'], /^A function/],
    [
      {
        get broken() {
          throw new Error('mine')
        },
      },
      [],
      /^A proxy or an accessor/,
    ],
  ]
  for (const [payload, path, message] of cases) {
    let error: unknown
    try {
      link.send('hello', [1], payload)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(NotCloneableError)
    expect(error).toMatchObject({ path, message: expect.stringMatching(message), cause: expect.anything() })
  }
  link.send('hello', [2])
  await until(() => expect(raw).toHaveLength(1))
  await new Promise((resolve) => setTimeout(resolve, 10)) // an unhandled rejection would fail the run
  expect(raw[0].m.argumentList).toEqual([{ type: 'RAW', value: 2 }])
  expect(faults).toEqual([])
})

test('a message that cannot be deserialized is a fault', async () => {
  const { port1, port2 } = new MessageChannel()
  const faults: unknown[] = []
  const link = createLink<Facade, object>(port1, { methods: [], handlers: {}, onFault: (error) => faults.push(error) })
  open.push(link, port2)
  port1.dispatchEvent(new Event('messageerror'))
  expect(faults).toHaveLength(1)
})

test('closed: nothing is sent, heard or reported any more', async () => {
  const { link, peer, raw, heard, faults } = setUp()
  link.close()
  link.close()
  link.send('hello', [1], () => {})
  peer.postMessage(call())
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect([raw, heard, faults]).toEqual([[], [], []])
})

test('T19: a transfer handler of somebody else that takes every value is neither asked nor obeyed', async () => {
  const asked: unknown[] = []
  const greedy = {
    canHandle: (value: unknown): value is unknown => asked.push(value) > 0,
    serialize: (): [unknown, Transferable[]] => ['rewritten', []],
    deserialize: () => 'rewritten',
  }
  const known = [...transferHandlers]
  transferHandlers.clear() // ahead of Comlink's own
  transferHandlers.set('greedy', greedy)
  for (const [name, handler] of known) transferHandlers.set(name, handler)
  try {
    const { here, there, heard, faults } = setUpPair()
    here.send('hello', [1, 'two', undefined, 4n], { three: 3 })
    there.send('hello', [5])
    await until(() => expect(heard).toHaveLength(2))
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(heard).toContainEqual([{ three: 3 }, 1, 'two', undefined, 4n])
    expect(heard).toContainEqual([undefined, 5])
    expect(faults).toEqual([])
    expect(asked).toEqual([])
  } finally {
    transferHandlers.delete('greedy')
  }
})
