/*
 * Time on the page.
 *
 * - Taken from the platform when the module loads: fake timers that a test installs later neither hold the library up nor
 *   expire a lease.
 * - Waits for somebody's answer count the time in which the page itself could have taken it.
 */

/** Time, as the rooms that are simulated in tests are given it. */
export interface Clock {
  /** Milliseconds that only grow. */
  now(): number
  /** Runs `run` once after `ms`; gives a canceller. */
  setTimer(run: () => void, ms: number): () => void
}

const { clearTimeout, performance, setTimeout } = globalThis

/** Timers take 32 bits: above that they fire at once. */
const MAX_MS = 2 ** 31 - 1

/** The clock of the page. */
export const pageClock: Clock = {
  now: () => performance.now(),
  setTimer(run, ms) {
    const timer = setTimeout(run, Math.min(ms, MAX_MS))
    return () => clearTimeout(timer)
  },
}

const PARTS = 8

/**
 * Runs `run` after `ms` of time in which the page could take messages; gives a canceller. A page that was blocked or asleep
 * has all its timers due before it looks at its messages, so the time is cut in parts, and a block costs one of them.
 */
export function afterResponsive(clock: Clock, ms: number, run: () => void): () => void {
  let left = PARTS
  let cancel: () => void
  const next = () => {
    cancel = clock.setTimer(() => (--left > 0 ? next() : run()), ms / PARTS)
  }
  next()
  return () => cancel()
}
