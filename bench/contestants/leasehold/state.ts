import { defineState } from 'leasehold'
import type { Entry } from '../entries.js'
import type { Row } from '../rows.js'

export const benchState = defineState('bench', () => ({
  counter: 0,
  rows: [] as Row[],
  list: [] as Entry[],
  record: {} as Record<string, Entry>,
  map: new Map<number, Entry>(),
}))
