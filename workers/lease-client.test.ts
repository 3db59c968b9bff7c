import { afterEach, describe, expect, test } from 'vitest'
import { LeaseExpiredError, LeaseRevokedError } from '../lib/errors.js'
import { defineState } from '../lib/state/define-state.js'
import { HandWrittenPage } from './fixtures/hand-written-page.js'
import { serveTasks } from './serve-tasks.js'
import type { TaskContext } from './task.js'

const listState = defineState('list', () => ({
  rows: Array.from({ length: 200 }, (_, id) => id), // so many that a commit writes them in place
  text: '',
}))
type Task = TaskContext<{ rows: number[]; text: string }>

const pages: HandWrittenPage[] = []
afterEach(() => {
  for (const page of pages.splice(0)) page.close()
})

/** Serves one task, and starts it. */
async function run(work: (task: Task) => Promise<unknown>): Promise<HandWrittenPage> {
  const page = new HandWrittenPage(serveTasks(listState, { work: async (task: Task) => work(task) }))
  pages.push(page)
  await page.start('work')
  return page
}

const resultOf = async (page: HandWrittenPage): Promise<unknown> =>
  ((await page.next('settled')).payload as { readonly value?: unknown }).value

const revoked = new LeaseRevokedError('revoked for an urgent event')

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

describe('a lease that is revoked', () => {
  test('L16: before its function began, because the replica was being brought up, is asked for again all the same', async () => {
    let runs = 0
    const page = await run((task) =>
      task.lease((state) => {
        runs += 1
        state.text = 'written'
      }),
    )
    const first = await page.request()
    page.tree.apply([{ op: 'set', path: ['text'], value: 'event' }])
    page.tree.apply([{ op: 'set', path: ['text'], value: 'another' }])
    const epoch = page.grant(first.id, 1) // the worker has version 0: it asks
    const refresh = await page.next('refresh')
    page.end(epoch, revoked)
    page.link.send('refreshed', [refresh.args[0] as number, 2, 0], page.tree.changesSince(0))
    const again = await page.request()
    expect(again.payload.again).toBe(epoch)
    expect(runs).toBe(0)
    page.grant(again.id)
    expect((await page.batch()).mutations).toEqual([{ op: 'set', path: ['text'], value: 'written' }])
    expect(runs).toBe(1)
  })

  test('L16: while its last batch is on its way, runs again; the refusal that follows is nothing new', async () => {
    let runs = 0
    const page = await run((task) =>
      task.lease((state) => {
        state.text = `run ${++runs}`
        return runs
      }),
    )
    const epoch = page.grant((await page.request()).id)
    const { args } = await page.next('commit')
    page.end(epoch, revoked)
    page.link.send('rejected', [epoch, args[1] as number], {
      name: 'LeaseRevokedError',
      message: '',
      code: 'LEASE_REVOKED',
    })
    const again = await page.request()
    expect(again.payload).toEqual({ name: 'work', again: epoch })
    await page.settle()
    expect(page.calls).toEqual([])
    const second = page.grant(again.id)
    const batch = await page.batch()
    page.link.send('committed', [second, 0, 1, 0])
    expect(batch.mutations).toEqual([{ op: 'set', path: ['text'], value: 'run 2' }])
    expect(await resultOf(page)).toBe(2)
  })

  test('L16: while its flush is on its way, has the flush fail, and runs again', async () => {
    const errors: string[] = []
    const page = await run((task) =>
      task.lease(async (state, lease) => {
        state.text = 'flushed'
        await lease.flush().catch((error: Error) => errors.push(error.name))
      }),
    )
    const epoch = page.grant((await page.request()).id)
    await page.next('commit')
    page.end(epoch, revoked)
    const again = await page.request()
    expect(again.payload.again).toBe(epoch)
    expect(errors).toEqual(['LeaseRevokedError'])
  })

  test.each(['settles late', 'throws'])('L16: and whose function %s runs again only then', async (how) => {
    const late = gate()
    let runs = 0
    const page = await run((task) =>
      task.lease(async (state) => {
        runs += 1
        if (runs > 1) return runs
        await late.opened
        if (how === 'throws') throw new RangeError('on a dead draft')
        state.text = 'on a dead draft'
        return runs
      }),
    )
    page.end(page.grant((await page.request()).id), revoked)
    await page.settle()
    expect(page.calls).toEqual([])
    late.open()
    const second = page.grant((await page.request()).id)
    expect((await page.batch()).mutations).toEqual([])
    page.link.send('committed', [second, 0, 0, 0])
    expect(await resultOf(page)).toBe(2)
  })

  test('L16: and whose function never settles ends with its run', async () => {
    const page = await run((task) => task.lease(() => new Promise(() => {})).catch((error: unknown) => error))
    page.end(page.grant((await page.request()).id), revoked)
    await page.settle()
    page.link.send('cancel', [1], { reason: 'enough' })
    expect(await resultOf(page)).toBe('enough')
    expect(page.calls).toEqual([])
  })

  test('L11 L16: waits once more, and its signal ends that wait', async () => {
    const controller = new AbortController()
    const page = await run((task) =>
      task.lease(() => {}, { signal: controller.signal }).catch((error: unknown) => error),
    )
    page.end(page.grant((await page.request()).id), revoked)
    const { id } = await page.request()
    controller.abort('enough')
    expect((await page.next('withdraw')).args).toEqual([id])
    expect(await resultOf(page)).toBe('enough')
  })

  test('T18: sends what its function emits once, with the batch that is applied', async () => {
    let runs = 0
    const page = await run((task) =>
      task.lease((_state, lease) => {
        const emit = lease.emit as Record<string, (run: number) => void>
        emit.happened?.(++runs)
      }),
    )
    const epoch = page.grant((await page.request()).id)
    await page.next('commit')
    page.end(epoch, revoked)
    page.grant((await page.request()).id)
    const { payload } = await page.next('commit')
    expect(payload).toEqual({ mutations: [], specs: [{ kind: 'event', name: 'happened', args: [2] }] })
  })
})

describe('a last batch that is applied', () => {
  test('L5: is not taken back by a cancellation that comes before the replica has it', async () => {
    const page = await run((task) =>
      task.lease((state) => {
        state.text = 'written'
        return 'done'
      }),
    )
    const epoch = page.grant((await page.request()).id)
    page.tree.apply([{ op: 'set', path: ['rows', 0], value: -1 }]) // of another scope, and not sent
    await page.batch()
    page.link.send('committed', [epoch, 0, 2, 1]) // from a version that the worker does not have: it asks
    const refresh = await page.next('refresh')
    page.link.send('cancel', [1], { reason: 'enough' })
    await page.settle()
    page.link.send('refreshed', [refresh.args[0] as number, 2, 0], page.tree.changesSince(0))
    expect(await resultOf(page)).toBe('done')
  })
})

describe('a flush', () => {
  test('L13: of which the page answers another lease first leaves the draft what it was until its own answer comes', async () => {
    const first: (number | undefined)[] = []
    const [look, goOn] = [gate(), gate()]
    const page = await run((task) =>
      Promise.all([
        task.lease(
          async (state, lease) => {
            state.rows.shift()
            const flushed = lease.flush()
            await look.opened
            first.push(state.rows[0], state.rows.length)
            goOn.open()
            await flushed
            first.push(state.rows[0], state.rows.length)
            state.rows.shift()
          },
          { scope: ['rows'] },
        ),
        task.lease(() => look.open(), { scope: ['text'] }),
      ]),
    )
    const [rows, text] = [await page.request(), await page.request()]
    const epoch = page.grant(rows.id)
    await page.batch()
    page.grant(text.id, 0) // with the changes of the flush
    await goOn.opened
    page.link.send('committed', [epoch, 0, 1, 1], { kind: 'none' })
    await page.next('commit') // of the lease of text
    expect((await page.batch()).mutations).toEqual([{ op: 'splice', path: ['rows'], index: 0, remove: 1, values: [] }])
    expect(first).toEqual([1, 199, 1, 199])
    expect(page.tree.root.rows).toHaveLength(198)
  })

  test('L13: that nobody awaits is no part of the last batch, and nothing is written behind it', async () => {
    let late = ''
    const page = await run((task) =>
      task.lease((state, lease) => {
        state.rows.push(1_000)
        const behind = (): void => {
          state.rows.push(1_001)
          void lease.flush()
        }
        void lease
          .flush()
          .then(behind)
          .catch((error: Error) => {
            late = error.name
          })
      }),
    )
    const epoch = page.grant((await page.request()).id)
    expect((await page.batch()).mutations).toEqual([
      { op: 'splice', path: ['rows'], index: 200, remove: 0, values: [1_000] },
    ])
    page.link.send('committed', [epoch, 0, 1, 0])
    const { args, payload } = await page.next('commit')
    expect([args, payload]).toEqual([[epoch, 1, true], { mutations: [], specs: undefined }])
    await page.settle()
    expect(late).toBe('LeaseReleasedError')
    expect(page.calls).toEqual([])
  })

  test('L13 T18: takes with it what was emitted while the one before was on its way', async () => {
    const page = await run((task) =>
      task.lease(async (state, lease) => {
        state.text = 'x'
        const before = lease.flush()
        ;(lease.emit as Record<string, () => void>).happened?.()
        await lease.flush()
        await before
        throw new RangeError('what comes after')
      }),
    )
    const epoch = page.grant((await page.request()).id)
    await page.batch()
    page.link.send('committed', [epoch, 0, 1, 0])
    const { args, payload } = await page.next('commit')
    expect([args[1], payload]).toEqual([1, { mutations: [], specs: [{ kind: 'event', name: 'happened', args: [] }] }])
  })

  test('L13: that expires fails, and so does all that follows', async () => {
    const codes: string[] = []
    const page = await run((task) =>
      task
        .lease(async (state, lease) => {
          state.text = 'x'
          for (let i = 0; i < 2; i++) await lease.flush().catch((error: LeaseExpiredError) => codes.push(error.code))
          try {
            state.text = 'y'
          } catch (error) {
            codes.push((error as LeaseExpiredError).code)
          }
        })
        .catch((error: LeaseExpiredError) => codes.push(error.code)),
    )
    const epoch = page.grant((await page.request()).id)
    await page.next('commit')
    page.end(epoch, new LeaseExpiredError('expired'))
    await page.next('settled')
    expect(codes).toEqual(Array(4).fill('LEASE_EXPIRED'))
    expect(page.calls).toEqual([])
  })
})

describe('a flush that is on its way when its run is cancelled', () => {
  test('L13, S10: moves the replica by what the page has applied, and a batch without mutations moves it by nothing', async () => {
    const held = gate()
    const page = await run(async (task) => {
      if (task.id === '1') {
        return task.lease(async (state, lease) => {
          state.text = 'flushed'
          await lease.flush()
        })
      }
      await task.lease(() => held.opened) // writes nothing
      return [task.version, task.state.text]
    })
    const first = await page.request()
    page.grant(first.id)
    const flush = await page.batch() // applied as version 1; the answer is not there yet
    page.link.send('cancel', [1], { reason: 'meant' })
    await page.next('rollback')
    await page.start('work')
    const second = await page.request()
    page.link.send('committed', [flush.epoch, flush.sequence, 1, 0])
    page.grant(second.id)
    held.open()
    const empty = await page.batch()
    page.link.send('committed', [empty.epoch, empty.sequence, 1, 1])
    await page.next('settled') // of the run that was cancelled
    expect(await resultOf(page)).toEqual([1, 'flushed'])
  })
})
