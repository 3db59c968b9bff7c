import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { pageClock } from '../store/clock.js'
import { FakeClock } from '../store/fixtures/fake-clock.js'
import { storageConformance } from '../testing/storage-conformance.js'
import { clearSiteData, done, limitSpace, openAs, randomBytes, unlimitSpace } from './fixtures/browser-idb.js'
import type { IdbStorage } from './idb-storage.js'
import { idbStorage, storageOver } from './idb-storage.js'

/* What goes wrong with a real IndexedDB, and what becomes of it. */

let count = 0
let databaseName = ''
let storage: IdbStorage
/** The connections whose transactions began, and those transactions. */
let connections: IDBDatabase[]
let transactions: IDBTransaction[]

beforeEach(() => {
  databaseName = `test ${count++}`
  storage = idbStorage({ databaseName })
  connections = []
  transactions = []
  const begin = IDBDatabase.prototype.transaction
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const transaction = begin.apply(this, args)
    connections.push(this)
    transactions.push(transaction)
    return transaction
  })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await unlimitSpace()
  storage.close()
  await clearSiteData()
})

const set = (...keys: string[]) => ({ set: keys.map((key) => [key, `value of ${key}`] as const), delete: [] })
const conforming = storageConformance(() => idbStorage({ databaseName }))

test.each(conforming)('idbStorage $name', ({ run }) => run())

test('P1: without space left nothing of a write is stored, it says so, and with space it goes on', async () => {
  await limitSpace(500_000)
  await storage.write(set('a'))
  const write = storage.write({ set: [['a', 'new'] as const, ['b', randomBytes(3_000_000)] as const], delete: [] })
  await expect(write).rejects.toMatchObject({ reason: 'quota', cause: { name: 'QuotaExceededError' } })
  await expect(write).rejects.toThrow(
    /^Writing 2 records to database "test \d+" failed \(QuotaExceededError.*no space left/,
  )
  expect(await storage.read(['a', 'b'])).toEqual(['value of a', undefined])
  await unlimitSpace()
  await storage.write(set('b'))
  expect(await storage.read(['b'])).toEqual(['value of b'])
})

test('P2: an abort without an error is an error all the same', async () => {
  await storage.write(set('a'))
  const put = IDBObjectStore.prototype.put
  const spy = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
    const request = put.apply(this, args)
    queueMicrotask(() => this.transaction.abort())
    return request
  })
  vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(() => {}) // after which there is no abort
  const write = storage.write({ set: [['a', 'new']], delete: [] })
  await expect(write).rejects.toMatchObject({ reason: 'failed', cause: { name: 'AbortError' } })
  expect(transactions.at(-1)?.error).toBeNull()
  spy.mockRestore()
  expect(await storage.read(['a'])).toEqual(['value of a'])
})

test('P3: a connection that is closing is opened again, and nobody notices', async () => {
  await storage.write(set('a'))
  connections[0]?.close()
  expect(await Promise.all([storage.read(['a']), storage.write(set('b'))])).toEqual([['value of a'], undefined])
  expect(await storage.keys('')).toEqual(['a', 'b'])
  expect(new Set(connections).size).toBe(2)
})

test('P3: one that closes in the middle of a write still stores it', async () => {
  await storage.write(set('a'))
  const write = storage.write(set('b', 'c'))
  await vi.waitUntil(() => transactions.length === 2)
  connections[0]?.close()
  await write
  expect(await storage.keys('')).toEqual(['a', 'b', 'c'])
})

test('P4: when the data of the site are cleared, it is empty, and works on', async () => {
  await storage.write(set('a'))
  const closed = new Promise((resolve) => connections[0]?.addEventListener('close', resolve))
  await clearSiteData()
  await closed
  expect(await storage.read(['a'])).toEqual([undefined])
  await storage.write(set('b'))
  expect(await storage.keys('')).toEqual(['b'])
  expect(new Set(connections).size).toBe(2)
})

// Some of the transactions are never told in Chromium, neither of their end nor of an abort.
test('P4: when they are cleared in the middle of writes, each of them settles, and the next write works', async () => {
  await storage.write(set('a'))
  const cleared = clearSiteData()
  const rows = Array.from({ length: 100 }, (_, i) => [`row ${i}`, randomBytes(100_000)] as const)
  const writes = rows.map((row) => storage.write({ set: [row], delete: [] }))
  const results = await Promise.allSettled(writes)
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'STORAGE', cause: expect.anything() })
  }
  await cleared
  await storage.write(set('b'))
  expect(await storage.read(['b'])).toEqual(['value of b'])
})

describe('P6: while the database is blocked by others', () => {
  test('an opening is given up, and the call says so; when they are gone, it works', async () => {
    const others = await openAs(databaseName, 1, 'state')
    const upgrade = indexedDB.open(databaseName, 2)
    await new Promise((resolve) => {
      upgrade.onblocked = resolve
    })
    storage = idbStorage({ databaseName, openTimeout: 50 })
    const read = storage.read(['a'])
    await expect(read).rejects.toMatchObject({ reason: 'timeout', cause: { name: 'TimeoutError' } })
    await expect(read).rejects.toThrow(/"test \d+" did not open within 50 ms\): another tab may be in the way/)
    others.close()
    ;(await done(upgrade)).close()
    await vi.waitFor(() => storage.write(set('a')))
    expect(await storage.read(['a'])).toEqual(['value of a'])
    // The opening that was given up has closed what came of it: nobody blocks this.
    ;(await openAs(databaseName, 3, 'another')).close()
  })

  test('a write that waits for their transaction is given up, changes nothing, and the next one works', async () => {
    await storage.write(set('a'))
    const others = await done(indexedDB.open(databaseName))
    const theirs = others.transaction('state', 'readwrite').objectStore('state')
    let goOn = true
    const again = () => {
      if (goOn) theirs.get('a').onsuccess = again
    }
    again()
    const clock = new FakeClock()
    const factory = () => indexedDB
    const waiting = storageOver({ databaseName, storeName: 'state', openTimeout: 5_000, clock, factory })
    const before = transactions.length
    const write = waiting.write({ set: [['a', 'new'] as const, ['b', () => {}] as const].slice(0, 1), delete: [] })
    write.catch(() => {})
    await vi.waitUntil(() => transactions.length > before)
    await clock.advance(30_000)
    await expect(write).rejects.toMatchObject({ reason: 'timeout', cause: { name: 'TimeoutError' } })
    goOn = false
    const [last] = await storage.read(['a']) // after the transactions before it
    expect(['value of a', 'new']).toContain(last)
    await waiting.write(set('c'))
    expect(await storage.read(['c'])).toEqual(['value of c'])
    waiting.close()
    others.close()
  })
})

describe('P7: it gives way, and goes on afterwards,', () => {
  test('to an upgrade, in the middle of a write', async () => {
    await storage.write(set('a'))
    const write = storage.write(set('b'))
    const upgraded = await openAs(databaseName, 2, 'another')
    await write
    expect([...upgraded.objectStoreNames]).toEqual(['another', 'state'])
    upgraded.close()
    expect(await storage.read(['a', 'b'])).toEqual(['value of a', 'value of b'])
  })

  test('to somebody who deletes the database', async () => {
    await storage.write(set('a'))
    await done(indexedDB.deleteDatabase(databaseName))
    expect(await storage.read(['a'])).toEqual([undefined])
    await storage.write(set('b'))
    expect(await storage.keys('')).toEqual(['b'])
  })
})

test('P8: a database without its object store is left as it is, and another one is taken', async () => {
  const others = await openAs(databaseName, 7, 'of somebody else')
  await done(others.transaction('of somebody else', 'readwrite').objectStore('of somebody else').put('theirs', 'key'))
  await storage.write(set('a'))
  storage.close()
  expect(await idbStorage({ databaseName }).read(['a'])).toEqual(['value of a'])
  expect([others.version, ...others.objectStoreNames]).toEqual([7, 'of somebody else'])
  expect(await done(others.transaction('of somebody else').objectStore('of somebody else').get('key'))).toBe('theirs')
  expect((await indexedDB.databases()).map(({ name }) => name)).toEqual([databaseName, `${databaseName}/state`])
  others.close()
  const [reader] = connections.slice(-1)
  reader?.close()
})

test('P11: the durability is that of the transaction', async () => {
  await storage.write(set('a'))
  await storage.write(set('a'), { durability: 'strict' })
  expect(transactions.map(({ durability }) => durability)).toEqual(['relaxed', 'strict'])
})

test('P13: the storage of a page that keeps nothing of it, as a private window', async () => {
  await storage.write(set('a'))
  expect(await navigator.storage.persisted()).toBe(false)
  expect(await storage.read(['a'])).toEqual(['value of a'])
})

test('hundreds of values are handed over a few at a time, with turns for others between them', async () => {
  const pieces: number[] = []
  let turn = 0
  let isOver = false
  const nextTurn = () => {
    turn += 1
    if (!isOver) pageClock.turn(nextTurn)
  }
  pageClock.turn(nextTurn)
  const seen = new Map<number, number>()
  const put = IDBObjectStore.prototype.put
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
    seen.set(turn, (seen.get(turn) ?? 0) + 1)
    return put.apply(this, args)
  })
  /** Says at each look that a millisecond has passed. */
  class CountingClock extends FakeClock {
    override now(): number {
      this.time += 1
      return this.time
    }
  }
  const options = {
    databaseName,
    storeName: 'state',
    openTimeout: 5_000,
    clock: new CountingClock(),
    factory: () => indexedDB,
  }
  const counting = storageOver(options)
  const rows = Array.from({ length: 400 }, (_, i) => [`row ${i}`, { id: i }] as const)
  await counting.write({ set: rows, delete: [] })
  isOver = true
  pieces.push(...seen.values())
  expect(pieces.reduce((sum, piece) => sum + piece)).toBe(400)
  expect(Math.max(...pieces)).toBeLessThan(100)
  expect(transactions).toHaveLength(1)
  expect(await counting.read(['row 0', 'row 399'])).toEqual([{ id: 0 }, { id: 399 }])
  counting.close()
})
