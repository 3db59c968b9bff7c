/*
 * Comlink and Mutative, put together by hand: the worker writes on a draft of its copy and sends the patches, the page applies
 * them to its own copy, which stands behind an `observable.ref`.
 */
import { observable, runInAction } from 'mobx'
import type { Patches } from 'mutative'
import { apply } from 'mutative'
import type { CounterApp, Maker, RowApp } from '../apps.js'
import { OWNS_COPY } from '../apps.js'
import { connectWorkers } from '../connect-workers.js'
import type { Container, EntryHolder } from '../entries.js'
import { makeEntries } from '../entries.js'
import { Lock } from '../lock.js'
import type { Row } from '../rows.js'
import type { MutativePage, MutativeWorker } from './mutative.worker.js'

const startWorker = () => new Worker(new URL('./mutative.worker.ts', import.meta.url), { type: 'module' })
const startWorkers = (size: number, page: MutativePage) => connectWorkers<MutativeWorker>(size, startWorker, page)

/** A state behind one reference, as immutable data is kept in MobX. */
function createHolder<S extends object>(initial: S) {
  const box = observable.box(initial, { deep: false })
  return {
    get: () => box.get(),
    apply: (patches: Patches) => runInAction(() => box.set(apply(box.get(), patches))),
  }
}

export const mutativeRows: Maker<RowApp> = {
  name: 'Comlink + Mutative patches, by hand',
  lacks: `${OWNS_COPY}; observable as one reference alone`,
  async create({ workers: size = 1 } = {}) {
    const holder = createHolder<{ rows: Row[] }>({ rows: [] })
    const { remotes, remoteOf, terminate } = await startWorkers(size, {
      lock: () => Promise.resolve({ counter: 0 }),
      unlock: () => {},
      apply: holder.apply,
    })
    return {
      rows: () => holder.get().rows,
      async prepare(count) {
        await Promise.all(remotes.map((remote) => remote.prepare(count)))
      },
      async land() {
        // Every worker has a copy of its own; one of them brings it to the page.
        const [patches] = await Promise.all(remotes.map((remote) => remote.land()))
        if (patches) holder.apply(patches)
      },
      async operate(operation) {
        holder.apply(await remoteOf(0).operate(operation))
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

export const mutativeCounter: Maker<CounterApp> = {
  name: 'Comlink + Mutative patches, a lock by hand',
  lacks: 'a worker that dies keeps the lock; no roll-back, no fencing, no expiry',
  async create({ workers: size = 1 } = {}) {
    const holder = createHolder({ counter: 0 })
    const lock = new Lock()
    const { remoteOf, terminate } = await startWorkers(size, {
      async lock() {
        await lock.take()
        return holder.get()
      },
      unlock(patches) {
        holder.apply(patches)
        lock.give()
      },
      apply: holder.apply,
    })
    return {
      counter: () => holder.get().counter,
      roundTrips: (count) => remoteOf(0).countUp(count),
      async contend(tasks, each) {
        await Promise.all(Array.from({ length: tasks }, (_, index) => remoteOf(index).countUp(each)))
      },
      dispose: terminate,
    }
  },
}

/** Entries on the page and in a worker, kept equal by patches. */
export async function createMutativeEntries(container: Container, size: number) {
  const holder = createHolder<EntryHolder>(makeEntries(container, size))
  const { remoteOf, terminate } = await startWorkers(1, {
    lock: () => Promise.resolve({ counter: 0 }),
    unlock: () => {},
    apply: holder.apply,
  })
  await remoteOf(0).prepareEntries(container, size)
  return {
    state: holder.get,
    writeEntries: (times: number, value: number) => remoteOf(0).writeEntries(container, size, times, value),
    dispose: terminate,
  }
}
