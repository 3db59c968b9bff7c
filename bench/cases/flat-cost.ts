import { enableMapSet } from 'immer'
import type { IReactionDisposer } from 'mobx'
import { observable, reaction, runInAction } from 'mobx'
import { immer } from 'zustand/middleware/immer'
import { createStore as createZustand } from 'zustand/vanilla'
import { NO_LEASE, OWNS_COPY } from '../contestants/apps.js'
import type { Container, EntryHolder, ReadonlyEntryHolder } from '../contestants/entries.js'
import { entryOf, makeEntries } from '../contestants/entries.js'
import { createBenchStore } from '../contestants/leasehold/store.js'
import { createMutativeEntries } from '../contestants/mutative/mutative.js'
import type { Case, Contestant, Running, Variant } from '../harness/case.js'
import { defineCase, expectEqual } from '../harness/case.js'

interface Sized extends Variant {
  readonly size: number
}

const EVENTS = 50
const LEASES = 10
/** For those whose one change of a large container takes a tenth of a second. */
const FEW = 3
/** Beyond it a peer takes minutes to set up, or hundreds of milliseconds for one change. */
const PEER_MAX = 100_000

const SIZES: readonly Sized[] = [
  { label: '100', size: 100 },
  { label: '10,000', size: 10_000 },
  { label: '100,000', size: 100_000 },
  { label: '1,000,000', size: 1_000_000, slow: true },
]

const TITLES: Record<Container, string> = { list: 'an array', record: 'an object', map: 'a Map' }

/** The entries that a sample writes, spread over the container. */
function idOf(index: number, size: number): number {
  return (index * 37) % size
}

/** Writes the same few entries in each sample, each time a new value. */
function running(
  size: number,
  times: number,
  write: (value: number) => Promise<number>,
  read: (id: number) => number,
  dispose: () => unknown,
): Running {
  let value = 0
  return {
    async sample() {
      value += 1
      return { time: await write(value) }
    },
    check() {
      for (let index = 0; index < times; index += 1) expectEqual(read(idOf(index, size)), value, 'an entry')
    },
    async dispose() {
      await dispose()
    },
  }
}

function timesOf(size: number, usual: number): number {
  return size > 10_000 ? FEW : usual
}

function timeEvents(size: number, times: number, change: (id: number, value: number) => void) {
  return async (value: number) => {
    const start = performance.now()
    for (let index = 0; index < times; index += 1) change(idOf(index, size), value)
    return ((performance.now() - start) * 1000) / times
  }
}

/** One entry is on the screen. */
function observeFirst(state: ReadonlyEntryHolder, container: Container): IReactionDisposer {
  return reaction(
    () => entryOf(state, container, 0).value,
    () => {},
  )
}

function contestants(container: Container): readonly Contestant<Sized>[] {
  return [
    {
      name: 'Leasehold, an event',
      async setup({ size }) {
        const store = createBenchStore(1, makeEntries(container, size))
        const stop = observeFirst(store.state, container)
        const write = timeEvents(size, EVENTS, (id, value) => void store.events.writeEntry(container, id, value))
        const read = (id: number) => entryOf(store.state, container, id).value
        return running(size, EVENTS, write, read, () => {
          stop()
          return store.dispose()
        })
      },
    },
    {
      name: 'Leasehold, a lease',
      async setup({ size }) {
        const store = createBenchStore(1, makeEntries(container, size))
        const stop = observeFirst(store.state, container)
        await store.tasks.see().done
        const write = (value: number) => store.tasks.writeEntries(container, size, LEASES, value).done
        const read = (id: number) => entryOf(store.state, container, id).value
        return running(size, LEASES, write, read, () => {
          stop()
          return store.dispose()
        })
      },
    },
    {
      name: 'MobX deep, an action',
      lacks: `no worker. ${NO_LEASE}`,
      max: PEER_MAX,
      async setup({ size }) {
        const state: EntryHolder = observable(makeEntries(container, size))
        const stop = observeFirst(state, container)
        const write = timeEvents(size, EVENTS, (id, value) => {
          runInAction(() => {
            entryOf(state, container, id).value = value
          })
        })
        return running(size, EVENTS, write, (id) => entryOf(state, container, id).value, stop)
      },
    },
    {
      name: 'Immer + Zustand, an action',
      lacks: `no worker. ${NO_LEASE}`,
      max: PEER_MAX,
      async setup({ size }) {
        const times = timesOf(size, EVENTS)
        enableMapSet()
        const store = createZustand<EntryHolder>()(immer(() => makeEntries(container, size)))
        const write = timeEvents(size, times, (id, value) => {
          store.setState((draft) => {
            entryOf(draft, container, id).value = value
          })
        })
        return running(
          size,
          times,
          write,
          (id) => entryOf(store.getState(), container, id).value,
          () => {},
        )
      },
    },
    {
      name: 'Comlink + Mutative patches, a worker',
      lacks: OWNS_COPY,
      max: PEER_MAX,
      async setup({ size }) {
        const app = await createMutativeEntries(container, size)
        const times = timesOf(size, LEASES)
        const write = (value: number) => app.writeEntries(times, value)
        return running(size, times, write, (id) => entryOf(app.state(), container, id).value, app.dispose)
      },
    },
  ]
}

/** What one changed field costs in containers of different sizes. */
export const flatCosts: readonly Case[] = (['list', 'record', 'map'] as const).map((container) =>
  defineCase<Sized>({
    name: `flat-${container}`,
    title: `One field changed in ${TITLES[container]}`,
    about: `One field of one entry is changed, by an event (mean of ${EVENTS}) and by a lease of a task (mean of ${LEASES}, by the worker's clock), in ${TITLES[container]} of 100 to 1,000,000 entries. Bytes are those of a whole sample of ${LEASES} leases, with the start of the task (of ${FEW} changes for a peer that copies large containers).`,
    metrics: [{ name: 'time', unit: 'µs' }],
    variants: SIZES,
    reference: 'MobX deep, an action',
    scales: true,
    countsBytes: true,
    limits: { seconds: 15, rounds: 60 },
    contestants: contestants(container),
  }),
)
