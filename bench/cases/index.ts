import type { Case } from '../harness/case.js'
import { fieldWrites } from './field-writes.js'
import { flatCosts } from './flat-cost.js'
import { landing } from './landing.js'
import { leasesPerSecond } from './leases-per-second.js'
import { listOperations } from './list-operations.js'
import { livePage } from './live-page.js'
import { memory } from './memory.js'
import { oneEvent } from './one-event.js'
import { persist } from './persist.js'
import { roundTrip } from './round-trip.js'
import { catchUp, firstWorker } from './workers.js'

/** Every case that runs in the page, in the order of the report. The sizes of the bundles are measured in Node. */
export const cases: readonly Case[] = [
  roundTrip,
  leasesPerSecond,
  oneEvent,
  ...flatCosts,
  landing,
  fieldWrites,
  listOperations,
  firstWorker,
  catchUp,
  memory,
  livePage,
  persist,
]
