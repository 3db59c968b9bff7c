import { afterEach, describe, expect, test, vi } from 'vitest'
import { InvalidMutationError, NotCloneableError } from '../errors.js'
import { formatPath } from '../state/mutation.js'
import { copyIn } from '../state/values.js'
import { collectGarbage } from '../store/fixtures/fuzz-watch.js'
import { createLink } from './endpoint.js'
import { assertMutations, assertSpec } from './validate.js'
import { fromWireError, toWireError } from './wire-error.js'

/* What costs a peer a few bytes must not cost this side its memory or its time. */

interface Facade {
  hello(a: unknown): void
}

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

function setUp() {
  const { port1, port2 } = new MessageChannel()
  const heard: unknown[] = []
  const faults: string[] = []
  const link = createLink<Facade, Facade>(port1, {
    methods: ['hello'],
    handlers: { hello: (_, a) => void heard.push(a) },
    onFault: (error) => void faults.push(String(error)),
  })
  const raw: { m: { id: string } }[] = []
  port2.addEventListener('message', ({ data }) => raw.push(data))
  port2.start()
  open.push(link, port2)
  return { link, peer: port2, heard, faults, raw }
}

const call = (value: unknown) => ({
  m: { id: '1', type: 'APPLY', path: ['hello'], argumentList: [{ type: 'RAW', value }] },
})

/** The same container in 2^60 places. */
function unfolding<T>(wrap: (inner: unknown) => T): T {
  let at = wrap(1)
  for (let i = 0; i < 60; i++) at = wrap(at)
  return at
}

function hollow(length: number): unknown[] {
  const array: unknown[] = []
  array.length = length
  return array
}

/** What the handlers of a link that has been used and closed hold. */
function closedLink(): WeakRef<object> {
  const held = { of: 'the page' }
  const { port1, port2 } = new MessageChannel()
  const options = { methods: ['hello'] as const, handlers: { hello: () => void held.of }, onFault() {} }
  const link = createLink<Facade, Facade>(port1, options)
  link.send('hello', [1])
  link.close()
  port2.close()
  return new WeakRef(held)
}

describe('a link', () => {
  test('takes no argument that is large', async () => {
    const { peer, heard, faults } = setUp()
    for (const value of ['x'.repeat(129), 2n ** 64n, 2n ** 4096n]) peer.postMessage(call(value))
    for (const value of ['x'.repeat(128), 2n ** 60n, -1n, Number.NaN, undefined, null, true])
      peer.postMessage(call(value))
    await vi.waitFor(() => expect(heard).toHaveLength(7))
    expect(faults).toHaveLength(3)
    for (const fault of faults) expect(fault.length).toBeLessThan(200)
  })

  test('that is closed can be collected, with all that its handlers hold', async () => {
    const held = closedLink()
    await vi.waitFor(() => {
      expect(collectGarbage()).toBeDefined()
      expect(held.deref() === undefined).toBe(true) // a failed comparison would itself hold it
    })
  })
})

describe('an error that arrives', () => {
  test('is made of 256 others at most, however often the same is in it', () => {
    const wire = unfolding((inner) => ({
      name: 'AggregateError',
      message: 'm',
      errors: new Array(64).fill(inner),
      cause: inner,
    }))
    const seen = new Set<unknown>()
    const count = (error: unknown): void => {
      if (!(error instanceof Error) || error.message.startsWith('An error that was left out')) return
      seen.add(error)
      for (const one of error instanceof AggregateError ? error.errors : []) count(one)
      count(error.cause)
    }
    count(fromWireError(structuredClone(wire)))
    expect(seen.size).toBe(256)
  })

  test('has no text made of what is no text', () => {
    const text = unfolding((inner) => [inner, inner])
    const error = fromWireError(structuredClone({ name: text, message: text, stack: text, code: text })) as Error
    expect([error.name, error.message]).toEqual(['Error', ''])
    expect((fromWireError(2n ** 100_000n) as Error).message.length).toBeLessThan(100)
  })

  test('leaves with 256 others at most', () => {
    const inner: Error[] = []
    const error = new AggregateError(inner, 'all')
    for (let i = 0; i < 64; i++) error.errors.push(error)
    const text = JSON.stringify(toWireError(error))
    expect(text.length).toBeLessThan(20_000_000)
    expect(toWireError(unfolding((part) => [part, part])).message).toBe('[object Array]')
  })
})

describe('a value for the state', () => {
  const wraps: [string, (inner: unknown) => unknown][] = [
    ['arrays', (inner) => [inner, inner]],
    ['objects', (inner) => ({ l: inner, r: inner })],
    [
      'maps',
      (inner) =>
        new Map([
          [1, inner],
          [2, inner],
        ]),
    ],
  ]
  test.each(wraps)('is refused that unfolds without end: %s', (_what, wrap) => {
    expect(() => copyIn(unfolding(wrap), ['a'])).toThrow(
      /too large: the same containers stand in very many of its places/,
    )
  })

  test('is refused that holds one buffer in very many places', () => {
    const buffer = new ArrayBuffer(2 ** 20)
    expect(() => copyIn(new Array(10_000).fill(buffer), ['a'])).toThrow(NotCloneableError)
  })

  test('may share what it likes, if there is room for all of it', () => {
    const shared = { tags: ['a'] }
    const copy = copyIn(
      Array.from({ length: 200_000 }, () => ({ shared })),
      ['a'],
    ) as { shared: unknown }[]
    expect(copy).toHaveLength(200_000)
    expect(copy[0]?.shared).not.toBe(copy[1]?.shared)
  })

  test('is refused with many ways round in it, such as a tree whose nodes know their parents', () => {
    interface Node {
      children: Node[]
      parent: Node | undefined
    }
    const root: Node = { children: [], parent: undefined }
    for (let i = 0; i < 5; i++) {
      const child: Node = { children: [], parent: root }
      for (let j = 0; j < 5; j++) child.children.push({ children: [], parent: child })
      root.children.push(child)
    }
    expect(() => copyIn(root, ['tree'])).toThrow(/a circular reference/)
  })

  test('is refused that is nothing but holes', () => {
    for (const length of [100_001, 2 ** 27, 2 ** 32 - 1]) {
      expect(() => copyIn(structuredClone(hollow(length)), ['a'])).toThrow(/holes/)
    }
    expect(copyIn(hollow(3), [])).toEqual([undefined, undefined, undefined])
    expect(copyIn(new Array(200_000).fill(undefined), [])).toHaveLength(200_000)
  })
})

describe('what is said of a bad message', () => {
  test('is short, whatever is in it', () => {
    const keys = ['x'.repeat(1e6), '\n'.repeat(1e6), 2n ** 100_000n]
    for (const key of keys) expect(formatPath([key]).length).toBeLessThan(1_000)
    expect(formatPath(new Array(1_000).fill('x'.repeat(1_000))).length).toBeLessThan(5_000)
    for (const index of ['x'.repeat(1e6), { toString: 1 }, unfolding((inner) => [inner, inner])]) {
      const bad = () => assertMutations([{ op: 'arrange', path: ['rows'], keep: [index], values: [] }])
      expect(bad).toThrow(InvalidMutationError)
      expect(bad).toThrow(/^.{0,300}$/s)
    }
  })

  test('a call with more arguments than a function can take is refused', () => {
    for (const args of [hollow(2 ** 32 - 1), hollow(3), new Array(10_001).fill(1)]) {
      expect(() => assertSpec({ kind: 'event', name: 'x', args })).toThrow(
        /^spec: args must be an array of at most 10000, without holes\.$/,
      )
    }
    expect(() => assertSpec({ kind: 'event', name: 'x', args: new Array(10_000).fill(undefined) })).not.toThrow()
  })
})
