/*
 * Runs the cases one after the other, each variant in a page of its own, and reports.
 */
import { runNode, toolPath } from '../../scripts/tools.mjs'
import { launch, openPage } from './browser.mjs'
import { measureSizes, sizeCase, sizeReferences } from './bundle-size.mjs'
import { describeMachine } from './machine.mjs'
import { build, siteFolder } from './prepare.mjs'
import { printVariant, writeReport } from './report.mjs'
import { readResults, toEntries, writeResults } from './results.mjs'
import { serve } from './serve.mjs'

/** After so long a variant has hung. */
const DEADLINE_MS = 15 * 60 * 1000
/** How often a case is measured that needs a page for each sample. */
const QUICK_PAGES = 1
const DEFAULT_PAGES = 5

/**
 * @typedef {import('playwright').Browser} Browser
 * @typedef {import('./page.ts').CaseDescription} CaseDescription
 * @typedef {import('./case.ts').Variant} Variant
 * @typedef {import('./case.ts').Sample} Sample
 * @typedef {import('./sampling.ts').SamplingOptions} SamplingOptions
 * @typedef {import('./sampling.ts').Outcome} Outcome
 * @typedef {{ samples: Record<string, Sample[]>, failures: Record<string, string>, settled: boolean }} Measured
 */

/** @param {import('./options.mjs').Options} options */
export async function runBench(options) {
  await build()
  const server = await serve(siteFolder)
  const browser = await launch(options)
  try {
    const described = await describeCases(browser, server.url)
    const names = [...described.map(({ name }) => name), sizeCase.name]
    const selected = selectNames(names, options.cases)
    const run = { quick: options.quick, date: new Date().toISOString(), machine: describeMachine(browser.version()) }
    // After each case: a long run that is cut short keeps what it has.
    const publish = (/** @type {import('./results.mjs').Entry[]} */ entries) => {
      writeResults(entries, names)
      writeReport(readResults(), [...described, sizeCase])
    }
    let failed = 0
    for (const benchCase of described.filter(({ name }) => selected.includes(name))) {
      /** @type {import('./results.mjs').Entry[]} */
      const entries = []
      for (const variant of benchCase.variants.filter(({ slow }) => !(slow && options.quick))) {
        console.log(`\n${benchCase.name}: ${variant.label}`)
        const measured = await measure(browser, server.url, benchCase, variant, options.quick)
        if (benchCase.countsBytes) await addBytes(browser, server.url, benchCase, variant, measured)
        const found = toEntries(benchCase, variant, measured, run)
        entries.push(...found)
        failed += Object.keys(measured.failures).length
        printVariant(found, measured)
      }
      publish(entries)
    }
    if (selected.includes(sizeCase.name)) publish(await sizeEntries(run))
    await format()
    console.log('\nbench: bench/RESULTS.md and bench/results.json are written')
    if (failed > 0) console.error(`bench: ${failed} contestant(s) failed`)
    return failed > 0 ? 1 : 0
  } finally {
    await browser.close()
    server.close()
  }
}

/** Leaves what was written as the formatter would: the root's check sees it too. */
async function format() {
  const outputs = ['bench/RESULTS.md', 'bench/results.json', 'bench/plots']
  const { code, output } = await runNode([toolPath('@biomejs/biome'), 'format', '--write', ...outputs], {
    capture: true,
  })
  if (code !== 0) throw new Error(output)
}

export async function listCases() {
  await build()
  const server = await serve(siteFolder)
  const browser = await launch({ headed: false })
  try {
    for (const { name, title } of await describeCases(browser, server.url)) console.log(`${name.padEnd(20)} ${title}`)
    console.log(`${sizeCase.name.padEnd(20)} ${sizeCase.title}`)
    return 0
  } finally {
    await browser.close()
    server.close()
  }
}

/** @param {Browser} browser @param {string} url */
async function describeCases(browser, url) {
  const { page, close } = await openPage(browser, url)
  const described = await page.evaluate(() => {
    // Functions in a variant stay on the page.
    return /** @type {CaseDescription[]} */ (JSON.parse(JSON.stringify(window.bench.list())))
  })
  await close()
  return described
}

/**
 * @param {readonly string[]} names
 * @param {readonly string[]} wanted
 */
function selectNames(names, wanted) {
  const unknown = wanted.find((prefix) => !names.some((name) => name.startsWith(prefix)))
  if (unknown !== undefined) throw new Error(`there is no case "${unknown}". There are: ${names.join(', ')}`)
  return names.filter((name) => wanted.length === 0 || matches(name, wanted, names))
}

/**
 * A name in full means that case alone; otherwise all that begin with it.
 *
 * @param {string} name @param {readonly string[]} wanted @param {readonly string[]} names
 */
function matches(name, wanted, names) {
  return wanted.some((prefix) => (names.includes(prefix) ? name === prefix : name.startsWith(prefix)))
}

/**
 * @param {Browser} browser @param {string} url
 * @param {CaseDescription} benchCase @param {Variant} variant @param {boolean} quick
 * @returns {Promise<Measured>}
 */
async function measure(browser, url, benchCase, variant, quick) {
  const where = [benchCase.name, variant.label]
  /** @type {Measured} */
  const measured = { samples: {}, failures: {}, settled: false }
  if (benchCase.fresh !== 'page') {
    add(measured, await inPage(browser, url, where, (page) => page.evaluate(runInPage, { where, options: { quick } })))
    return measured
  }
  const pages = quick ? QUICK_PAGES : (benchCase.limits?.rounds ?? DEFAULT_PAGES)
  for (let count = 0; count < pages; count += 1) {
    for (const { name, max } of benchCase.contestants) {
      if (name in measured.failures || (variant.size ?? 0) > (max ?? Number.POSITIVE_INFINITY)) continue
      const options = { quick, only: name }
      add(measured, await inPage(browser, url, where, (page) => page.evaluate(runInPage, { where, options })))
    }
  }
  return measured
}

/** @param {{ where: string[], options: SamplingOptions }} request */
function runInPage({ where: [name = '', variant = ''], options }) {
  return window.bench.run(name, variant, options)
}

/**
 * @param {Browser} browser @param {string} url
 * @param {CaseDescription} benchCase @param {Variant} variant @param {Measured} measured
 */
async function addBytes(browser, url, benchCase, variant, measured) {
  const where = [benchCase.name, variant.label]
  const counted = await inPage(browser, url, where, (page) =>
    page.evaluate(([name = '', label = '']) => window.bench.countBytes(name, label), where),
  )
  add(measured, counted)
}

/** @param {Measured} measured @param {Outcome} outcome */
function add(measured, { samples, failures, settled }) {
  Object.assign(measured.failures, failures)
  measured.settled ||= settled
  for (const [name, more] of Object.entries(samples))
    measured.samples[name] = [...(measured.samples[name] ?? []), ...more]
}

/**
 * Does something in a fresh page. One that hangs or dies fails the variant, not the bench.
 *
 * @param {Browser} browser @param {string} url @param {readonly string[]} where
 * @param {(page: import('playwright').Page) => Promise<Outcome>} work
 * @returns {Promise<Outcome>}
 */
async function inPage(browser, url, where, work) {
  const { page, close } = await openPage(browser, url)
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${DEADLINE_MS / 60_000} minutes`)), DEADLINE_MS)
  })
  const crash = new Promise((_, reject) => page.on('crash', () => reject(new Error('the page crashed'))))
  try {
    return /** @type {Outcome} */ (await Promise.race([work(page), deadline, crash]))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    console.error(`${where.join(', ')}: ${message}`)
    return { samples: {}, failures: { 'all of them': message }, settled: false }
  } finally {
    clearTimeout(timer)
    await close().catch(() => {}) // a browser that is gone has no page to close
  }
}

/** @param {import('./results.mjs').Run} run */
async function sizeEntries(run) {
  console.log('\nsize')
  const sizes = await measureSizes()
  return sizeCase.variants.flatMap((variant) => {
    const samples = Object.fromEntries(
      Object.entries(sizes[variant.label] ?? {}).map(([name, kB]) => [name, [{ 'min + gzip': kB }]]),
    )
    const measured = { samples, failures: {}, settled: true }
    const reference = sizeReferences[variant.label] ?? sizeCase.reference
    const found = toEntries({ ...sizeCase, reference }, variant, measured, run)
    printVariant(found, measured)
    return found
  })
}
