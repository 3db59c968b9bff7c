import { expect, test } from 'vitest'
import { pageClock } from './clock.js'

const { now, setTimer } = pageClock

/** Resolves when a timer of that length has run, with how much later than it was due. */
const timer = (ms: number, ran: () => void = () => {}): Promise<number> => {
  const dueAt = now() + ms
  return new Promise((resolve) => {
    setTimer(() => {
      ran()
      resolve(now() - dueAt)
    }, ms)
  })
}

test('a timer that takes over from a cancelled one runs once, and not before its own time', async () => {
  const ran: string[] = []
  const cancel = setTimer(() => ran.push('cancelled'), 10)
  cancel()
  const late = timer(30, () => ran.push('late'))
  const early = timer(5, () => ran.push('early'))
  cancel() // once more: it is somebody else's by now
  // The platform's own timers may be a millisecond early.
  for (const lateness of await Promise.all([late, early])) expect(lateness).toBeGreaterThan(-2)
  expect(ran.sort()).toEqual(['early', 'late'])
})

test('of many timers those run that were not cancelled, each once', async () => {
  const ran: number[] = []
  const kept: Promise<unknown>[] = []
  for (let i = 0; i < 60; i++) {
    const ms = (i * 7) % 60
    if (i % 3 === 0) kept.push(timer(ms, () => ran.push(i)))
    else setTimer(() => ran.push(i), ms)()
  }
  await Promise.all(kept)
  await timer(60) // whatever was cancelled would have run by now
  expect(ran.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i * 3))
})
