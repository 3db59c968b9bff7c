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
  /** Runs `run` in a turn of its own, soon: what the page has to do meanwhile comes first. */
  turn(run: () => void): void
}

const { clearTimeout, MessageChannel, performance, setTimeout } = globalThis

/** Timers take 32 bits: above that they fire at once. */
const MAX_MS = 2 ** 31 - 1

/** A timer of the platform, and what it is for at the moment. */
interface Alarm {
  timer: ReturnType<typeof setTimeout> | undefined
  firesAt: number
  dueAt: number
  /** Undefined once it is cancelled, or has run. */
  wanted: { readonly run: () => void } | undefined
}

/**
 * The alarm that was cancelled last, and still goes off. To set a timer of the platform and to clear it costs a twentieth of a
 * lease, each lease has one, and hardly any is ever due: the next one takes over the alarm of the one before.
 */
let spare: Alarm | undefined

function setAlarm(alarm: Alarm): void {
  const now = performance.now()
  alarm.firesAt = alarm.dueAt
  alarm.timer = setTimeout(() => goOff(alarm), Math.min(alarm.dueAt - now, MAX_MS))
}

function goOff(alarm: Alarm): void {
  const { wanted } = alarm
  if (spare === alarm) spare = undefined
  if (wanted === undefined) return
  if (alarm.dueAt > alarm.firesAt) {
    setAlarm(alarm)
    return
  }
  alarm.wanted = undefined
  wanted.run()
}

/** The clock of the page. */
export const pageClock: Clock = {
  now: () => performance.now(),
  setTimer(run, ms) {
    const dueAt = performance.now() + ms
    const wanted = { run }
    let alarm = spare
    if (alarm !== undefined && alarm.firesAt <= dueAt) {
      spare = undefined
      alarm.dueAt = dueAt
      alarm.wanted = wanted
    } else {
      alarm = { timer: undefined, firesAt: dueAt, dueAt, wanted }
      setAlarm(alarm)
    }
    return () => {
      if (alarm.wanted !== wanted) return // it has run, or somebody else has its alarm
      alarm.wanted = undefined
      clearTimeout(spare?.timer)
      spare = alarm
    }
  },
  turn(run) {
    // Timers that follow each other are held back by 4 ms; a message is not. Some surroundings of tests have no channels.
    if (MessageChannel === undefined) {
      setTimeout(run, 0)
      return
    }
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close() // an open one would keep a process of Node running
      run()
    }
    port2.postMessage(undefined)
  },
}

/** Resolves in a turn of its own: see {@link Clock.turn}. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.turn(resolve))
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
