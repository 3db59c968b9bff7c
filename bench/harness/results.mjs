/*
 * What was measured, as bench/results.json keeps it: one entry for each metric of each variant. A run replaces the entries of
 * the cases that it ran and leaves the others.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { benchFolder } from './prepare.mjs'
import { summarize } from './statistics.mjs'

/**
 * @typedef {{ readonly quick: boolean, readonly date: string, readonly machine: string }} Run
 * @typedef {{
 *   readonly case: string,
 *   readonly variant: string,
 *   readonly size: number | null,
 *   readonly metric: string,
 *   readonly unit: string,
 *   readonly better: 'less' | 'more',
 *   readonly contestants: Readonly<Record<string, import('./statistics.mjs').Summary>>,
 *   readonly failures: Readonly<Record<string, string>>,
 *   readonly reference: string,
 *   readonly ratio: number | null,
 *   readonly settled: boolean,
 *   readonly quick: boolean,
 *   readonly date: string,
 *   readonly machine: string,
 * }} Entry `ratio` is Leasehold's median over the reference's
 */

const file = join(benchFolder, 'results.json')
const SENT = [
  { name: 'bytes sent', unit: 'bytes' },
  { name: 'messages sent', unit: 'messages' },
]

/**
 * @param {import('./page.ts').CaseDescription} benchCase
 * @param {import('./case.ts').Variant} variant
 * @param {import('./bench.mjs').Measured} measured
 * @param {Run} run
 * @returns {Entry[]}
 */
export function toEntries(benchCase, variant, measured, run) {
  const metrics = benchCase.countsBytes ? [...benchCase.metrics, ...SENT] : benchCase.metrics
  return metrics.map((metric) => {
    /** @type {Record<string, import('./statistics.mjs').Summary>} */
    const contestants = {}
    for (const { name } of benchCase.contestants) {
      const values = (measured.samples[name] ?? []).flatMap((sample) => sample[metric.name] ?? [])
      if (values.length > 0) contestants[name] = summarize(values)
    }
    const ours = Object.keys(contestants).find((name) => name.startsWith('Leasehold'))
    const theirs = contestants[benchCase.reference]?.median
    const ratio = ours === undefined || !theirs ? null : (contestants[ours]?.median ?? Number.NaN) / theirs
    return {
      case: benchCase.name,
      variant: variant.label,
      size: variant.size ?? null,
      metric: metric.name,
      unit: metric.unit,
      better: ('better' in metric && metric.better) || 'less',
      contestants,
      failures: measured.failures,
      reference: benchCase.reference,
      ratio,
      settled: measured.settled,
      ...run,
    }
  })
}

/** @returns {Entry[]} */
export function readResults() {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
}

/**
 * Merges what was measured now into what was before, in the order of the cases.
 *
 * @param {readonly Entry[]} entries
 * @param {readonly string[]} order
 */
export function writeResults(entries, order) {
  const replaced = new Set(entries.map((entry) => entry.case))
  const kept = readResults().filter((entry) => !replaced.has(entry.case) && order.includes(entry.case))
  const all = [...kept, ...entries].sort((a, b) => order.indexOf(a.case) - order.indexOf(b.case))
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`)
}
