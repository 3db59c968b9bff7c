// counter.ts: what the state is. Imported by page and worker.
import { defineState } from 'leasehold'

export const counterState = defineState('counter', () => ({
  counter: 0,
  maxCounter: 10,
  running: false,
  _nTasks: 0, // `_`: for handlers and tasks alone, not in store.state
  // a MobX computed on the page
  get progress() {
    return this.counter / this.maxCounter
  },
}))
