import { afterEach, expect, test } from 'vitest'
import { PROTOCOL_VERSION } from '../protocol/messages.js'
import type { Bulk } from '../protocol/slices.js'
import { slicesOf } from '../protocol/slices.js'
import { FakeClock } from './fixtures/fake-clock.js'
import { createTestCore } from './fixtures/test-core.js'
import type { WireCall } from './fixtures/wire.js'
import { callOf } from './fixtures/wire.js'
import { WorkerConnection } from './worker-connection.js'
import type { ConnectedRun } from './worker-leases.js'

/* A batch arrives slice by slice, and its worker answers nothing meanwhile: it is a port that a test writes on. */

const TTL_MS = 100
const bulk: Bulk = { from: 10, slice: 100 }

const open: { close(): void }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

let callId = 0
const call = (name: string, args: readonly unknown[]) => ({
  m: {
    id: `${++callId}`,
    type: 'APPLY',
    path: [name],
    argumentList: args.map((value) => ({ type: 'RAW', value })),
  },
})

async function holding() {
  const clock = new FakeClock()
  const shared = createTestCore({ ttlMs: TTL_MS, clock })
  const { port1, port2 } = new MessageChannel()
  const heard: string[] = []
  const answered: unknown[] = []
  port2.onmessage = ({ data }) => {
    const { name, payload } = callOf(data) as WireCall
    heard.push(name)
    answered.push(payload)
  }
  const run: ConnectedRun = { number: 1, id: '1', name: 'a', args: [], attempt: 1, progressed() {}, settled() {} }
  const connection = new WorkerConnection({
    core: shared.core,
    clock,
    port: port1,
    runs: new Map([[1, run]]),
    ready() {},
    failed() {},
    unresponsive() {},
  })
  open.push(connection, port2)
  /** Posts messages, and waits until the page has dealt with them. */
  const say = async (...messages: object[]) => {
    for (const message of messages) port2.postMessage(message)
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => void setImmediate(resolve))
  }
  await say(
    { ...call('ready', [PROTOCOL_VERSION, 3]), p: { state: 'counter', tasks: [], lock: undefined } },
    { ...call('request', [1, 1, 0]), p: { name: 'x', ifAvailable: false, revocable: false } },
  )
  expect(heard).toContain('granted')
  const rows = Array.from({ length: 300 }, (_, i) => `row ${i}`)
  const payload = { mutations: [{ op: 'set', path: ['rows'], value: rows }], specs: undefined }
  return { ...shared, clock, heard, answered, say, slices: [...slicesOf(payload, bulk)], rows }
}

test('L6, S7: from its first slice on a batch cannot expire while slices come', async () => {
  const { clock, heard, say, slices, rows, tree, office } = await holding()
  expect(slices.length).toBeGreaterThan(3)
  for (const s of slices) {
    await clock.advance(TTL_MS * 0.9) // much longer in all, and no probe is answered
    await say({ s, of: 1 })
    expect(office.holders).toHaveLength(1)
    expect(tree.root.rows).toEqual([])
  }
  await say({ ...call('commit', [1, 0, true]), of: 1 })
  expect(heard.at(-1)).toBe('committed')
  expect(tree.root.rows).toEqual(rows)
})

test('L8, S7: a holder that is gone between two slices leaves nothing', async () => {
  const { say, slices, tree, office } = await holding()
  await say({ s: slices[0], of: 1 }, { s: slices[1], of: 1 })
  open[0]?.close()
  expect(office.holders).toHaveLength(0)
  expect(tree.root.rows).toEqual([])
  expect(tree.version).toBe(0)
})

test('slices of a batch whose lease is over change nothing', async () => {
  const { say, slices, tree, heard } = await holding()
  await say(call('rollback', [1]), ...slices.map((s) => ({ s, of: 1 })), { ...call('commit', [1, 0, true]), of: 1 })
  expect(heard.at(-1)).toBe('rejected')
  expect(tree.version).toBe(0)
})

test('a staged value is refused for a run that is over, and let go of with its run', async () => {
  const { say, heard, answered, tree } = await holding()
  await say({ ...call('stage', [1, 7]), p: { value: [1] } })
  expect(heard.at(-1)).toBe('staged')
  expect(answered.at(-1)).toMatchObject({ name: 'TypeError' })
  await say({ ...call('stage', [2, 1]), p: { value: ['a'] } })
  expect(answered.at(-1)).toBeUndefined()
  await say({ ...call('settled', [1]), p: { ok: true, value: 1 } })
  const staged = [{ mutation: 0, at: [], id: 2 }]
  const p = { mutations: [{ op: 'set', path: ['rows'], value: undefined }], specs: undefined, staged }
  await say({ ...call('commit', [1, 0, true]), p })
  expect(heard.at(-1)).toBe('rejected')
  expect(tree.version).toBe(0)
})
