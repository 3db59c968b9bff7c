import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { entryAliases } from '../scripts/entry-aliases.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

export default defineConfig({
  // Relative, so that the built page works in any folder of a server.
  base: './',
  resolve: { alias: entryAliases },
  // What only a worker imports is found late, and the page would reload on its first visit.
  optimizeDeps: {
    include: ['comlink', 'mobx', 'mobx-react-lite', 'react', 'react-dom/client', 'react/jsx-dev-runtime'],
  },
  server: { fs: { allow: [root] } },
  worker: { format: 'es' },
  build: { target: 'es2022' },
})
