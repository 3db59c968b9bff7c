import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Finds the script behind a command of an installed package, to be run by this Node: a `.cmd` can't be spawned without a shell.
 *
 * @param {string} packageName
 * @param {string} [command] the package's only one by default
 */
export function toolPath(packageName, command) {
  const manifest = join(root, 'node_modules', packageName, 'package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'))
  const script = typeof bin === 'string' ? bin : bin[command ?? Object.keys(bin)[0] ?? '']
  return join(dirname(manifest), script)
}

/**
 * Runs a script by this Node, in the project's folder.
 *
 * @param {readonly string[]} args the script and its arguments
 * @param {{ capture?: boolean, env?: Record<string, string | undefined> }} [options] `capture` gives the output instead of showing it
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runNode(args, { capture = false, env } = {}) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', capture ? 'pipe' : 'inherit', capture ? 'pipe' : 'inherit'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/**
 * Runs the npm that runs this script, or the one on the PATH.
 *
 * @param {readonly string[]} args
 * @param {{ capture?: boolean, env?: Record<string, string | undefined> }} [options]
 */
export function runNpm(args, options) {
  return runNode([npmPath(), ...args], options)
}

function npmPath() {
  const running = process.env.npm_execpath
  if (running?.endsWith('.js')) return running
  const prefix = dirname(process.execPath)
  const folder = process.platform === 'win32' ? prefix : join(prefix, '..', 'lib')
  return join(folder, 'node_modules/npm/bin/npm-cli.js')
}
