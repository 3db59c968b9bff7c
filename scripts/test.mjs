/**
 * The one command that checks all. Arguments go to Vitest: `npm test -- --project unit lib/state`.
 *
 * - The stages that only read and compile run side by side, the tests alone: some of them watch the clock.
 * - Every stage runs, whatever failed before it. A stage that failed counts as a failed test in the last line.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runNode, runNpm, toolPath } from './tools.mjs'

const plain = process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }
/** @type {string[]} */
const failed = []

/**
 * Runs a script of package.json and shows its output in one piece.
 *
 * @param {string} script
 */
async function stage(script) {
  const start = Date.now()
  const { code, output } = await runNpm(['run', '--silent', script], { capture: true, env: plain })
  const seconds = ((Date.now() - start) / 1000).toFixed(1)
  console.log(`\n--- ${script}: ${code === 0 ? 'ok' : 'FAILED'} (${seconds} s)`)
  if (output.trim() !== '') console.log(output.trim())
  if (code !== 0) failed.push(script)
  return code === 0
}

async function buildAndMeasure() {
  if (await stage('build')) await Promise.all([stage('size'), stage('check:package')])
}

/** @returns {Promise<{ passed: number, failed: number, skipped: number }>} */
async function vitest() {
  console.log('\n--- vitest')
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-test-'))
  const summary = join(folder, 'summary.json')
  try {
    const args = [toolPath('vitest'), 'run', ...process.argv.slice(2)]
    const { code } = await runNode(args, { env: { ...plain, TEST_SUMMARY: summary } })
    const count = readSummary(summary)
    if (code !== 0 && count.failed === 0) failed.push('vitest')
    return count
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {string} file */
function readSummary(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // Vitest ended before it had a summary, and says why in its own output.
    return { passed: 0, failed: 0, skipped: 0 }
  }
}

await Promise.all([stage('types'), stage('lint:code'), stage('lint:imports'), buildAndMeasure()])
const count = await vitest()
if (failed.length > 0) console.log(`\nfailed stages: ${failed.join(', ')}`)
const allFailed = count.failed + failed.length
console.log(`\ntests: ${count.passed} passed, ${allFailed} failed, ${count.skipped} skipped`)
process.exitCode = allFailed > 0 ? 1 : 0
