import { expect, test } from 'vitest'
import { defineState, shapeOf } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import { toNotCloneable } from './not-cloneable.js'
import { specCalls } from './specs.js'
import { copyMarked, detachMarked, isDetached, transfer, transferablesOf } from './transfer.js'

test('a marked value stays what it is, and says what moves with it, each thing once', () => {
  const [one, two] = [new ArrayBuffer(1), new ArrayBuffer(2)]
  const pair = { one, two }
  expect(transfer(pair, [one, two])).toBe(pair)
  expect(transfer(one, [one])).toBe(one)
  expect(transferablesOf([pair, 5, one, undefined, 'x'])).toEqual([one, two])
  expect(transferablesOf([two, { pair }])).toEqual([]) // only what was marked itself counts
  transfer(pair, [two])
  expect(transferablesOf([pair])).toEqual([two])
})

test('what cannot be marked or transferred is a TypeError that says what to do', () => {
  for (const value of [5, null, 'x', undefined]) expect(() => transfer(value as never, [])).toThrow(/must be an object/)
  const view = new Uint8Array(1)
  expect(() => transfer(view, [view as never])).toThrow(/typed array: name its buffer/)
  expect(() => transfer({}, [5 as never])).toThrow(/got number/)
  expect(() => transfer({}, [null as never])).toThrow(/got null/)
})

test('a copy takes what is marked with it, and is marked for its next way', () => {
  const [one, two] = [new ArrayBuffer(1), new ArrayBuffer(2)]
  const copy = copyMarked([transfer({ one, n: 1 }, [one]), transfer(two, [two]), one]) as [
    { one: ArrayBuffer },
    ArrayBuffer,
    ArrayBuffer,
  ]
  expect([one, two].map(isDetached)).toEqual([true, true])
  expect(copy[0].one.byteLength).toBe(1)
  expect(copy[2]).toBe(copy[0].one)
  expect(transferablesOf(copy)).toEqual([copy[0].one, copy[1]])
  expect(transferablesOf([copy[0]])[0]).toBe(copy[0].one)
})

test('a copy that is refused has moved nothing', () => {
  const buffer = new ArrayBuffer(1)
  expect(() => copyMarked([transfer(buffer, [buffer]), () => {}])).toThrow()
  expect(isDetached(buffer)).toBe(false)
  structuredClone(buffer, { transfer: [buffer] })
  expect(() => copyMarked([buffer])).toThrow(/transferred before/)
})

test('T8: arguments that are detached from the state keep their marks, in specs too', () => {
  const shape = shapeOf(defineState('marked', () => ({ row: { id: 1 } })))
  const { state } = createDraft(shape, { row: { id: 1 } }) as unknown as { state: { row: { id: number } } }
  const buffer = new ArrayBuffer(1)
  const args = [state.row, transfer({ buffer, row: state.row }, [buffer])]
  const calls = specCalls('event', (spec) => spec.args) as { x(...args: readonly unknown[]): readonly unknown[] }
  for (const detached of [detachMarked(args), calls.x(...args)]) {
    expect(detached).toEqual([{ id: 1 }, { buffer, row: { id: 1 } }])
    expect(detached[1]).not.toBe(args[1])
    expect(transferablesOf(detached)).toEqual([buffer])
  }
})

test('T9: what is at fault is named, not what is transferred beside it', () => {
  const { port1, port2 } = new MessageChannel()
  const fn = () => {}
  const gone = new Uint8Array(4)
  structuredClone(gone, { transfer: [gone.buffer] })
  const cause = new Error('refused')
  const pathOf = (value: unknown, list: readonly Transferable[]) => toNotCloneable(value, 'it', cause, list)
  expect(pathOf([{ port1 }, { fn }], [port1])).toMatchObject({ path: [1, 'fn'] })
  expect(pathOf([{ port1, fn }], [port1])).toMatchObject({ path: [0, 'fn'] })
  expect(pathOf([{ port1 }], [port1]).message).toMatch(/What was to be transferred with it cannot be \(refused\)/)
  const detached = pathOf([{ port1, gone }, fn], [port1, gone.buffer])
  expect(detached).toMatchObject({ path: [0, 'gone'], cause })
  expect(detached.message).toMatch(/^A Uint8Array that was transferred before cannot cross/)
  port1.close()
  port2.close()
})
