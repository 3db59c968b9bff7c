import { expect, test } from 'vitest'
import { defineState } from '../lib/state/define-state.js'
import { HandWrittenPage } from './fixtures/hand-written-page.js'
import { serveTasks } from './serve-tasks.js'
import type { TaskContext } from './task.js'

/* What only the page could have answered, when it answers no more, or has refused. */

const state = defineState('list', () => ({ text: '' as unknown }))
type Context = TaskContext<{ text: unknown }>

test('T15: a flush in a lease for the clean-up ends when the port is closed, and so does its function', async () => {
  const seen: string[] = []
  const work = async (task: Context) => {
    const lease = task.lease(
      async (draft, { flush }) => {
        draft.text = 'a'
        await flush().catch(() => seen.push('the flush is refused'))
        seen.push('the function goes on')
      },
      { cleanup: true },
    )
    await lease.catch(() => seen.push('the lease is refused'))
  }
  const page = new HandWrittenPage(serveTasks(state, { work }))
  await page.start('work')
  page.grant((await page.request()).id)
  await page.next('commit')
  page.close()
  await expect.poll(() => seen).toHaveLength(3)
})

test('L13: a staged value is there again after a flush with it was rolled back and refused', async () => {
  const work = async (task: Context) => {
    const staged = await task.stage([1, 2, 3])
    const rolledBack = task.lease(async (draft, lease) => {
      draft.text = staged
      void lease.flush()
      await null
      throw new Error('on purpose')
    })
    await rolledBack.catch(() => {})
    await task.lease((draft) => {
      draft.text = staged
    })
  }
  const page = new HandWrittenPage(serveTasks(state, { work }))
  await page.start('work')
  page.link.send('staged', [(await page.next('stage')).args[0] as number])
  const epoch = page.grant((await page.request()).id)
  const { args } = await page.next('commit')
  await page.next('rollback')
  const refusal = { name: 'LeaseReleasedError', message: '', code: 'LEASE_RELEASED' }
  page.link.send('rejected', [epoch, args[1] as number], refusal)
  page.grant((await page.request()).id)
  expect((await page.next('commit')).payload).toMatchObject({ staged: [{ mutation: 0, at: [], id: 1 }] })
  page.close()
})
