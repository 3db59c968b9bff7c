import '../../harness/count-in-worker.js'
import type { Remote } from 'comlink'
import { expose, wrap } from 'comlink'
import type { Operation, Row } from '../rows.js'
import { makeRows, operate } from '../rows.js'

/** What the page offers to its workers. */
export interface ByHandPage {
  /** Waits for the lock and gives the counter. */
  lock(): Promise<number>
  /** Writes the counter and gives the lock back. */
  unlock(counter: number): void
  addToPrice(index: number): void
}

/** What came of an operation: as little as the page needs to follow. */
export type Change =
  | { readonly type: 'rows'; readonly rows: Row[] }
  | { readonly type: 'price'; readonly index: number; readonly price: number }
  | { readonly type: 'prices'; readonly prices: number[] }

let page: Remote<ByHandPage>
let state: { rows: Row[] } = { rows: [] }
let churning = false

const byHand = {
  connect(port: MessagePort) {
    page = wrap<ByHandPage>(port)
  },

  async countUp(times: number) {
    const start = performance.now()
    for (let count = 0; count < times; count += 1) {
      const counter = await page.lock()
      await page.unlock(counter + 1)
    }
    return ((performance.now() - start) * 1000) / times
  },

  prepare(count: number) {
    state = { rows: makeRows(count) }
  },

  rows: () => state.rows,

  operate(operation: Operation): Change {
    operate(state, operation)
    const { rows } = state
    if (operation.type === 'write-one') return { type: 'price', index: operation.index, price: operation.price }
    if (operation.type === 'write-all') return { type: 'prices', prices: rows.map(({ price }) => price) }
    return { type: 'rows', rows }
  },

  async churn(first: number, step: number) {
    churning = true
    let changes = 0
    for (let index = first; churning; index += step) {
      await page.addToPrice(index)
      changes += 1
    }
    return changes
  },

  endChurn() {
    churning = false
  },
}
export type ByHand = typeof byHand
expose(byHand)
