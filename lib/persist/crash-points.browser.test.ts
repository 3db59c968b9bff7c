import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { StorageErrorReason } from '../errors.js'
import { StorageError } from '../errors.js'
import { FakeClock } from '../store/fixtures/fake-clock.js'
import { clearSiteData, done, limitSpace, openAs, randomBytes, unlimitSpace } from './fixtures/browser-idb.js'
import type { Fault, Step } from './fixtures/fault.js'
import { storageOver } from './idb-storage.js'
import { STALL_MS } from './use-store.js'

/*
 * Each step of a write in a real IndexedDB, and what can be made to happen there: it settles, nothing is torn, and the next write
 * works. What throws is thrown in the place of the method; everything else is done by IndexedDB itself.
 */

const OPEN_TIMEOUT = 5_000
const before = { a: 'old', b: 'old', c: 'old', generation: 1 }
const large = randomBytes(3_000_000)

let databaseName: string
let count = 0
let clock: FakeClock
let storage: ReturnType<typeof storageOver>
/** What has to be taken back before the next write can work. */
let ends: (() => unknown)[]

beforeEach(() => {
  databaseName = `crash ${count++}`
  clock = new FakeClock()
  const factory = () => indexedDB
  storage = storageOver({ databaseName, storeName: 'state', openTimeout: OPEN_TIMEOUT, clock, factory })
  ends = []
})

afterEach(async () => {
  vi.restoreAllMocks()
  storage.close()
  await clearSiteData()
})

/** A prototype with the method that a step calls. */
const methods = {
  open: [IDBFactory.prototype, 'open'],
  transaction: [IDBDatabase.prototype, 'transaction'],
  get: [IDBObjectStore.prototype, 'get'],
  put: [IDBObjectStore.prototype, 'put'],
  'later put': [IDBObjectStore.prototype, 'put'],
  delete: [IDBObjectStore.prototype, 'delete'],
  commit: [IDBTransaction.prototype, 'commit'],
} as const satisfies Record<Step, readonly [object, string]>

/** Puts `act` in the place of the method of a step, for one call. */
function instead(step: Step, act: (subject: any, call: () => any) => unknown): void {
  const [prototype, name] = methods[step] as unknown as readonly [
    Record<string, (...args: unknown[]) => unknown>,
    string,
  ]
  const method = prototype[name] as (...args: unknown[]) => unknown
  let skip = step === 'later put' ? 1 : 0
  const spy = vi.spyOn(prototype, name).mockImplementation(function (this: unknown, ...args: unknown[]) {
    const call = () => method.apply(this, args)
    if (skip-- > 0) return call()
    spy.mockRestore()
    return act(this, call)
  })
}

const throwing = (error: () => DOMException) => (step: Step) =>
  instead(step, () => {
    throw error()
  })

const abortAfter = (step: Step) =>
  instead(step, (subject, call) => {
    const result = call()
    const transaction: IDBTransaction = subject.transaction instanceof IDBTransaction ? subject.transaction : result
    transaction.abort()
    return result
  })

const closeBefore = (step: Step) =>
  instead(step, (subject, call) => {
    const database: IDBDatabase = subject instanceof IDBDatabase ? subject : (subject.transaction ?? subject).db
    database.close()
    return call()
  })

/** Keeps a transaction going for ever, or until it is aborted or `isOver`. */
function keepAlive(store: IDBObjectStore, isOver = () => false): void {
  store.get('a').onsuccess = () => {
    if (!isOver()) keepAlive(store, isOver)
  }
}

async function blockOpening(): Promise<void> {
  storage.close()
  const others = await done(indexedDB.open(databaseName))
  const upgrade = openAs(databaseName, 2, 'another')
  ends.push(async () => {
    others.close()
    ;(await upgrade).close()
  })
}

async function blockTransactions(): Promise<void> {
  const others = await done(indexedDB.open(databaseName))
  let isOver = false
  keepAlive(others.transaction('state', 'readwrite').objectStore('state'), () => isOver)
  ends.push(() => {
    isOver = true
    others.close()
  })
}

const unknown = () => new DOMException('the server is gone', 'UnknownError')
const inactive = () => new DOMException('', 'TransactionInactiveError')
const abort = ['failed', 'AbortError'] as const
const late = ['timeout', 'TimeoutError'] as const
const full = ['quota', 'QuotaExceededError'] as const
const value = ['value', 'DataCloneError'] as const

type Provoke = (step: Step) => unknown
/** `'stored'`, or the reason and the name of the cause with which it rejects. */
type Outcome = 'stored' | readonly [reason: StorageErrorReason, cause: string]
/** The new records, for faults that come from a value. */
type Records = Record<string, unknown>

const fine = { a: 'new', b: 'new', generation: 2 }
const rows: readonly (readonly [Step, Fault, Provoke, Outcome, Records?])[] = [
  ['open', 'throws', openDenied, ['unavailable', 'SecurityError']],
  ['open', 'aborts', openAborted, 'stored'], // opened again
  ['open', 'never settles', blockOpening, late],
  ['open', 'connection closed', closeWhenOpen, 'stored'],
  ['transaction', 'throws', throwing(unknown), ['failed', 'UnknownError']],
  ['transaction', 'aborts', abortAfter, ['failed', 'InvalidStateError']], // and there is no object store any more
  ['transaction', 'never settles', blockTransactions, late],
  ['transaction', 'connection closed', closeBefore, 'stored'],
  ['get', 'throws', throwing(inactive), ['failed', 'TransactionInactiveError']],
  ['get', 'aborts', abortAfter, abort],
  ['get', 'connection closed', closeBefore, 'stored'],
  ['put', 'throws', () => {}, value, { a: () => {}, b: 'new', generation: 2 }],
  ['put', 'aborts', abortAfter, ['failed', 'TransactionInactiveError']], // at the next one
  ['put', 'connection closed', closeBefore, 'stored'],
  ['put', 'quota', () => {}, full, { a: large, b: 'new', generation: 2 }],
  ['later put', 'throws', () => {}, value, { a: 'new', b: 'new', generation: () => {} }],
  ['later put', 'aborts', abortAfter, ['failed', 'TransactionInactiveError']],
  ['later put', 'connection closed', closeBefore, 'stored'],
  ['later put', 'quota', () => {}, full, { a: 'new', b: large, generation: 2 }],
  ['delete', 'throws', throwing(inactive), ['failed', 'TransactionInactiveError']],
  ['delete', 'aborts', abortAfter, ['failed', 'InvalidStateError']], // at its commit
  ['delete', 'connection closed', closeBefore, 'stored'],
  ['commit', 'throws', throwing(() => new DOMException('', 'InvalidStateError')), ['failed', 'InvalidStateError']],
  ['commit', 'aborts', (step) => instead(step, (transaction) => transaction.abort()), abort],
  ['commit', 'never settles', neverCommit, late],
  ['commit', 'connection closed', closeBefore, 'stored'],
]

function openDenied(step: Step): void {
  storage.close()
  throwing(() => new DOMException('', 'SecurityError'))(step)
}

function openAborted(): void {
  storage.close()
  instead('open', () => {
    const request = indexedDB.open(`${databaseName} new`)
    // After the storage's own listener, which would find its transaction over.
    queueMicrotask(() => request.addEventListener('upgradeneeded', () => request.transaction?.abort()))
    return request
  })
}

function closeWhenOpen(): void {
  storage.close()
  instead('open', (_, call) => {
    const request: IDBOpenDBRequest = call()
    request.addEventListener('success', () => request.result.close())
    return request
  })
}

function neverCommit(step: Step): void {
  instead(step, (transaction: IDBTransaction) => keepAlive(transaction.objectStore('state')))
}

const table = rows.map(([step, fault, provoke, outcome, after = fine]) => ({ step, fault, provoke, outcome, after }))

describe.each(table)(
  'P2: a write at whose step $step it happens: $fault',
  ({ step, fault, provoke, outcome, after }) => {
    test('settles, with what was the matter; storage is whole, and the next write works', async () => {
      if (fault === 'quota') await limitSpace(500_000)
      await storage.write({ set: Object.entries(before), delete: [] })
      await provoke(step)

      const change = { set: Object.entries(after), delete: ['c'] }
      let settled: unknown
      const write = storage.write(change, { expect: { key: 'generation', value: 1 } }).then(
        () => {
          settled = 'stored'
        },
        (error) => {
          settled = error
        },
      )
      if (fault === 'never settles') {
        const mark = await done(indexedDB.open(`${databaseName} mark`)) // the write has got as far as it gets
        mark.close()
        expect(settled).toBeUndefined()
        await clock.advance(step === 'open' ? OPEN_TIMEOUT : STALL_MS)
      }
      await write
      if (outcome === 'stored') {
        expect(settled).toBe('stored')
      } else {
        expect(settled).toBeInstanceOf(StorageError)
        expect(settled).toMatchObject({ reason: outcome[0], cause: { name: outcome[1] } })
        expect((settled as Error).message).toMatch(new RegExp(`^Writing .* failed \\(${outcome[1]}`))
      }
      expect(clock.pending).toBe(0)

      for (const end of ends) await end()
      await unlimitSpace()
      const stored = await storage.read(Object.keys(before))
      expect(stored).toEqual(outcome === 'stored' ? ['new', 'new', undefined, 2] : Object.values(before))
      await storage.write({ set: [['a', 'next']], delete: ['b'] })
      expect(await storage.read(['a', 'b'])).toEqual(['next', undefined])
    })
  },
)
