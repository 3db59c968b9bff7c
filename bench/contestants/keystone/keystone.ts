/*
 * Comlink and mobx-keystone: a tree on each side, kept equal by the patches that keystone emits.
 */
import { applyPatches } from 'mobx-keystone'
import type { CounterApp, Maker, RowApp } from '../apps.js'
import { OWNS_COPY } from '../apps.js'
import { connectWorkers } from '../connect-workers.js'
import { Lock } from '../lock.js'
import type { KeystonePage, KeystoneWorker } from './keystone.worker.js'
import { RowsModel } from './model.js'

const startWorker = () => new Worker(new URL('./keystone.worker.ts', import.meta.url), { type: 'module' })
const startWorkers = (size: number, page: KeystonePage) => connectWorkers<KeystoneWorker>(size, startWorker, page)

export const keystoneRows: Maker<RowApp> = {
  name: 'Comlink + mobx-keystone patches',
  lacks: OWNS_COPY,
  async create({ workers: size = 1 } = {}) {
    const state = new RowsModel({})
    const { remotes, remoteOf, terminate } = await startWorkers(size, {
      lock: () => Promise.resolve(0),
      unlock: () => {},
      apply: (patches) => applyPatches(state, patches),
    })
    return {
      rows: () => state.rows,
      async prepare(count) {
        await Promise.all(remotes.map((remote) => remote.prepare(count)))
      },
      async land() {
        const [patches] = await Promise.all(remotes.map((remote) => remote.land()))
        if (patches) applyPatches(state, patches)
      },
      async operate(operation) {
        applyPatches(state, await remoteOf(0).operate(operation))
      },
      churn() {
        const runs = remotes.map((remote, first) => remote.churn(first, size))
        return {
          async stop() {
            await Promise.all(remotes.map((remote) => remote.endChurn()))
            return (await Promise.all(runs)).reduce((sum, changes) => sum + changes, 0)
          },
        }
      },
      dispose: terminate,
    }
  },
}

export const keystoneCounter: Maker<CounterApp> = {
  name: 'Comlink + mobx-keystone patches, a lock by hand',
  lacks: 'a worker that dies keeps the lock; no roll-back, no fencing, no expiry',
  async create({ workers: size = 1 } = {}) {
    const state = new RowsModel({})
    const lock = new Lock()
    const { remoteOf, terminate } = await startWorkers(size, {
      async lock() {
        await lock.take()
        return state.counter
      },
      unlock(patches) {
        applyPatches(state, patches)
        lock.give()
      },
      apply: (patches) => applyPatches(state, patches),
    })
    return {
      counter: () => state.counter,
      roundTrips: (count) => remoteOf(0).countUp(count),
      async contend(tasks, each) {
        await Promise.all(Array.from({ length: tasks }, (_, index) => remoteOf(index).countUp(each)))
      },
      dispose: terminate,
    }
  },
}
