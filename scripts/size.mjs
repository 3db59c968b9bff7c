/**
 * Measures what an app pays for each entry of dist/: everything the entry exports, with Comlink and without peers,
 * bundled for production, minified and gzipped. Fails above a limit, or if a worker would load MobX.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { root } from './tools.mjs'

/** Limits in bytes, 1 kB being 1000. The entries without one are only shown. */
const ENTRIES = [
  { name: 'leasehold', file: 'dist/lib/index.js', limit: 49_500, forbidden: [] },
  { name: 'leasehold/worker', file: 'dist/workers/index.js', limit: 33_500, forbidden: ['mobx'] },
  { name: 'leasehold/persist', file: 'dist/lib/persist/index.js', limit: 17_500, forbidden: [] },
  { name: 'leasehold/react', file: 'dist/lib/react/index.js', limit: undefined, forbidden: [] },
]
const PEERS = ['mobx', 'react']

/** @param {string} file */
async function measure(file) {
  const consumer = 'consumer.js'
  const bundle = await rolldown({
    input: consumer,
    cwd: root,
    platform: 'browser',
    external: PEERS,
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    plugins: [
      {
        name: 'consumer',
        resolveId: (id) => (id === consumer ? id : null),
        load: (id) => (id === consumer ? `export * from ${JSON.stringify(join(root, file))}` : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'es', minify: true })
  await bundle.close()
  const chunks = output.filter((part) => part.type === 'chunk')
  const code = chunks.map((chunk) => chunk.code).join('\n')
  const imports = new Set(chunks.flatMap((chunk) => chunk.imports))
  return { minified: Buffer.byteLength(code), gzipped: gzipSync(code, { level: 9 }).length, imports }
}

/** @param {number} bytes */
const kB = (bytes) => `${(bytes / 1000).toFixed(2)} kB`

/** @type {string[]} */
const problems = []
const rows = [['entry', 'min', 'min + gzip', 'limit', 'imports']]
for (const { name, file, limit, forbidden } of ENTRIES) {
  if (!existsSync(join(root, file))) {
    problems.push(`${file} is missing: run \`npm run build\` first`)
    continue
  }
  const { minified, gzipped, imports } = await measure(file)
  const listed = [...imports].join(', ') || '-'
  rows.push([name, kB(minified), kB(gzipped), limit === undefined ? '-' : kB(limit), listed])
  if (limit !== undefined && gzipped > limit) problems.push(`${name} is ${kB(gzipped - limit)} above its limit`)
  for (const peer of forbidden) if (imports.has(peer)) problems.push(`${name} must not import ${peer}`)
}

const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
for (const row of rows)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
for (const problem of problems) console.error(`size: ${problem}`)
process.exitCode = problems.length > 0 ? 1 : 0
