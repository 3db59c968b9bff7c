/*
 * The store as coaction has it: one definition for both threads. In the worker it is the state; on the page, where it is given
 * the worker, it is a copy whose methods are calls.
 */
import type { Slice } from 'coaction'
import type { Operation, Row } from '../rows.js'
import { makeRows, operate } from '../rows.js'

export interface CoactionState {
  counter: number
  rows: Row[]
  countUp(): void
  prepare(count: number): void
  land(): void
  operate(operation: Operation): void
}

let prepared: Row[] = []

export const defineRows: Slice<CoactionState> = (set) => ({
  counter: 0,
  rows: [],
  countUp() {
    set((draft) => {
      draft.counter += 1
    })
  },
  prepare(count) {
    prepared = makeRows(count)
  },
  land() {
    set((draft) => {
      draft.rows = prepared
    })
  },
  operate(operation) {
    set((draft) => operate(draft, operation))
  },
})
