/**
 * Packs the package as npm would publish it, and checks the archive: its manifest (publint), its types (Are The Types Wrong),
 * that no test is in it, and that Node can import every entry, as a server that renders pages does.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, runNode, runNpm, toolPath } from './tools.mjs'

const folder = mkdtempSync(join(tmpdir(), 'leasehold-pack-'))
/** @type {string[]} */
const problems = []

/** @param {string} what @param {Promise<{ code: number, output: string }>} running */
async function check(what, running) {
  const { code, output } = await running
  if (output.trim() !== '') console.log(output.trimEnd())
  if (code !== 0) problems.push(`${what} failed with exit code ${code}`)
}

/** @returns {Promise<{ archive: string, files: string[] }>} */
async function pack() {
  // Without scripts: dist/ is there, and another check may be reading it.
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder]
  const { code, output } = await runNpm(args, { capture: true })
  if (code !== 0) throw new Error(`npm pack failed:\n${output}`)
  const [{ filename, files }] = JSON.parse(output.slice(output.indexOf('[')))
  return { archive: join(folder, filename), files: files.map((/** @type {{ path: string }} */ file) => file.path) }
}

/** @param {readonly string[]} files */
function checkFiles(files) {
  const stray = files.filter((path) => /\.test\.|\.test-d\.|\/fixtures\/|\.worker\./.test(path))
  if (stray.length > 0) problems.push(`not for publishing: ${stray.join(', ')}`)
  if (!files.includes('dist/lib/index.js')) problems.push('dist/ is missing: run `npm run build` first')
}

/** Imports all entries in a Node of its own, which has no window, no Worker and no IndexedDB. */
function importEntries() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const targets = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.default]))
  const urls = targets.map((target) => pathToFileURL(join(root, target)).href)
  const code = urls.map((url) => `await import(${JSON.stringify(url)})`).join(';')
  return runNode(['--input-type=module', '-e', code], { capture: true })
}

try {
  const { archive, files } = await pack()
  checkFiles(files)
  await Promise.all([
    check('publint', runNode([toolPath('publint'), archive, '--strict'], { capture: true })),
    check(
      'attw',
      runNode([toolPath('@arethetypeswrong/cli'), archive, '--profile', 'esm-only', '--no-emoji', '--no-summary'], {
        capture: true,
      }),
    ),
    check('importing the entries in Node', importEntries()),
  ])
} finally {
  rmSync(folder, { recursive: true, force: true })
}
for (const problem of problems) console.error(`check:package: ${problem}`)
process.exitCode = problems.length > 0 ? 1 : 0
