import { afterEach, describe, expect, test, vi } from 'vitest'
import { FakeClock } from '../store/fixtures/fake-clock.js'
import { FakeIdb } from './fixtures/fake-idb.js'
import type { Fault, Step } from './fixtures/fault.js'
import { idbStorage, storageOver } from './idb-storage.js'

/* What the storage makes of connections and transactions; that what it stores is right, the browser shows. */

afterEach(() => void vi.unstubAllGlobals())

function create(idb = new FakeIdb(), clock = new FakeClock()) {
  const options = { databaseName: 'app', storeName: 'state', openTimeout: 5_000, clock, factory: () => idb.factory }
  return { idb, clock, storage: storageOver(options) }
}

const set = (...keys: string[]) => ({ set: keys.map((key) => [key, `value of ${key}`] as const), delete: [] })
const turns = async (count = 10) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('where there is no database', () => {
  test('P13: in Node: nothing is thrown, only the calls reject, and say so', async () => {
    const storage = idbStorage()
    storage.close()
    const failure = { code: 'STORAGE', reason: 'unavailable', cause: { name: 'NotSupportedError' } }
    await expect(storage.read(['a'])).rejects.toMatchObject(failure)
    await expect(storage.keys('')).rejects.toMatchObject(failure)
    await expect(storage.write(set('a'))).rejects.toMatchObject(failure)
    await expect(storage.write(set('a'))).rejects.toThrow(
      'Writing 1 record to database "leasehold" failed (NotSupportedError: There is no indexedDB.): the browser gives this page no IndexedDB. Allow the site to store data, or serve the page from an origin of its own.',
    )
  })

  test('P13: where asking for it throws, as with site data blocked: only the calls reject', async () => {
    const denied = () => {
      throw new DOMException('The operation is insecure.', 'SecurityError')
    }
    vi.stubGlobal('indexedDB', undefined)
    Object.defineProperty(globalThis, 'indexedDB', { get: denied, configurable: true })
    const storage = idbStorage()
    await expect(storage.read(['a'])).rejects.toMatchObject({ reason: 'unavailable', cause: { name: 'SecurityError' } })
  })
})

describe('the connection', () => {
  test('opens at the first call, once for all who call meanwhile', async () => {
    const { idb, storage } = create()
    await turns()
    expect(idb.opened).toHaveLength(0)
    await Promise.all([storage.write(set('a')), storage.write(set('b')), storage.read(['a']), storage.keys('')])
    expect(idb.opened).toHaveLength(1)
    expect(await storage.keys('')).toEqual(['a', 'b'])
    expect(idb.opened).toHaveLength(1)
  })

  test('one for which the browser has thrown away what was stored fails once, and says so', async () => {
    const { idb, storage } = create()
    idb.loss = 'checksum mismatch'
    await expect(storage.read(['a'])).rejects.toMatchObject({
      reason: 'lost',
      message: expect.stringMatching(/checksum mismatch.*has deleted all that was stored/),
    })
    expect(await storage.read(['a'])).toEqual([undefined])
  })

  test('P3: one that closes without a word is opened again, for all who find it closed, and nobody notices', async () => {
    const { idb, storage } = create()
    await storage.write(set('a'))
    if (idb.opened[0]) idb.opened[0].isClosed = true
    const read = Promise.all([storage.read(['a']), storage.read(['a']), storage.write(set('b'))])
    expect(await read).toEqual([['value of a'], ['value of a'], undefined])
    expect(idb.opened).toHaveLength(2)
  })

  test('P5: an opening that the browser aborts is tried again, by all who wait for it together', async () => {
    const { idb, storage } = create()
    idb.order('open', 'aborts')
    expect(await Promise.all([storage.read(['a']), storage.write(set('a'))])).toEqual([[undefined], undefined])
    expect([idb.isTaken, idb.opened.length]).toEqual([true, 1])
  })

  test('P3: it is opened again once, and then the call fails', async () => {
    const { idb, storage } = create()
    await storage.write(set('a'))
    const open = idb.open.bind(idb)
    idb.open = (name) => {
      idb.order('open', 'connection closed')
      return open(name)
    }
    storage.close()
    await expect(storage.read(['a'])).rejects.toMatchObject({ reason: 'failed', cause: { name: 'InvalidStateError' } })
    expect(idb.opened).toHaveLength(3)
    idb.open = open
    expect(await storage.read(['a'])).toEqual(['value of a'])
  })

  test.each(['onclose', 'onversionchange'] as const)(
    'P4, P7: on %s it lets go, and the next call opens',
    async (event) => {
      const { idb, storage } = create()
      await storage.write(set('a'))
      idb.opened[0]?.[event]?.()
      await turns()
      expect(idb.opened[0]?.isClosed).toBe(true)
      expect(idb.opened).toHaveLength(1)
      expect(await storage.read(['a'])).toEqual(['value of a'])
      expect(idb.opened).toHaveLength(2)
    },
  )

  test('P4: one that the browser closes while a transaction hears nothing: the call rejects at once', async () => {
    const { idb, clock, storage } = create()
    await storage.write(set('a'))
    idb.order('commit', 'never settles')
    const write = storage.write(set('b'))
    write.catch(() => {})
    await turns()
    idb.opened[0]?.forceClose()
    await expect(write).rejects.toMatchObject({ reason: 'timeout', cause: { name: 'TimeoutError' } })
    await expect(write).rejects.toThrow(/the browser has closed the connection; the transaction may yet end/)
    expect(clock.pending).toBe(0)
    idb.settle()
    expect(await storage.read(['a', 'b'])).toEqual(['value of a', 'value of b'])
  })

  test('P7: an event of a connection that was dropped long ago costs nothing', async () => {
    const { idb, storage } = create()
    await storage.write(set('a'))
    storage.close()
    await storage.write(set('b'))
    idb.opened[0]?.onversionchange?.()
    await turns()
    expect(idb.opened[1]?.isClosed).toBe(false)
  })

  test('P6: an opening that hangs rejects all who wait for it, after 5 s, and is closed if it succeeds later', async () => {
    const { idb, clock, storage } = create()
    idb.order('open', 'never settles')
    const settled: unknown[] = []
    for (const call of [storage.read(['a']), storage.write(set('a'))]) {
      call.catch((error) => settled.push(error))
    }
    await clock.advance(4_999)
    expect(settled).toEqual([])
    await clock.advance(1)
    const failure = { reason: 'timeout', cause: { name: 'TimeoutError' } }
    expect(settled).toMatchObject([failure, failure])
    expect(String(settled[0])).toContain('"app" did not open within 5000 ms')

    await storage.write(set('b')) // by an opening of its own
    idb.settle()
    await turns()
    expect(idb.opened.map(({ isClosed }) => isClosed)).toEqual([false, true])
    expect(clock.pending).toBe(0)
  })

  test('P6: a page that was blocked meanwhile has not waited for the opening', async () => {
    const { clock, storage } = create()
    const read = storage.read(['a'])
    await Promise.resolve()
    clock.jump(60_000)
    expect(await read).toEqual([undefined])
  })

  test('P8: a database that lacks the object store is left as it is, and another one is taken, always the same', async () => {
    const { idb } = create()
    const other = storageOver({
      databaseName: 'app',
      storeName: 'of somebody else',
      openTimeout: 5_000,
      clock: new FakeClock(),
      factory: () => idb.factory,
    })
    await other.write(set('theirs'))
    const { storage } = create(idb)
    await storage.write(set('a'))
    expect(idb.records('app', 'of somebody else')).toEqual({ theirs: 'value of theirs' })
    expect([...idb.stored.keys()]).toEqual(['app', 'app/state'])
    expect([...(idb.stored.get('app')?.stores.keys() ?? [])]).toEqual(['of somebody else'])
    expect(await create(idb).storage.read(['a'])).toEqual(['value of a'])
    expect(idb.opened.filter(({ isClosed, stored }) => !isClosed && stored === idb.stored.get('app'))).toHaveLength(1)
  })

  test('P8: if that one lacks it too, the call says what to do', async () => {
    const { idb, storage } = create()
    for (const name of ['app', 'app/state']) {
      idb.open(name).onupgradeneeded = null // made without an object store
      await turns()
    }
    await expect(storage.read(['a'])).rejects.toMatchObject({ reason: 'failed', cause: { name: 'NotFoundError' } })
    await expect(storage.read(['a'])).rejects.toThrow(/Give idbStorage another databaseName/)
  })

  test('close lets go of it, in the middle of things too, and what is under way is done', async () => {
    const { idb, storage } = create()
    const write = storage.write(set('a'))
    storage.close() // before it is open
    await write
    const next = storage.write(set('b'))
    await Promise.resolve()
    storage.close()
    await next
    storage.close()
    storage.close()
    await turns()
    expect(idb.records('app', 'state')).toEqual({ a: 'value of a', b: 'value of b' })
    expect(idb.opened.every(({ isClosed }) => isClosed)).toBe(true)
  })
})

describe('reading', () => {
  test('P8: leaves out what is not of texts: somebody else has put it there', async () => {
    const { idb, storage } = create()
    await storage.write(set('a'))
    const records = idb.stored.get('app')?.stores.get('state') as Map<unknown, unknown>
    records.set(1, 'theirs')
    expect(await storage.keys('')).toEqual(['a'])
  })

  const rows: [Step, Fault, string, string][] = [
    ['open', 'throws', 'unavailable', 'SecurityError'],
    ['transaction', 'throws', 'failed', 'UnknownError'],
    ['transaction', 'aborts', 'failed', 'AbortError'],
    ['get', 'aborts', 'failed', 'AbortError'],
    ['get', 'connection closed', 'failed', 'AbortError'],
    ['get', 'throws', 'failed', 'TransactionInactiveError'],
  ]
  test.each(rows)(
    'P5: at "%s" it happens: %s; it rejects, and reads at the next try',
    async (step, fault, reason, name) => {
      const { idb, storage } = create()
      await storage.write(set('a', 'b'))
      for (const call of [() => storage.read(['a', 'b']), () => storage.keys('')]) {
        if (step === 'open') storage.close()
        idb.order(step, fault)
        await expect(call()).rejects.toMatchObject({ code: 'STORAGE', reason, cause: { name } })
        expect(idb.isTaken).toBe(true)
        await expect(call()).resolves.toHaveLength(2)
      }
    },
  )

  test.each(['transaction', 'get'] as const)(
    'P5: a "%s" that never settles is given up, and read at the next try',
    async (step) => {
      const { idb, clock, storage } = create()
      await storage.write(set('a'))
      idb.order(step, 'never settles')
      let settled: unknown
      storage.read(['a']).catch((error) => {
        settled = error
      })
      await turns()
      await clock.advance(29_999)
      expect(settled).toBeUndefined()
      await clock.advance(1)
      expect(settled).toMatchObject({ reason: 'timeout' })
      expect(await storage.read(['a'])).toEqual(['value of a'])
      expect(clock.pending).toBe(0)
    },
  )
})

describe('writing', () => {
  test('P11: hands the durability to the transaction, relaxed where nothing is said', async () => {
    const { idb, storage } = create()
    await storage.write(set('a'))
    await storage.write(set('a'), { durability: 'strict' })
    await storage.write(set('a'), { durability: 'relaxed' })
    expect(idb.durabilities).toEqual(['relaxed', 'strict', 'relaxed'])
  })

  /** A clock that says at each look that a millisecond has passed. */
  class CountingClock extends FakeClock {
    override now(): number {
      this.time += 1
      return this.time
    }
  }
  const many = set(...Array.from({ length: 100 }, (_, i) => `key ${i}`))

  test('hands hundreds of values over a few at a time, in one transaction', async () => {
    const { idb, storage } = create(new FakeIdb(), new CountingClock())
    await storage.write(many)
    expect(idb.pieces).toEqual(Array.from({ length: 25 }, () => 4))
    expect(idb.durabilities).toHaveLength(1)
    expect(Object.keys(idb.records('app', 'state'))).toHaveLength(100)
  })

  test('one that is to be at once hands all of them over in one turn', async () => {
    const { idb, storage } = create(new FakeIdb(), new CountingClock())
    await storage.write(many, { atOnce: true })
    expect(idb.pieces).toEqual([100])
  })

  /** Begins a write of many values, and waits until some are handed over. */
  async function beginMany() {
    const made = create(new FakeIdb(), new CountingClock())
    const first = made.storage.write(set('gone'))
    const write = made.storage.write({ set: many.set, delete: ['gone'] })
    await first
    while (made.idb.pieces.length < 4) await turns(1)
    return { ...made, write }
  }

  test('P8: one that is to be at once takes with it what is being handed over, and what waits', async () => {
    const { idb, storage, write } = await beginMany()
    const order: string[] = []
    const waiting = storage.write({ set: [['key 1', 'waiting'] as const, ['key 2', 'waiting'] as const], delete: [] })
    const last = storage.write({ set: [['key 2', 'last']], delete: ['key 3'] }, { atOnce: true })
    const later = storage.write({ set: [['key 2', 'later']], delete: [] })
    for (const [name, one] of Object.entries({ write, waiting, last, later })) void one.then(() => order.push(name))
    await Promise.all([write, waiting, last])
    const { 'key 3': _, ...rest } = Object.fromEntries(many.set)
    expect(idb.records('app', 'state')).toEqual({ ...rest, 'key 1': 'waiting', 'key 2': 'last' })
    expect(idb.pieces).toContain(103)
    await later
    await storage.keys('')
    expect(idb.opened).toHaveLength(1)
    expect(order.at(-1)).toBe('later')
    expect(idb.records('app', 'state')).toMatchObject({ 'key 2': 'later', 'key 99': 'value of key 99' })
  })

  test('P8: all that it has taken rejects with it, and nothing of them is stored', async () => {
    const { idb, storage, write } = await beginMany()
    const waiting = storage.write(set('waiting'))
    const last = storage.write({ set: [['bad', () => {}]], delete: [] }, { atOnce: true })
    const settled = await Promise.allSettled([write, waiting, last])
    expect(settled).toMatchObject([1, 2, 3].map(() => ({ status: 'rejected', reason: { reason: 'value' } })))
    expect(idb.records('app', 'state')).toEqual({ gone: 'value of gone' })
    await storage.write(set('next'))
    expect(idb.records('app', 'state')).toEqual({ gone: 'value of gone', next: 'value of next' })
  })

  test('P8: taken before its database is open, a write is stored all the same', async () => {
    const { idb, storage } = create()
    await Promise.all([
      storage.write(set('a', 'b')),
      storage.write({ set: [['b', 'new']], delete: [] }, { atOnce: true }),
    ])
    expect(idb.records('app', 'state')).toEqual({ a: 'value of a', b: 'new' })
    expect(idb.opened).toHaveLength(1)
  })

  test.each(['stored', 'conflict'])('P8: it expects what the first of them expects: %s', async (outcome) => {
    const expected = { key: 'gone', value: outcome === 'stored' ? 'value of gone' : 'something else' }
    const { idb, storage } = create(new FakeIdb(), new CountingClock())
    await storage.write(set('gone'))
    const write = storage.write({ set: many.set, delete: ['gone'] }, { expect: expected })
    const last = storage.write(set('last'), { atOnce: true, expect: { key: 'key 1', value: 'value of key 1' } })
    const settled = await Promise.allSettled([write, last])
    expect(settled.map((one) => (one.status === 'rejected' ? one.reason.reason : 'stored'))).toEqual([outcome, outcome])
    expect(Object.keys(idb.records('app', 'state'))).toHaveLength(outcome === 'stored' ? 101 : 1)
  })

  test('a write waits until the one before it is handed over, and not until it is stored', async () => {
    const { idb, storage, write } = await beginMany()
    const transactions = idb.durabilities.length
    const next = storage.write(set('next'))
    await turns(3)
    expect(idb.durabilities).toHaveLength(transactions)
    while (idb.durabilities.length === transactions) await turns(1)
    expect(idb.records('app', 'state')).toEqual({ gone: 'value of gone' })
    await Promise.all([write, next])
    expect(Object.keys(idb.records('app', 'state'))).toHaveLength(101)
  })

  test('a value that cannot be cloned leaves nothing, in a later piece neither, and is named', async () => {
    const { idb, storage } = create(new FakeIdb(), new CountingClock())
    await storage.write({ set: [['key 1', 'old']], delete: [] })
    const change = { set: [...many.set, ['the culprit', () => {}] as const], delete: ['key 1'] }
    const write = storage.write(change)
    await expect(write).rejects.toThrow(/^Writing "the culprit" failed \(DataCloneError: .*\): it cannot be cloned\./)
    await expect(write).rejects.toMatchObject({ reason: 'value', cause: { name: 'DataCloneError' } })
    expect(idb.records('app', 'state')).toEqual({ 'key 1': 'old' })
  })

  test('of two who expect the same, one writes, and the other is told of the conflict', async () => {
    const { idb, storage } = create()
    const other = create(idb).storage
    await storage.write({ set: [['meta', { generation: 7, more: true }]], delete: [] })
    const write = (by: typeof storage, name: string) =>
      by.write({ set: [['meta', { generation: 8, name }]], delete: [] }, { expect: { key: 'meta', value: 7 } })
    const [first, second] = await Promise.allSettled([write(storage, 'first'), write(other, 'second')])
    expect(first.status).toBe('fulfilled')
    expect((second as PromiseRejectedResult).reason).toMatchObject({
      reason: 'conflict',
      message: '"meta" holds 8, not 7: somebody else has written. Nothing was stored; read again first.',
    })
    expect(idb.records('app', 'state')).toEqual({ meta: { generation: 8, name: 'first' } })
  })
})
