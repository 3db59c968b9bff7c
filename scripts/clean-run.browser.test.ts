import { expect, it } from 'vitest'
import { expectUncaught, settle, settleFile } from './clean-run.ts'

it('lets a test announce an unhandled rejection and an uncaught error', async () => {
  expectUncaught(/^RangeError: rejected/)
  expectUncaught(/^Error: thrown/)
  void Promise.reject(new RangeError('rejected'))
  setTimeout(() => {
    throw new Error('thrown')
  })
  // A timer set later with a longer delay fires later.
  await new Promise((resolve) => setTimeout(resolve, 5))
  settle()
})

it('fails a file that leaves a worker running', () => {
  const worker = new Worker('data:text/javascript,', { type: 'module' })
  expect(settleFile).toThrow('1 worker(s) never terminated')
  worker.terminate()
  expect(settleFile).not.toThrow()
})
