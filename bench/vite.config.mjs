import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('.'),
  base: './',
  resolve: {
    // The library as it is published, from dist/.
    alias: [
      { find: /^leasehold$/, replacement: here('../dist/lib/index.js') },
      { find: /^leasehold\/worker$/, replacement: here('../dist/workers/index.js') },
      { find: /^leasehold\/persist$/, replacement: here('../dist/lib/persist/index.js') },
    ],
    // It would find its peers in the root's node_modules, and an app has one MobX.
    dedupe: ['comlink', 'idb-keyval', 'mobx', 'react'],
  },
  worker: { format: 'es' },
  build: { target: 'es2022', outDir: here('dist/site'), emptyOutDir: true, chunkSizeWarningLimit: 2000 },
})
