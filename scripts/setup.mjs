/**
 * Installs what is missing: runs before `npm start` and, with `--browser`, before `npm test`. Node built-ins only.
 *
 * - Dependencies are installed if the lock file, the dependencies in package.json, the platform or Node changed since the last time.
 * - With `--browser` it ends with a Chrome or Chromium that starts, or with an error that says what to do.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findChrome } from './browser.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules', '.leasehold-setup')
const isRoot = process.getuid?.() === 0

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`setup: ${message}`)
  process.exit(1)
}

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
function run(command, args, env) {
  console.log(`setup: ${[command === process.execPath ? 'node' : command, ...args].join(' ')}`)
  const options = { cwd: root, env: { ...process.env, ...env } }
  return spawnSync(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0
}

/** @param {string[]} args */
function npm(...args) {
  // The npm that runs this script, by its own file: on Windows a `.cmd` can't be spawned without a shell.
  const cli = process.env.npm_execpath
  const env = { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' }
  return cli?.endsWith('.js') ? run(process.execPath, [cli, ...args], env) : run('npm', args, env)
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) fail(`Node ${process.versions.node} is too old: use 20.19 or newer.`)
}

/** What decides about node_modules: of package.json only the dependencies, as a change of a script is no reason to install. */
function fingerprint() {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies', 'overrides']
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')))
  for (const kind of kinds) hash.update(JSON.stringify(manifest[kind] ?? {}))
  return hash.update(`${process.platform} ${process.arch} ${process.versions.modules}`).digest('hex')
}

function installDependencies() {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint()) return
  // NODE_ENV=production would leave out the development dependencies.
  if (!npm('ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'))
    fail('npm ci failed: its messages above say why.')
  writeFileSync(stamp, fingerprint())
}

function isDebian() {
  return existsSync('/etc/os-release') && /^ID="?debian"?$/m.test(readFileSync('/etc/os-release', 'utf8'))
}

function installWithApt() {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const quiet = ['-qq', '-y', '-o', 'DPkg::Lock::Timeout=300']
  run('apt-get', [...quiet, 'update'], env)
  run('apt-get', [...quiet, 'install', '--no-install-recommends', 'chromium'], env)
}

function installWithPlaywright() {
  const withDeps = isRoot && process.platform === 'linux' ? ['--with-deps'] : []
  run(process.execPath, ['node_modules/playwright/cli.js', 'install', ...withDeps, 'chromium'])
}

function requireBrowser() {
  let browser = findChrome()
  if (!browser && isRoot && isDebian()) {
    installWithApt()
    browser = findChrome()
  }
  if (!browser) {
    installWithPlaywright()
    browser = findChrome()
  }
  if (!browser)
    fail(
      'no Chrome or Chromium starts here, and none could be installed. Install one, or set CHROME_PATH to its program.',
    )
  console.log(`setup: browser ${browser}`)
}

requireNode()
installDependencies()
if (process.argv.includes('--browser')) requireBrowser()
