import '../../harness/count-in-worker.js'
import type { Remote } from 'comlink'
import { expose, wrap } from 'comlink'
import type { Patch } from 'mobx-keystone'
import { applySnapshot, getSnapshot, patchRecorder } from 'mobx-keystone'
import type { Operation, Row } from '../rows.js'
import { makeRows } from '../rows.js'
import { RowsModel } from './model.js'

/** What the page offers to its workers. */
export interface KeystonePage {
  /** Waits for the lock and gives the counter. */
  lock(): Promise<number>
  /** Applies patches and gives the lock back. */
  unlock(patches: readonly Patch[]): void
  apply(patches: readonly Patch[]): void
}

let page: Remote<KeystonePage>
let prepared: Row[] = []
const state = new RowsModel({})
let churning = false

/** Runs an action and gives what it changed. */
function record(action: () => void): Patch[] {
  const recorder = patchRecorder(state)
  try {
    action()
    return recorder.events.flatMap(({ patches }) => patches)
  } finally {
    recorder.dispose()
  }
}

const keystone = {
  connect(port: MessagePort) {
    page = wrap<KeystonePage>(port)
  },

  async countUp(times: number) {
    const start = performance.now()
    for (let count = 0; count < times; count += 1) {
      const counter = await page.lock()
      applySnapshot(state, { ...getSnapshot(state), counter })
      await page.unlock(record(() => state.countUp()))
    }
    return ((performance.now() - start) * 1000) / times
  },

  prepare(count: number) {
    prepared = makeRows(count)
  },

  land: () => record(() => state.setRows(prepared)),

  operate: (operation: Operation) => record(() => state.operate(operation)),

  async churn(first: number, step: number) {
    churning = true
    let changes = 0
    for (let index = first; churning; index += step) {
      await page.apply(record(() => state.addToPrice(index)))
      changes += 1
    }
    return changes
  },

  endChurn() {
    churning = false
  },
}
export type KeystoneWorker = typeof keystone
expose(keystone)
