import { afterEach, expect, test, vi } from 'vitest'
import type { Link } from '../lib/protocol/endpoint.js'
import { createLink } from '../lib/protocol/endpoint.js'
import type { PageFacade, SettledPayload, WorkerFacade } from '../lib/protocol/messages.js'
import { PAGE_METHODS, PROTOCOL_VERSION } from '../lib/protocol/messages.js'
import { fromWireError } from '../lib/protocol/wire-error.js'

let worker: Worker | undefined
let link: Link<WorkerFacade> | undefined
afterEach(() => {
  link?.close()
  worker?.terminate()
})

/** Starts the worker, gives it its port, and welcomes it. */
async function setUp() {
  const calls: { name: string; payload: any; args: any[] }[] = []
  const errors: unknown[] = []
  const own = new Worker(new URL('./fixtures/served.worker.ts', import.meta.url), { type: 'module' })
  worker = own
  own.onerror = (event) => errors.push(event)
  const serves = await new Promise((resolve) => {
    own.onmessage = ({ data }) => resolve(data)
  })
  expect(serves).toEqual({ leasehold: 'serve', protocol: PROTOCOL_VERSION, state: 'served' })
  const { port1, port2 } = new MessageChannel()
  const handlers = Object.fromEntries(
    PAGE_METHODS.map((name) => [
      name,
      (payload: unknown, ...args: unknown[]) => void calls.push({ name, payload, args }),
    ]),
  )
  const page = createLink<WorkerFacade, PageFacade>(port1, {
    methods: PAGE_METHODS,
    handlers: handlers as any,
    onFault: (error) => errors.push(error),
  })
  link = page
  own.postMessage({ leasehold: 'port', state: 'served', port: port2 }, [port2])
  const next = (name: string) =>
    vi.waitFor(
      () => {
        const index = calls.findIndex((call) => call.name === name)
        if (index < 0) throw new Error(`no call of ${name}`)
        return calls.splice(index, 1)[0] as (typeof calls)[number]
      },
      { interval: 2, timeout: 5_000 },
    )
  await next('ready')
  page.send('welcome', [0], { token: 'tok', root: { counter: 1 } })
  return { page, next, errors }
}

test('a real worker serves as soon as it is loaded, leases, commits and gives its result', async () => {
  const { page, next, errors } = await setUp()
  page.send('start', [1], { name: 'add', args: [4] })
  const { args } = await next('request')
  page.send('granted', [args[0], 1, 0, 0], { kind: 'none' })
  expect((await next('commit')).payload).toMatchObject({ mutations: [{ op: 'set', path: ['counter'], value: 5 }] })
  page.send('committed', [1, 0, 1, 0])
  expect((await next('settled')).payload).toEqual({ ok: true, value: 5 })
  expect(errors).toEqual([])
})

test('T10: a thrown error arrives with its class, and a stack that shows the line in the worker', async () => {
  const { page, next } = await setUp()
  page.send('start', [1], { name: 'fail', args: [] })
  const outcome = (await next('settled')).payload as SettledPayload
  const error = outcome.ok ? undefined : (fromWireError(outcome.error) as Error)
  expect(error).toBeInstanceOf(RangeError)
  expect(error?.message).toBe('thrown by the task')
  expect(error?.stack).toMatch(/served\.worker\S*:\d+:\d+/)
})

test('T10: rejections and errors that belong to no run are reported, and each only once', async () => {
  const { page, next, errors } = await setUp()
  page.send('start', [1], { name: 'leak', args: [] })
  const reports = [fromWireError((await next('report')).payload), fromWireError((await next('report')).payload)]
  expect(reports.map((error) => (error as Error).name).sort()).toEqual(['RangeError', 'SyntaxError'])
  expect(reports.map((error) => (error as Error).message).sort()).toEqual([
    'rejected and not awaited',
    'thrown in a timer',
  ])
  for (const error of reports) expect((error as Error).stack).toMatch(/served\.worker\S*:\d+:\d+/)
  await next('settled')
  expect(errors).toEqual([])
})
