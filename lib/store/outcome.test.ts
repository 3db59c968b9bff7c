import { expect, test, vi } from 'vitest'
import { Outcome } from './outcome.js'

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))
async function turns(count: number) {
  for (let i = 0; i < count; i++) await turn()
}

function outcome() {
  const reports: unknown[] = []
  return { reports, outcome: new Outcome<number>((error) => reports.push(error), { kind: 'event', name: 'test' }) }
}

test('T16: an error that nobody awaits is reported once, and is no unhandled rejection', async () => {
  const { reports, outcome: failed } = outcome()
  const error = new Error('x')
  failed.reject(error)
  failed.reject(new Error('later'))
  expect(reports).toEqual([])
  await turns(4)
  expect(reports).toEqual([error])
  await expect(failed.promise).rejects.toBe(error)
  await turns(4)
  expect(reports).toEqual([error])
})

test('T16: an error goes to whoever has read the promise before the failure, or in the macrotask after it', async () => {
  const early = outcome()
  const awaited = expect(early.outcome.promise).rejects.toThrow('x')
  early.outcome.reject(new Error('x'))
  await awaited

  const late = outcome()
  late.outcome.reject(new Error('y'))
  await turn()
  await expect(late.outcome).rejects.toThrow('y')
  await turns(4)
  expect([...early.reports, ...late.reports]).toEqual([])
})

test('T16: reading the promise without awaiting it takes the error over, without an unhandled rejection', async () => {
  const { reports, outcome: failed } = outcome()
  void failed.promise
  failed.reject(new Error('x'))
  await turns(4)
  expect(reports).toEqual([])
})

test('T16: a quiet error that nobody awaits is not reported; who awaits it gets it untouched', async () => {
  const { reports, outcome: cancelled } = outcome()
  const reason = { any: 'thing' }
  cancelled.reject(reason, { quiet: true })
  await turns(4)
  expect(reports).toEqual([])
  await expect(cancelled.promise).rejects.toBe(reason)
})

test('an outcome settles once and is awaited as it stands', async () => {
  const { reports, outcome: done } = outcome()
  done.resolve(1)
  done.resolve(2)
  done.reject(new Error('x'))
  expect(await done).toBe(1)
  expect(done.promise).toBe(done.promise)
  await turns(4)
  expect(reports).toEqual([])
})

test('fake timers do not hold a report back', async () => {
  const real = setTimeout
  vi.useFakeTimers()
  try {
    const { reports, outcome: failed } = outcome()
    failed.reject(new Error('x'))
    for (let i = 0; i < 6; i++) await new Promise<void>((resolve) => real(resolve, 1))
    expect(reports).toHaveLength(1)
  } finally {
    vi.useRealTimers()
  }
})
