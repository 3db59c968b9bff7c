import { createStore, defineState } from 'leasehold'
import { autorun, observable, runInAction } from 'mobx'
import { subscribeWithSelector } from 'zustand/middleware'
import { immer } from 'zustand/middleware/immer'
import { createStore as createZustand } from 'zustand/vanilla'
import { makeRows } from '../contestants/rows.js'
import type { Running } from '../harness/case.js'
import { defineCase, expectEqual } from '../harness/case.js'

const TIMES = 200
const ROWS = 100

const initial = () => ({ counter: 0, rows: makeRows(ROWS) })
type State = ReturnType<typeof initial>

/** What is observed: the field that changes, by one, and one row each by nine others that have no reason to run. */
const OBSERVED: readonly ((state: Readonly<State>) => unknown)[] = [
  (state) => state.counter,
  ...Array.from({ length: 9 }, (_, index) => (state: Readonly<State>) => state.rows[index]?.price),
]

/** Measures `change` in a row, and checks that the reaction on the counter has run for each. */
function running(change: () => void, counter: () => number, ran: () => number, dispose: () => unknown): Running {
  let total = 0
  return {
    async sample() {
      const start = performance.now()
      for (let count = 0; count < TIMES; count += 1) change()
      const time = ((performance.now() - start) * 1000) / TIMES
      total += TIMES
      return { time }
    },
    check() {
      expectEqual(counter(), total, 'the counter')
      // All ten have run once at the start, one for each change.
      expectEqual(ran(), total + OBSERVED.length, 'the number of reactions')
    },
    async dispose() {
      await dispose()
    },
  }
}

const eventState = defineState('event', initial)

/** An event on the page that writes one field. */
export const oneEvent = defineCase({
  name: 'one-event',
  title: 'One event, one field',
  about: `An event changes one field of a state with ${ROWS} rows, ten observers, one of which runs. Mean of ${TIMES} in a row.`,
  metrics: [{ name: 'time', unit: 'µs' }],
  variants: [{ label: 'one field' }],
  reference: 'MobX runInAction',
  limits: { seconds: 15, rounds: 300 },
  contestants: [
    {
      name: 'Leasehold',
      async setup() {
        const store = createStore(eventState, {
          events: {
            countUp(state) {
              state.counter += 1
            },
          },
        })
        let ran = 0
        for (const read of OBSERVED) {
          autorun(() => {
            read(store.state as State) // the views are read-only, and nothing here writes
            ran += 1
          })
        }
        return running(
          () => store.events.countUp(),
          () => store.state.counter,
          () => ran,
          () => store.dispose(),
        )
      },
    },
    {
      name: 'MobX runInAction',
      lacks: 'no worker, no lease, no order of writers, no record of what was changed',
      async setup() {
        const state = observable(initial())
        let ran = 0
        const disposers = OBSERVED.map((read) =>
          autorun(() => {
            read(state)
            ran += 1
          }),
        )
        return running(
          () =>
            runInAction(() => {
              state.counter += 1
            }),
          () => state.counter,
          () => ran,
          () => {
            for (const dispose of disposers) dispose()
          },
        )
      },
    },
    {
      name: 'Immer + Zustand',
      lacks: 'no worker, no lease; every selector runs at every change',
      async setup() {
        const store = createZustand<State>()(subscribeWithSelector(immer(initial)))
        let ran = 0
        for (const read of OBSERVED) {
          const listener = () => {
            ran += 1
          }
          store.subscribe(read, listener, { fireImmediately: true })
        }
        return running(
          () =>
            store.setState((state) => {
              state.counter += 1
            }),
          () => store.getState().counter,
          () => ran,
          () => {},
        )
      },
    },
  ],
})
