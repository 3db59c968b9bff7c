/*
 * What an app downloads for each contestant: everything its entries export, bundled for production, minified and gzipped.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { root } from '../../scripts/tools.mjs'
import { benchFolder } from './prepare.mjs'

const SHARED = ['comlink', 'idb-keyval', 'mobx']
const PAGE = 'for the page, with MobX'
const WORKER = 'for the worker'
const PERSIST = 'added by persistence'

/**
 * `besides`: what the app has anyway, and what is left out of the size.
 *
 * @type {readonly {
 *   readonly where: string,
 *   readonly name: string,
 *   readonly modules: readonly string[],
 *   readonly besides?: readonly string[],
 * }[]}
 */
const BUNDLES = [
  { where: PAGE, name: 'Leasehold', modules: [join(root, 'dist/lib/index.js'), 'mobx'] },
  { where: PAGE, name: 'Comlink + MobX', modules: ['comlink', 'mobx'] },
  { where: PAGE, name: 'Comlink + MobX + Mutative', modules: ['comlink', 'mobx', 'mutative'] },
  { where: PAGE, name: 'Comlink + mobx-keystone', modules: ['comlink', 'mobx', 'mobx-keystone'] },
  { where: PAGE, name: 'coaction (no MobX)', modules: ['coaction'] },
  { where: PAGE, name: 'MobX alone', modules: ['mobx'] },
  {
    where: PAGE,
    name: 'Immer + Zustand',
    modules: ['immer', 'zustand', 'zustand/middleware', 'zustand/middleware/immer'],
  },
  { where: WORKER, name: 'Leasehold', modules: [join(root, 'dist/workers/index.js')] },
  { where: WORKER, name: 'Comlink', modules: ['comlink'] },
  { where: WORKER, name: 'Comlink + Mutative', modules: ['comlink', 'mutative'] },
  { where: WORKER, name: 'Comlink + mobx-keystone', modules: ['comlink', 'mobx', 'mobx-keystone'] },
  { where: WORKER, name: 'coaction', modules: ['coaction'] },
  {
    where: PERSIST,
    name: 'Leasehold',
    modules: [join(root, 'dist/lib/persist/index.js')],
    besides: [join(root, 'dist/lib/index.js'), 'mobx'],
  },
  {
    where: PERSIST,
    name: 'Zustand persist + idb-keyval',
    modules: ['zustand/middleware', 'idb-keyval'],
    besides: ['zustand'],
  },
  { where: PERSIST, name: 'idb-keyval', modules: ['idb-keyval'] },
]

/** @param {readonly string[]} modules */
async function measure(modules) {
  const entry = join(benchFolder, 'entry.js') // there is no such file: the plugin below is
  const bundle = await rolldown({
    input: entry,
    cwd: benchFolder,
    platform: 'browser',
    external: ['react'],
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    // The library would find its Comlink in the root's node_modules.
    resolve: { alias: Object.fromEntries(SHARED.map((name) => [name, join(benchFolder, 'node_modules', name)])) },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) =>
          id === entry
            ? modules.map((module, index) => `export * as m${index} from ${JSON.stringify(module)}`).join('\n')
            : null,
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'es', minify: true })
  await bundle.close()
  const code = output.map((part) => (part.type === 'chunk' ? part.code : '')).join('\n')
  return gzipSync(code, { level: 9 }).length
}

/** @param {string} name */
function versionOf(name) {
  return JSON.parse(readFileSync(join(benchFolder, 'node_modules', name, 'package.json'), 'utf8')).version
}

/** The versions of what takes part. */
export function contestantVersions() {
  const names = ['comlink', 'mobx', 'mutative', 'mobx-keystone', 'coaction', 'immer', 'zustand', 'idb-keyval', 'react']
  return names.map((name) => `${name} ${versionOf(name)}`).join(', ')
}

export const sizeCase = {
  name: 'size',
  title: 'Size',
  about: 'Everything that the entries export, bundled for production, minified and gzipped.',
  metrics: [{ name: 'min + gzip', unit: 'kB' }],
  variants: [{ label: PAGE }, { label: WORKER }, { label: PERSIST }],
  contestants: [...new Set(BUNDLES.map(({ name }) => name))].map((name) => ({ name })),
  reference: 'Comlink + MobX',
}

/** What Leasehold is held against in a variant. @type {Record<string, string>} */
export const sizeReferences = {
  [PAGE]: sizeCase.reference,
  [WORKER]: 'Comlink',
  [PERSIST]: 'Zustand persist + idb-keyval',
}

/** Measures every bundle. Gives kilobytes by variant and contestant. */
export async function measureSizes() {
  /** @type {Record<string, Record<string, number>>} */
  const sizes = {}
  for (const { where, name, modules, besides } of BUNDLES) {
    sizes[where] ??= {}
    const all = await measure([...(besides ?? []), ...modules])
    sizes[where][name] = (all - (besides ? await measure(besides) : 0)) / 1000
  }
  return sizes
}
