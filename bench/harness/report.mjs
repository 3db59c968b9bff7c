/*
 * Tables for the terminal and for bench/RESULTS.md, and the plots beside it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatNumber } from './format.mjs'
import { drawPlot } from './plot.mjs'
import { benchFolder } from './prepare.mjs'
import { judge } from './targets.mjs'

/**
 * @typedef {import('./results.mjs').Entry} Entry
 * @typedef {import('./page.ts').CaseDescription} CaseDescription
 */

const plotFolder = 'plots'

/**
 * Prints what was measured of one variant.
 *
 * @param {readonly Entry[]} entries one for each metric
 * @param {import('./bench.mjs').Measured} measured
 */
export function printVariant(entries, { failures }) {
  const names = [...new Set(entries.flatMap((entry) => Object.keys(entry.contestants)))]
  const header = ['', ...entries.map(({ metric, unit }) => `${metric} [${unit}]`), 'n']
  const rows = names.map((name) => [
    name,
    ...entries.map((entry) => cell(entry, name)),
    String(entries[0]?.contestants[name]?.n ?? ''),
  ])
  const table = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  for (const row of table) console.log(`  ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')}`)
  for (const [name, why] of Object.entries(failures)) console.log(`  ${name}: FAILED, ${why}`)
}

/** @param {Entry} entry @param {string} name */
function cell(entry, name) {
  const summary = entry.contestants[name]
  if (!summary) return name in entry.failures ? 'failed' : '–'
  const median = formatNumber(summary.median)
  return summary.n < 3 || summary.p95 === summary.median ? median : `${median} (p95 ${formatNumber(summary.p95)})`
}

/**
 * Writes RESULTS.md and the plots.
 *
 * @param {readonly Entry[]} entries
 * @param {readonly CaseDescription[]} cases
 */
export function writeReport(entries, cases) {
  mkdirSync(join(benchFolder, plotFolder), { recursive: true })
  const measured = cases.filter(({ name }) => entries.some((entry) => entry.case === name))
  const sections = measured.map((benchCase) =>
    sectionOf(
      benchCase,
      entries.filter((entry) => entry.case === benchCase.name),
    ),
  )
  const text = [
    '# Results of the bench',
    '',
    'Written by `npm run bench`; do not edit. Each number is a median, with the 95th percentile behind it. All contestants of a table ran in turns in the same page, and each was checked for the right result.',
    '',
    ...machinesOf(entries),
    ...targetsOf(entries),
    ...sections.flat(),
  ]
  writeFileSync(join(benchFolder, 'RESULTS.md'), `${text.join('\n').trimEnd()}\n`)
}

/** @param {readonly Entry[]} entries */
function machinesOf(entries) {
  const runs = new Map(entries.map((entry) => [`${entry.date} ${entry.quick}`, entry]))
  return [
    '## Measured where',
    '',
    ...[...runs.values()].map((run) => {
      const names = [...new Set(entries.filter(({ date }) => date === run.date).map((entry) => entry.case))]
      return `- ${run.date.slice(0, 16).replace('T', ' ')} UTC${run.quick ? ', **quick: few samples**' : ''}: ${names.join(', ')}. ${run.machine}.`
    }),
    '',
  ]
}

/** @param {readonly Entry[]} entries */
function targetsOf(entries) {
  const verdicts = judge(entries)
  if (verdicts.length === 0) return []
  const rows = verdicts.map(({ what, wanted, measured, met }) => [what, wanted, measured, met ? 'met' : '**missed**'])
  return ['## Targets', '', ...markdownTable(['target', 'wanted', 'measured', ''], rows), '']
}

/** @param {CaseDescription} benchCase @param {readonly Entry[]} entries */
function sectionOf(benchCase, entries) {
  const metrics = [...new Set(entries.map(({ metric }) => metric))]
  const names = benchCase.contestants.map(({ name }) => name)
  /** @type {string[]} */
  const lines = [`## ${benchCase.title}`, '', benchCase.about, '']
  for (const metric of metrics) {
    const columns = entries.filter((entry) => entry.metric === metric)
    const [first] = columns
    if (!first) continue
    lines.push(`**${metric}**, in ${first.unit}${first.better === 'more' ? '; more is better' : ''}`, '')
    const header = ['', ...columns.map(({ variant }) => variant)]
    const rows = names
      .filter((name) => columns.some((entry) => name in entry.contestants || name in entry.failures))
      .map((name) => [
        name.startsWith('Leasehold') ? `**${name}**` : name,
        ...columns.map((entry) => cell(entry, name)),
      ])
    const ratios = columns.map(({ ratio }) => (ratio === null ? '' : `${formatNumber(ratio)} ×`))
    if (ratios.some(Boolean)) rows.push([`*${ours(names)} against ${first.reference}*`, ...ratios])
    lines.push(...markdownTable(header, rows), '')
    if (benchCase.scales && !metric.endsWith(' sent')) lines.push(plotOf(benchCase, metric, columns), '')
  }
  if (entries.some(({ settled }) => !settled)) {
    lines.push('Some of these medians had not come to rest when time was up; take them as orders of magnitude.', '')
  }
  const lacking = benchCase.contestants.filter(({ lacks }) => lacks !== undefined)
  if (lacking.length > 0) {
    lines.push('What they do not give:', '', ...lacking.map(({ name, lacks }) => `- ${name}: ${lacks}`), '')
  }
  const limited = benchCase.contestants.filter(({ max }) => max !== undefined)
  if (limited.length > 0) {
    const sizes = limited.map(({ name, max }) => `${name} (${max?.toLocaleString('en')})`)
    lines.push(`Not tried above a size: ${sizes.join(', ')}.`, '')
  }
  return lines
}

/** @param {readonly string[]} names */
function ours(names) {
  return names.find((name) => name.startsWith('Leasehold')) ?? 'Leasehold'
}

/** @param {CaseDescription} benchCase @param {string} metric @param {readonly Entry[]} columns */
function plotOf(benchCase, metric, columns) {
  const lines = benchCase.contestants
    .map(({ name }) => ({
      name,
      points: columns.flatMap(({ size, contestants }) => {
        const y = contestants[name]?.median
        return size === null || y === undefined || y <= 0 ? [] : [{ x: size, y }]
      }),
    }))
    .filter(({ points }) => points.length > 0)
  const file = `${plotFolder}/${benchCase.name}-${metric.replaceAll(/[^a-z]+/g, '-')}.svg`
  const title = `${benchCase.title}: ${metric}`
  if (lines.length === 0) return ''
  writeFileSync(join(benchFolder, file), drawPlot({ title, unit: columns[0]?.unit ?? '', lines }))
  return `![${title}](${file})`
}

/** @param {readonly string[]} header @param {readonly (readonly string[])[]} rows */
function markdownTable(header, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)]
}
