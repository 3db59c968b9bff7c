import { fileURLToPath } from 'node:url'
import type { Connect, Plugin } from 'vite'
import { defineConfig } from 'vite'
import { entryAliases } from '../scripts/entry-aliases.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

const lines = [
  'Give it back before anybody asks for it.',
  'A queue of one is still a queue.',
  'What was not committed has not happened.',
  'Old news is fine, as long as you do not write from it.',
  'Be quick inside, and take your time outside.',
]
/** Long enough to see the button wait. */
const ANSWER_MS = 400

/** Answers `quote` with a line of text, each time the next one; `quote?status=503` fails. */
function quoteServer(): Plugin {
  let asked = 0
  const answer: Connect.NextHandleFunction = ({ url = '' }, response, next) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    if (!pathname.endsWith('/quote')) {
      next()
      return
    }
    const status = Number(searchParams.get('status') ?? 200)
    setTimeout(() => {
      response.statusCode = status >= 200 && status < 600 ? status : 400
      response.setHeader('Content-Type', 'text/plain; charset=utf-8')
      response.setHeader('Cache-Control', 'no-store')
      response.end(`${lines[asked++ % lines.length]}\n`)
    }, ANSWER_MS)
  }
  return {
    name: 'quote-server',
    configureServer: ({ middlewares }) => void middlewares.use(answer),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(answer),
  }
}

export default defineConfig({
  // Relative, so that the built page works in any folder of a server.
  base: './',
  plugins: [quoteServer()],
  resolve: { alias: entryAliases },
  // What only a worker imports is found late, and the page would reload on its first visit.
  optimizeDeps: {
    include: ['comlink', 'idb-keyval', 'mobx', 'mobx-react-lite', 'react', 'react-dom/client', 'react/jsx-dev-runtime'],
  },
  server: { fs: { allow: [root] } },
  worker: { format: 'es' },
  build: { target: 'es2022' },
})
