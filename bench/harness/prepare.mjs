/*
 * What has to be there before anything can be measured: the packages of bench/, the library's build, the production bundles.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root, runNode, runNpm } from '../../scripts/tools.mjs'

export const benchFolder = fileURLToPath(new URL('..', import.meta.url))
export const siteFolder = join(benchFolder, 'dist/site')

/**
 * @param {string} what
 * @param {Promise<{ code: number, output: string }>} running
 */
async function step(what, running) {
  console.log(`bench: ${what}`)
  const { code, output } = await running
  if (code === 0) return
  console.error(output)
  throw new Error(`bench: ${what} failed`)
}

/** Installs the contestants, if the lock file or Node has changed since the last time. */
export async function install() {
  const stamp = join(benchFolder, 'node_modules/.leasehold-bench')
  const lock = readFileSync(join(benchFolder, 'package-lock.json'))
  const wanted = createHash('sha256')
    .update(lock)
    .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  const args = ['ci', '--prefix', benchFolder, '--include=dev', '--no-audit', '--no-fund']
  await step(
    'installing the contestants',
    runNpm(args, { capture: true, env: { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' } }),
  )
  writeFileSync(stamp, wanted)
}

/** Builds the library and then, as an app would be, the page and its workers. Nothing else checks the types in bench/. */
export async function build() {
  await step('building the library', runNode([join(root, 'scripts/build.mjs')], { capture: true }))
  const tsc = join(benchFolder, 'node_modules/typescript/bin/tsc')
  await step('checking types', runNode([tsc, '-p', join(benchFolder, 'tsconfig.json')], { capture: true }))
  console.log('bench: building the contestants for production')
  const { build: bundle } = await import('vite')
  await bundle({ configFile: join(benchFolder, 'vite.config.mjs'), logLevel: 'error' })
}
