import { describe, expect, test } from 'vitest'
import {
  errorClasses,
  ImmutableStateError,
  LeaseExpiredError,
  LeaseholdError,
  NotCloneableError,
  StorageError,
} from '../errors.js'
import { fromWireError, toWireError } from './wire-error.js'

/** Over the boundary and back, as a port would carry it. */
const cross = (error: unknown): any => fromWireError(structuredClone(toWireError(error)))

describe('T10: errors cross with their class', () => {
  test.each(errorClasses.map((one) => [one.code, one] as const))('%s of this library', (code, ErrorClass) => {
    const sent = new ErrorClass('why', { cause: new RangeError('deep') }) as Error & { readonly code: string }
    const { name } = sent
    expect([name, sent.code]).toEqual([ErrorClass.name, code])
    const received = cross(sent)
    expect(received.constructor).toBe(sent.constructor)
    expect(received).toBeInstanceOf(LeaseholdError)
    expect(received).toMatchObject({ name, message: 'why', code: sent.code })
    expect(received.cause).toBeInstanceOf(RangeError)
    expect(received.cause.message).toBe('deep')
    expect(Object.keys(received).sort()).toEqual(Object.keys(sent).sort())
  })

  test('a StorageError says why, so that a task can tell a follower from a full disk', () => {
    expect(cross(new StorageError('why', { reason: 'follower' }))).toMatchObject({ reason: 'follower' })
    expect(cross(new StorageError('why'))).toMatchObject({ reason: 'failed' })
    const forged = { ...toWireError(new StorageError('why', { reason: 'quota' })), reason: '__proto__' }
    expect(fromWireError(forged)).toMatchObject({ reason: 'failed' })
  })

  test.each([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])('%o', (BuiltIn) => {
    const received = cross(new BuiltIn('why'))
    expect(received.constructor).toBe(BuiltIn)
    expect(received.message).toBe('why')
    expect(Object.keys(received)).toEqual([])
  })

  test('DOMExceptions, whatever their name', () => {
    for (const name of ['AbortError', 'TimeoutError', 'DataCloneError', 'MyError']) {
      const received = cross(new DOMException('why', name))
      expect(received).toBeInstanceOf(DOMException)
      expect([received.name, received.message]).toEqual([name, 'why'])
    }
    expect(cross(new DOMException('', 'AbortError')).code).toBe(20)
  })

  test('AggregateError, with its errors', () => {
    const received = cross(new AggregateError([new TypeError('a'), 'b'], 'all'))
    expect(received).toBeInstanceOf(AggregateError)
    expect(received.errors[0]).toBeInstanceOf(TypeError)
    expect(received.errors[1]).toBe('b')
  })

  test("a user's own class keeps name, message, code, cause and stack", () => {
    class HttpError extends Error {
      override name = 'HttpError'
      readonly code: number | string
      constructor(code: number | string) {
        super(`HTTP ${code}`, { cause: { status: code } })
        this.code = code
      }
    }
    for (const code of [404, 'E_HTTP']) {
      const sent = new HttpError(code)
      const received = cross(sent)
      expect(received.constructor).toBe(Error)
      expect(received).toMatchObject({ name: 'HttpError', message: `HTTP ${code}`, code, cause: { status: code } })
      expect(received.stack).toContain(sent.stack)
    }
  })

  test('a NotCloneableError keeps its path', () => {
    const received = cross(new NotCloneableError('why', { path: ['rows', 3, null, Symbol('s')] }))
    expect(received).toBeInstanceOf(NotCloneableError)
    expect(received.path).toEqual(['rows', 3, null, 'Symbol(s)'])
  })

  test('the brand of ImmutableStateError: a TypeError and a LeaseholdError', () => {
    const received = cross(new ImmutableStateError('why'))
    expect(received).toBeInstanceOf(TypeError)
    expect(received).toBeInstanceOf(LeaseholdError)
  })
})

test('T10: the stack shows both sides', () => {
  const wire = toWireError(
    (function thrower() {
      return new LeaseExpiredError('why')
    })(),
  )
  const received = (function receiver() {
    return fromWireError(wire) as Error
  })()
  const [sent, own] = String(received.stack).split('--- received by ---')
  expect(sent).toContain('thrower')
  expect(own).toContain('receiver')
  expect(own).not.toContain('why')
})

test('a thrown value that is no error crosses as a value, or as its string', () => {
  expect(cross('text')).toBe('text')
  expect(cross(undefined)).toBeUndefined()
  expect(cross(null)).toBeNull()
  expect(cross({ a: [1, new Map([[1, 2]])] })).toEqual({ a: [1, new Map([[1, 2]])] })
  expect(cross(Symbol('x'))).toBe('Symbol(x)')
  expect(cross({ fn() {} })).toBe('[object Object]')
  expect(cross(Object.assign(Object.create(null), { fn() {} }))).toMatch(/cannot be written/)
})

test('causes cross to a bound, also in a circle', () => {
  const circle = new Error('circle')
  circle.cause = circle
  let depth = 0
  for (let at = cross(circle); at?.cause; at = at.cause) depth++
  expect(depth).toBe(8)
  expect(cross(new Error('x', { cause: { fn() {} } })).cause).toBe('[object Object]')
  expect(cross(new Error('x', { cause: 0 })).cause).toBe(0)
  expect('cause' in cross(new Error('x'))).toBe(false)
})

test('texts are cut at 8 kB', () => {
  const received = cross(
    Object.assign(new Error('m'.repeat(100_000)), { code: 'c'.repeat(100_000), stack: 's'.repeat(100_000) }),
  )
  expect(received.message).toHaveLength(8192)
  expect(received.code).toHaveLength(8192)
  expect(received.stack.length).toBeLessThan(2 * 8192)
})

test('toWireError does not throw for errors whose getters do', () => {
  class Hostile extends Error {
    override get name(): string {
      throw new Error('mine')
    }
    get code(): string {
      throw new Error('mine')
    }
  }
  expect(cross(new Hostile('why')).message).toBe('why')
  expect(
    cross(
      new Proxy(
        {},
        {
          getPrototypeOf: () => {
            throw new Error('mine')
          },
        },
      ),
    ),
  ).toBeTypeOf('string')
})

test('fromWireError never throws, and never gives more than an error or a value', () => {
  const deep: Record<string, unknown> = { name: 'Error', message: 'x' }
  deep.cause = deep
  deep.errors = [deep]
  const hostile: unknown[] = [
    undefined,
    null,
    1,
    'x',
    [],
    {},
    { name: '__proto__' },
    { name: 'constructor', message: {} },
    { name: {}, message: Symbol('x'), stack: 1, code: {}, cause: 1, path: {} },
    { name: 'NotCloneableError', path: 'x' },
    { name: 'AggregateError', errors: 1 },
    { thrown: null },
    { name: 'Error', cause: { value: 1 }, errors: [null] },
    { name: 'Error', cause: null },
    {
      get name() {
        throw new Error('mine')
      },
    },
    deep,
  ]
  for (const wire of hostile) expect(() => fromWireError(wire)).not.toThrow()
  expect(fromWireError({ name: 'constructor', message: 'x' })).toMatchObject({ name: 'constructor', message: 'x' })
  expect(Reflect.get({}, 'message')).toBeUndefined()
})
