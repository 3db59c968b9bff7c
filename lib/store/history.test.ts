import { describe, expect, test } from 'vitest'
import type { Status, Transaction } from './fixtures/simulation/history.js'
import { faultsOf } from './fixtures/simulation/history.js'

let steps = 0
function transaction(
  name: string,
  reads: Record<string, number[]>,
  appends: [string, number][],
  { status = 'acknowledged' as Status, start = steps++, end = steps++ } = {},
): Transaction {
  return { name, reads: new Map(Object.entries(reads)), appends, status, start, end }
}

describe('the checker of histories', () => {
  test('has nothing against a serial history', () => {
    const history = [
      transaction('first', { a: [] }, [['a', 1]]),
      transaction('second', { a: [1] }, [
        ['a', 2],
        ['b', 3],
      ]),
      transaction('third', { a: [1, 2], b: [3] }, []),
    ]
    expect(faultsOf(history, { a: [1, 2], b: [3] })).toEqual([])
  })

  test.each<[string, string, Transaction[], Record<string, number[]>]>([
    ['an append that was acknowledged and is lost', 'lost', [transaction('t', {}, [['a', 1]])], { a: [] }],
    ['an append that is there twice', 'doubled', [transaction('t', {}, [['a', 1]])], { a: [1, 1] }],
    ['an append that nobody asked for', 'unasked', [], { a: [7] }],
    [
      'an append of a transaction that has failed',
      'aborted',
      [transaction('t', {}, [['a', 1]], { status: 'aborted' })],
      { a: [1] },
    ],
    [
      'half a transaction',
      'partial',
      [
        transaction(
          't',
          {},
          [
            ['a', 1],
            ['b', 2],
          ],
          { status: 'unknown' },
        ),
      ],
      { a: [1], b: [] },
    ],
    [
      'a read of what was never committed',
      'dirty',
      [transaction('t', {}, [['a', 1]]), transaction('reader', { a: [2] }, [])],
      { a: [1] },
    ],
  ])('finds %s', (_what, kind, history, final) => {
    expect(faultsOf(history, final).map((fault) => fault.split(':')[0])).toContain(kind)
  })

  test('finds a lost update: two that have read the same', () => {
    const history = [
      transaction('one', { a: [] }, [['a', 1]], { start: 0, end: 9 }),
      transaction('two', { a: [] }, [['a', 2]], { start: 1, end: 8 }),
    ]
    expect(faultsOf(history, { a: [1, 2] })[0]).toMatch(/^cycle/)
  })

  test('finds write skew: each has read what the other then wrote', () => {
    const history = [
      transaction('one', { a: [], b: [] }, [['a', 1]], { start: 0, end: 9 }),
      transaction('two', { a: [], b: [] }, [['b', 2]], { start: 1, end: 8 }),
    ]
    expect(faultsOf(history, { a: [1], b: [2] })[0]).toMatch(/^cycle/)
  })

  test('finds a stale read: one that began after a commit was acknowledged, and does not see it', () => {
    const history = [
      transaction('writer', {}, [['a', 1]], { start: 0, end: 1 }),
      transaction('reader', { a: [] }, [], { start: 2, end: 3 }),
    ]
    expect(faultsOf(history, { a: [1] })[0]).toMatch(/^cycle/)
  })

  test('has nothing against a transaction whose caller was never told, and which was applied whole', () => {
    const history = [transaction('t', { a: [] }, [['a', 1]], { status: 'unknown' })]
    expect(faultsOf(history, { a: [1] })).toEqual([])
    expect(faultsOf(history, { a: [] })).toEqual([])
  })
})
