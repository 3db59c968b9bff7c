/*
 * The page's end of the bench: Node asks it for its cases, and for the samples of one.
 */
import { cases } from '../cases/index.js'
import type { Case } from './case.js'
import { countOnPage } from './count-bytes.js'
import type { Outcome, SamplingOptions } from './sampling.js'
import { sampleVariant } from './sampling.js'

export type CaseDescription = Omit<Case, 'contestants'> & {
  readonly contestants: readonly { readonly name: string; readonly lacks?: string; readonly max?: number }[]
}

export interface BenchPage {
  list(): CaseDescription[]
  run(name: string, variant: string, options: SamplingOptions): Promise<Outcome>
  /** Runs a variant once and counts what is sent. For a page that does nothing else. */
  countBytes(name: string, variant: string): Promise<Outcome>
}

declare global {
  interface Window {
    bench: BenchPage
  }
}

function find(name: string, label: string) {
  const benchCase = cases.find((candidate) => candidate.name === name)
  const variant = benchCase?.variants.find((candidate) => candidate.label === label)
  if (!benchCase || !variant) throw new Error(`there is no case "${name}" with a variant "${label}"`)
  return { benchCase, variant }
}

window.bench = {
  list: () =>
    cases.map((benchCase) => ({
      ...benchCase,
      contestants: benchCase.contestants.map(({ setup: _, ...described }) => described),
    })),
  run(name, label, options) {
    const { benchCase, variant } = find(name, label)
    return sampleVariant(benchCase, variant, options)
  },
  countBytes(name, label) {
    const { benchCase, variant } = find(name, label)
    return sampleVariant(benchCase, variant, { quick: true, tally: countOnPage() })
  },
}
