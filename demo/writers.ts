import { defineState } from 'leasehold'

export const writersState = defineState('writers', () => ({
  note: '',
  written: 0,
  failure: '',
}))
