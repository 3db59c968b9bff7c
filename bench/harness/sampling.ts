/*
 * Takes the samples of one variant of a case.
 *
 * - All contestants take turns, in an order that is shuffled each round: what disturbs the machine disturbs all of them.
 * - Rounds go on until the median of every contestant stands still, or time or rounds are used up.
 * - A contestant that takes far longer than the others sits out some rounds, so that they have their samples.
 */
import { turn } from './block-watch.js'
import type { Case, Contestant, Running, Sample, Variant } from './case.js'
import type { Tally } from './count-bytes.js'
import { collectGarbage } from './node.js'
import { isSettled } from './statistics.mjs'

/** The width of the interval of a median, as a share of it, below which it counts as settled. */
const TOLERANCE = 0.05
/** So many there are whatever the time; a contestant that is too slow for them sits out. */
const MIN_ROUNDS = 12
const QUICK_ROUNDS = 4
const DEFAULT_ROUNDS = 100
const DEFAULT_SECONDS = 30
/** The first samples of each contestant run code that is not compiled yet. */
const WARM_UP_ROUNDS = 2
/** A contestant sits out while it has used so many times its share of the time. */
const GREED = 2
const MIN_SAMPLES = 3

export interface SamplingOptions {
  readonly quick: boolean
  /** Only these contestants: for pages of their own. @default all */
  readonly only?: string
  /** Reads the tally of bytes. If it is there, bytes are counted and no time is taken. */
  readonly tally?: () => Tally
}

export interface Outcome {
  /** By the name of the contestant. */
  readonly samples: Record<string, readonly Sample[]>
  /** Why a contestant has no result, by its name. */
  readonly failures: Record<string, string>
  readonly settled: boolean
}

interface Entrant {
  readonly contestant: Contestant<Variant>
  running: Running | undefined
  readonly samples: Sample[]
  /** Milliseconds used so far, with all that is around the samples. */
  spent: number
}

export async function sampleVariant(
  benchCase: Case,
  variant: Variant,
  { quick, only, tally }: SamplingOptions,
): Promise<Outcome> {
  const { fresh, limits } = benchCase
  const failures: Record<string, string> = {}
  const entrants = benchCase.contestants
    .filter(({ name, max }) => (only ?? name) === name && (variant.size ?? 0) <= (max ?? Number.POSITIVE_INFINITY))
    .map((contestant): Entrant => ({ contestant, running: undefined, samples: [], spent: 0 }))
  const going = () => entrants.filter(({ contestant }) => !(contestant.name in failures))

  /** Runs a step of a contestant; one that throws is out, and says why. */
  async function attempt(entrant: Entrant, step: () => Promise<void>): Promise<void> {
    if (entrant.contestant.name in failures) return
    try {
      await step()
    } catch (error) {
      failures[entrant.contestant.name] = error instanceof Error ? error.message : String(error)
      console.error(`${benchCase.name}, ${variant.label}, ${entrant.contestant.name}:`, error)
    }
  }

  function sitsOut({ samples, spent }: Entrant): boolean {
    const all = going()
    const share = all.reduce((sum, entrant) => sum + entrant.spent, 0) / all.length
    return samples.length >= MIN_SAMPLES && spent > GREED * share
  }

  async function round(kept: boolean): Promise<void> {
    for (const entrant of shuffled(going().filter((entrant) => !sitsOut(entrant)))) {
      const start = performance.now()
      await attempt(entrant, async () => {
        if (fresh) entrant.running = await entrant.contestant.setup(variant)
        const running = entrant.running
        if (!running) return
        collectGarbage()
        await turn()
        const before = tally?.()
        const sample = await running.sample()
        // What is sent after the result is there, such as a reply to the last message, belongs to it.
        if (tally) await turn()
        const after = tally?.()
        if (kept) {
          const sent = before &&
            after && {
              'bytes sent': after.bytes - before.bytes,
              'messages sent': after.messages - before.messages,
            }
          entrant.samples.push(sent ?? sample)
        }
        if (fresh) await finish(entrant)
      })
      entrant.spent += performance.now() - start
    }
  }

  async function finish(entrant: Entrant): Promise<void> {
    const { running } = entrant
    entrant.running = undefined
    try {
      await running?.check()
    } finally {
      await running?.dispose()
    }
  }

  if (!fresh) {
    for (const entrant of entrants) {
      await attempt(entrant, async () => {
        entrant.running = await entrant.contestant.setup(variant)
      })
    }
  }
  const warmUp = fresh === 'page' || tally ? 0 : quick ? 1 : WARM_UP_ROUNDS
  for (let count = 0; count < warmUp; count += 1) await round(false)

  const maxRounds = tally ? 1 : fresh === 'page' ? 1 : quick ? QUICK_ROUNDS : (limits?.rounds ?? DEFAULT_ROUNDS)
  const deadline = performance.now() + (limits?.seconds ?? DEFAULT_SECONDS) * 1000
  const minRounds = Math.min(maxRounds, MIN_ROUNDS)
  const metric = benchCase.metrics[0]?.name ?? ''
  const isStill = () =>
    going().every((entrant) => sitsOut(entrant) || isSettled(valuesOf(entrant.samples, metric), TOLERANCE))
  let rounds = 0
  let settled = false
  while (rounds < maxRounds && !settled && (rounds < minRounds || performance.now() < deadline)) {
    await round(true)
    rounds += 1
    settled = rounds >= minRounds && isStill()
  }
  if (!fresh) for (const entrant of entrants) await attempt(entrant, () => finish(entrant))

  const samples = Object.fromEntries(going().map((entrant) => [entrant.contestant.name, entrant.samples]))
  return { samples, failures, settled }
}

function valuesOf(samples: readonly Sample[], metric: string): number[] {
  return samples.flatMap((sample) => sample[metric] ?? [])
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
}
