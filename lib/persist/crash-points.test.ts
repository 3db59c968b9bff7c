import { describe, expect, test } from 'vitest'
import type { StorageErrorReason } from '../errors.js'
import { StorageError } from '../errors.js'
import { FakeClock } from '../store/fixtures/fake-clock.js'
import { FakeIdb } from './fixtures/fake-idb.js'
import type { Fault, Step } from './fixtures/fault.js'
import { faults, steps } from './fixtures/fault.js'
import { storageOver } from './idb-storage.js'
import { STALL_MS } from './use-store.js'

/* Each step of a write, and all that can happen there: it settles, nothing is torn, and the next write works. */

const OPEN_TIMEOUT = 5_000

/** What comes of it: `'stored'`, or the reason and the name of the cause with which it rejects. */
type Outcome = 'stored' | readonly [reason: StorageErrorReason, cause: string]
const full: Outcome = ['quota', 'QuotaExceededError']
const late: Outcome = ['timeout', 'TimeoutError']
const abort: Outcome = ['failed', 'AbortError']
const over: Outcome = ['failed', 'TransactionInactiveError']
const value: Outcome = ['value', 'DataCloneError']

const outcomes: Record<Step, Record<Fault, Outcome>> = {
  open: {
    throws: ['unavailable', 'SecurityError'],
    aborts: 'stored', // opened again
    'never settles': late,
    'connection closed': 'stored',
    quota: full,
  },
  transaction: {
    throws: ['failed', 'UnknownError'],
    aborts: abort,
    'never settles': late,
    'connection closed': 'stored',
    quota: full,
  },
  get: { throws: over, aborts: abort, 'never settles': late, 'connection closed': abort, quota: full },
  put: { throws: value, aborts: abort, 'never settles': late, 'connection closed': abort, quota: full },
  'later put': { throws: value, aborts: abort, 'never settles': late, 'connection closed': abort, quota: full },
  delete: { throws: over, aborts: abort, 'never settles': late, 'connection closed': abort, quota: full },
  commit: {
    throws: ['failed', 'InvalidStateError'],
    aborts: abort,
    'never settles': late,
    'connection closed': abort,
    quota: full,
  },
}

const before = { a: 'old', b: 'old', c: 'old', generation: 1 }
const after = { a: 'new', b: 'new', generation: 2 }
const change = { set: Object.entries(after), delete: ['c'] }

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A storage with the old records in it. */
async function create() {
  const idb = new FakeIdb()
  const clock = new FakeClock()
  const options = {
    databaseName: 'app',
    storeName: 'state',
    openTimeout: OPEN_TIMEOUT,
    clock,
    factory: () => idb.factory,
  }
  const storage = storageOver(options)
  await storage.write({ set: Object.entries(before), delete: [] })
  return { idb, clock, storage, records: () => idb.records('app', 'state') }
}

const table = steps.flatMap((step) => faults.map((fault) => [step, fault, outcomes[step][fault]] as const))

describe.each(table)('P2: a write at whose step "%s" it happens: %s', (step, fault, outcome) => {
  /** Has it happen; gives what the write came to. Times out what waits. */
  async function suffer(storage: Awaited<ReturnType<typeof create>>) {
    if (step === 'open') storage.storage.close()
    storage.idb.order(step, fault)
    const options = { expect: { key: 'generation', value: 1 } }
    let settled: unknown
    storage.storage.write(change, options).then(
      () => {
        settled = 'stored'
      },
      (error) => {
        settled = error
      },
    )
    await turns(20)
    expect(storage.idb.isTaken).toBe(true)
    expect(settled === undefined).toBe(fault === 'never settles')
    if (settled === undefined) await storage.clock.advance(step === 'open' ? OPEN_TIMEOUT : STALL_MS)
    await turns(3)
    expect(storage.clock.pending).toBe(0)
    return settled
  }

  test('settles, with what was the matter, and storage is whole', async () => {
    const storage = await create()
    const settled = await suffer(storage)
    if (outcome === 'stored') {
      expect(settled).toBe('stored')
      expect(storage.records()).toEqual(after)
      return
    }
    const [reason, cause] = outcome
    expect(settled).toBeInstanceOf(StorageError)
    expect(settled).toMatchObject({ reason, cause: { name: cause } })
    expect((settled as Error).message).toMatch(/^Writing .*(database "app"|"\w+") failed \(/)
    expect((settled as Error).message).toContain(cause)
    expect(storage.records()).toEqual(before)
  })

  test('the next write works, and is read', async () => {
    const storage = await create()
    await suffer(storage)
    storage.idb.settle()
    await turns(20)
    const stored = storage.records()
    // Its last request was made: what is being committed cannot be aborted, and came late.
    const isLate = fault === 'never settles' && ['put', 'later put', 'delete', 'commit'].includes(step)
    expect(stored).toEqual(outcome === 'stored' || isLate ? after : before)
    await storage.storage.write({ set: [['a', 'next']], delete: ['b'] })
    const { b: _, ...rest } = stored
    expect(storage.records()).toEqual({ ...rest, a: 'next' })
    expect(await storage.storage.read(['a', 'b'])).toEqual(['next', undefined])
    // One on which something has failed is not used again.
    const [first, ...others] = storage.idb.opened
    expect([first?.isClosed, others.filter(({ isClosed }) => !isClosed).length]).toEqual([true, 1])
  })
})
