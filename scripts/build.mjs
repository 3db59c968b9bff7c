/**
 * Compiles the sources into dist/ and takes away what an earlier build left there. dist/ is never without its files meanwhile:
 * other checks may be reading them.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { root, runNode, toolPath } from './tools.mjs'

const args = ['-p', 'tsconfig.build.json', '--listEmittedFiles']
const { code, output } = await runNode([toolPath('typescript', 'tsc'), ...args], { capture: true })
const lines = output.split(/\r?\n/)
const emitted = lines
  .filter((line) => line.startsWith('TSFILE: '))
  .map((line) => normalize(line.slice('TSFILE: '.length)))
const messages = lines.filter((line) => !line.startsWith('TSFILE: ')).join('\n')
if (messages.trim() !== '') console.error(messages)
if (code !== 0) process.exit(code)

const kept = new Set(emitted)
for (const entry of readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  if (entry.isFile() && !kept.has(path)) rmSync(path)
}
console.log(`build: ${kept.size} files in dist/`)
