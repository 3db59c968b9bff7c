import '../../harness/count-in-worker.js'
import { create } from 'coaction'
import type { CoactionState } from './store.js'
import { defineRows } from './store.js'

create<CoactionState>(defineRows)
