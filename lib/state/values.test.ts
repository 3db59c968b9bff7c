import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { NotCloneableError } from '../errors.js'
import { copyIn } from './values.js'

describe('leaves', () => {
  test.each([Uint8Array, Int16Array, Float64Array, BigInt64Array, Uint8ClampedArray])(
    'a %o over a part of a buffer is copied, and no more than that part',
    (View) => {
      const source = new View(new Uint8Array(64).fill(7).buffer, 8, 2)
      const copy = copyIn(source, []) as typeof source
      expect(copy).toEqual(source)
      expect(copy.buffer.byteLength).toBe(source.byteLength)
      new Uint8Array(source.buffer).fill(1)
      expect(copy).not.toEqual(source)
    },
  )

  test('a class of typed arrays, or a slice of its own, cannot keep hold of the bytes', () => {
    class Shared extends Uint8Array<ArrayBuffer> {
      override slice(): Shared {
        return this
      }
    }
    const own = Object.assign(new Uint8Array([1, 2]), { slice: () => own })
    const shared = new Shared(new ArrayBuffer(2))
    shared.set([1, 2])
    for (const source of [shared, own, Buffer.from([1, 2])]) {
      const copy = copyIn(source, []) as Uint8Array
      source[0] = 9
      expect(copy).toEqual(new Uint8Array([1, 2]))
    }
  })

  test('leaves of another realm come in as those of this one', () => {
    const foreign = runInNewContext(
      '({ view: new DataView(new Uint8Array([1, 2, 3]).buffer, 1), bytes: new Uint8Array([4]), at: new Date(5), buffer: new Uint8Array([6]).buffer })',
    )
    const copy = copyIn(foreign, []) as Record<string, unknown>
    expect(copy.view).toBeInstanceOf(DataView)
    expect((copy.view as DataView).getUint8(0)).toBe(2)
    expect((copy.view as DataView).byteLength).toBe(2)
    expect(copy.bytes).toEqual(new Uint8Array([4]))
    expect(copy.at).toEqual(new Date(5))
    expect(copy.at).toBeInstanceOf(Date)
    expect(copy.buffer).toEqual(new Uint8Array([6]).buffer)
    expect(copy.buffer).toBeInstanceOf(ArrayBuffer)
  })

  test('what a leaf can be is taken: expressions, errors of any class, blobs, files', () => {
    class OwnError extends Error {}
    const leaves = [/x/g, new OwnError('x'), new DOMException('x'), new Blob(['x']), new File(['x'], 'name')]
    expect(leaves.map((leaf) => copyIn(leaf, []))).toEqual(leaves)
  })
})

describe('what is refused', () => {
  class List extends Array<number> {}
  class Named {
    readonly #name: string
    constructor(name: string) {
      this.#name = name
    }
    get [Symbol.toStringTag](): string {
      return this.#name
    }
  }

  const impostors = ['Date', 'RegExp', 'ArrayBuffer', 'Blob', 'File', 'Error', 'DOMException']
  const refusals: [string, object, string][] = impostors.map((name) => [
    `calls itself ${name}`,
    new Named(name),
    'Named',
  ])

  test.each([...refusals, ['is an array of a class', List.from([1, 2]), 'List']])(
    'an object that %s, with the path',
    (_, value, className) => {
      const refused = (): unknown => copyIn({ rows: [0, value] }, ['field'])
      expect(refused).toThrow(NotCloneableError)
      expect(refused).toThrow(`The value at field.rows[1] cannot be in state: it is an instance of ${className}.`)
    },
  )

  test('plain arrays of another realm, and those with no prototype, come in', () => {
    const bare = Object.setPrototypeOf([1], null) as unknown
    expect(copyIn([runInNewContext('[1, [2]]'), bare], [])).toEqual([[1, [2]], [1]])
  })
})

describe('objects', () => {
  test('have their own keys alone, also where somebody has given all objects another', () => {
    Object.defineProperty(Object.prototype, 'each', { value: () => {}, enumerable: true, configurable: true })
    let copy: object
    try {
      copy = copyIn({ a: 1, b: { c: 2 } }, []) as object
    } finally {
      Reflect.deleteProperty(Object.prototype, 'each')
    }
    expect(copy).toEqual({ a: 1, b: { c: 2 } })
    expect(Object.hasOwn(copy, 'each')).toBe(false)
  })

  test('with getters, and frozen ones, become plain ones that may be written', () => {
    const source = Object.freeze(Object.defineProperty({ a: 1 }, 'b', { get: () => [2], enumerable: true }))
    const copy = copyIn(source, []) as { a: number; b: number[] }
    copy.a = 3
    copy.b.push(4)
    expect(copy).toEqual({ a: 3, b: [2, 4] })
  })

  test('with a reserved key of their own, or a symbol, are refused with the path', () => {
    const reserved = JSON.parse('{"deep":{"a":1,"__proto__":{}}}') as object
    expect(() => copyIn(reserved, ['field'])).toThrow(
      'field.deep cannot be in state: it is an object with the key "__proto__"',
    )
    expect(() => copyIn({ deep: { [Symbol('s')]: 1 } }, ['field'])).toThrow('field.deep cannot be in state')
  })
})

describe('rows of one shape', () => {
  const rows = () => Array.from({ length: 20 }, (_, id): Record<string, unknown> => ({ id, name: `row ${id}` }))

  test('are copied each, whatever stands among them', () => {
    const odd: readonly unknown[] = [
      { id: 1, name: 'more', extra: { a: 1 } },
      { name: 'another order', id: 2 },
      { id: 3 },
      { id: 4, name: { first: 'nested' } },
      undefined,
      'text',
      new Date(5),
      Object.assign(Object.create(null) as object, { id: 6, name: 'bare' }),
    ]
    for (const one of odd) {
      const source = [...rows(), one, ...rows()]
      const copy = copyIn(source, []) as unknown[]
      expect(copy).toEqual(source)
      copy.forEach((item, i) => {
        if (typeof item === 'object') expect(item).not.toBe(source[i])
      })
    }
  })

  test('are refused with the path where one of them holds what cannot be in state', () => {
    const faults: readonly [object, string][] = [
      [{ id: 1, name: () => {} }, '[20].name'],
      [{ id: 1, name: 'a', more: Symbol('s') }, '[20].more'],
      [{ id: 1, name: 'a', [Symbol('s')]: 1 }, '[20]'],
      [Object.defineProperty({ id: 1, name: 'a' }, Symbol('hidden'), { value: 1 }), '[20]'],
      [JSON.parse('{"id":1,"name":"a","__proto__":1}') as object, '[20]'],
      [new (class Row {})(), '[20]'],
    ]
    for (const [fault, path] of faults) {
      expect(() => copyIn([...rows(), fault, ...rows()], ['rows'])).toThrow(`rows${path} cannot be in state`)
      expect(() => copyIn([fault], ['rows'])).toThrow('cannot be in state')
    }
  })
})
