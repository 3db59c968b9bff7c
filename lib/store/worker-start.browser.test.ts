import { afterEach, expect, test } from 'vitest'
import { VersionMismatchError, WorkerLoadError, WorkerStartTimeoutError } from '../errors.js'
import { disposeRunners, expectAtRest, lifeLocks, startRunner } from './fixtures/start-runner.js'

/* A worker that does not come up: every run of it fails with an error that says why, and the next run tries again. */

afterEach(disposeRunners)
const frames: HTMLIFrameElement[] = []
const urls: string[] = []
afterEach(() => {
  for (const frame of frames.splice(0)) frame.remove()
  for (const url of urls.splice(0)) URL.revokeObjectURL(url)
})

// Bundlers look for these very forms.
const counter = () => new Worker(new URL('./fixtures/counter.worker.ts', import.meta.url), { type: 'module' })
const throws = () => new Worker(new URL('./fixtures/throws.worker.ts', import.meta.url), { type: 'module' })
const neverReady = () => new Worker(new URL('./fixtures/never-ready.worker.ts', import.meta.url), { type: 'module' })
const endless = () => new Worker(new URL('./fixtures/endless.worker.ts', import.meta.url), { type: 'module' })
const otherProtocol = () =>
  new Worker(new URL('./fixtures/other-protocol.worker.ts', import.meta.url), { type: 'module' })
const otherState = () => new Worker(new URL('./fixtures/other-state.worker.ts', import.meta.url), { type: 'module' })
const otherVersion = () =>
  new Worker(new URL('./fixtures/other-version.worker.ts', import.meta.url), { type: 'module' })

/** A worker of a script that no file of the project could be: its source, as a server would give it. */
function fromSource(source: string, type = 'text/javascript', options: WorkerOptions = { type: 'module' }): Worker {
  const url = URL.createObjectURL(new Blob([source], { type }))
  urls.push(url)
  return new Worker(url, options)
}

/** Makes workers as a page does whose Content-Security-Policy allows none. */
function fromStrictPage(): Worker {
  const frame = document.createElement('iframe')
  frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="worker-src 'none'">`
  frames.push(frame)
  document.body.append(frame)
  const page = frame.contentWindow as Window & typeof globalThis
  // Of the frame's first, empty document the policy is not known yet: it is written in place, and so in force at once.
  page.document.open()
  page.document.write(frame.srcdoc)
  page.document.close()
  return new page.Worker(new URL('./fixtures/counter.worker.ts', import.meta.url), { type: 'module' })
}

function failing(message: string): () => Worker {
  return () => {
    throw new RangeError(message)
  }
}

const hint = /404 after a deploy.*wrong MIME.*Content-Security-Policy/

test.each<[fault: string, factory: () => Worker, message: RegExp]>([
  ['is not there (404)', () => new Worker('/no-such-folder/no-such-script.js', { type: 'module' }), hint],
  ['is answered with HTML', () => fromSource('<!doctype html><title>app</title>', 'text/html'), hint],
  ['imports what is not there', () => fromSource(`import '${location.origin}/no-such-import.js'`), hint],
  ['has a syntax error', () => fromSource('const const'), hint],
  ['is no module, and has a syntax error', () => fromSource('const const', undefined, {}), /Unexpected token 'const'/],
  ['is no module, but imports', () => fromSource(`import '/x.js'`, undefined, {}), /import statement outside a module/],
  ['throws at its top level', throws, /thrown at start/],
  ['is blocked by the Content-Security-Policy', fromStrictPage, hint],
  [
    'is of another origin',
    () => new Worker('https://cdn.example/counter.js', { type: 'module' }),
    /this page's origin/,
  ],
  ['is made by a factory that throws', failing('no worker today'), /could not be made \(no worker today\)/],
])(
  'a worker whose script %s is tried twice, then its runs fail with WorkerLoadError; the next run tries again',
  async (...row) => {
    const [, factory, message] = row
    let tries = 0
    let make = () => {
      tries++
      return factory()
    }
    const pool = startRunner(() => make())
    const [first, second] = [pool.runner.start('add', [1]), pool.runner.start('slow', [1])]
    await expect(first.done).rejects.toThrow(message)
    await expect(second.done).rejects.toBe(first.error)
    expect(first.error).toBeInstanceOf(WorkerLoadError)
    expect(first.error).toMatchObject({ code: 'WORKER_LOAD', cause: expect.any(Error) })
    expect(tries).toBe(2)
    expectAtRest(pool)
    await expect(pool.runner.start('add', [1]).done).rejects.toThrow(WorkerLoadError)
    expect(tries).toBe(4)
    make = counter // whoever has mended the server is served
    expect(await pool.runner.start('add', [1]).done).toBe(1)
    expect(pool.reports).toEqual([])
    expectAtRest(pool)
  },
)

test('a worker that could not be loaded the first time, and could the second, runs what waited', async () => {
  let tries = 0
  const pool = startRunner(() => (tries++ === 0 ? new Worker('/no-such-script.js', { type: 'module' }) : counter()))
  expect(await Promise.all([1, 2].map((by) => pool.runner.start('add', [by]).done))).toEqual([1, 3])
  expect(tries).toBe(2)
  expect(pool.reports).toEqual([])
})

test.each([
  ['waits for ever at its top level', neverReady],
  ['loops at its top level', endless],
])(
  'a worker that %s is ended after readyTimeout, and its runs fail with WorkerStartTimeoutError',
  async (_, factory) => {
    const pool = startRunner(factory, { readyTimeout: 300 })
    const run = pool.runner.start('add', [1])
    await expect(run.done).rejects.toThrow(/within 300 ms.*raise readyTimeout/)
    expect(run.error).toBeInstanceOf(WorkerStartTimeoutError)
    expect(pool.made).toHaveLength(1) // it would only wait once more
    expectAtRest(pool)
    await expect(pool.runner.start('add', [1]).done).rejects.toThrow(WorkerStartTimeoutError)
    expect(pool.made).toHaveLength(2)
  },
)

test.each([
  ['speaks another protocol', otherProtocol, /protocol 99; this page needs protocol/],
  ['serves other states alone', otherState, /the state "other"; this page needs/],
  ['was built with another version of the state', otherVersion, /version 4 of the state "counter".*version 3/],
])('a worker that %s is refused at once, and its runs fail with VersionMismatchError', async (_, factory, message) => {
  const pool = startRunner(factory)
  const run = pool.runner.start('add', [1])
  await expect(run.done).rejects.toThrow(message)
  expect(run.error).toBeInstanceOf(VersionMismatchError)
  expect(pool.made).toHaveLength(1)
  expectAtRest(pool)
  await expect.poll(lifeLocks).toEqual({ held: 0, watched: 0 })
})

test('a worker that cannot be loaded and that nobody waits for any more is reported once', async () => {
  const pool = startRunner(() => new Worker('/no-such-script.js', { type: 'module' }))
  const run = pool.runner.start('add', [1])
  run.cancel()
  await expect(run.done).rejects.toThrow('was cancelled')
  await expect.poll(() => pool.reports.length).toBe(1)
  expect(pool.reports[0]?.error).toBeInstanceOf(WorkerLoadError)
  expectAtRest(pool)
})
