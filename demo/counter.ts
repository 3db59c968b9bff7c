import { defineState } from 'leasehold'

export const counterState = defineState('counter', () => ({
  counter: 0,
  maxCounter: 10,
  running: false,
  failure: '',
  _nTasks: 0,
  get progress() {
    return this.counter / this.maxCounter
  },
}))
