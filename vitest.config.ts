import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { findChrome } from './scripts/browser.mjs'
import { entryAliases } from './scripts/entry-aliases.mjs'
import SummaryReporter from './scripts/summary-reporter.ts'

// React takes its production build, which has no `act`, if the surroundings say so.
process.env.NODE_ENV = 'test'

const chrome = findChrome()
const inBrowser = '**/*.browser.test.{ts,tsx}'
const setupFiles = [fileURLToPath(new URL('./scripts/test-setup.ts', import.meta.url))]

/** The store's tests once more, with another release of MobX in the place of the newest. */
const withMobx = (name: string) => ({
  resolve: { alias: [...entryAliases, { find: /^mobx$/, replacement: name }] },
  // Fuzzing takes long, and what it is about does not depend on MobX.
  test: { name, include: ['lib/store/**/*.test.{ts,tsx}'], exclude: [inBrowser, '**/port-fuzz*'], setupFiles },
})

export default defineConfig({
  test: {
    reporters: ['default', new SummaryReporter()],
    projects: [
      {
        resolve: { alias: entryAliases },
        test: {
          name: 'unit',
          include: ['lib', 'workers', 'scripts', 'docs'].map((folder) => `${folder}/**/*.test.{ts,tsx}`),
          exclude: [inBrowser, '**/node_modules/**'],
          setupFiles,
        },
      },
      withMobx('mobx6'),
      withMobx('mobx6-latest'),
      {
        resolve: { alias: entryAliases },
        // What only a worker imports is found late, and the page would reload in the middle of a test.
        optimizeDeps: {
          include: [
            'comlink',
            'mobx',
            'mobx-react-lite',
            'react',
            'react-dom',
            'react-dom/client',
            'react/jsx-dev-runtime',
            'vitest-browser-react',
          ],
        },
        worker: { format: 'es' },
        test: {
          name: 'browser',
          include: ['lib', 'workers', 'scripts', 'docs'].map((folder) => `${folder}/${inBrowser}`),
          exclude: ['**/node_modules/**'],
          setupFiles,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chrome ? { executablePath: chrome } : {} }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        // Drives the demo's page from outside: its tests start Vite and a browser themselves.
        resolve: { alias: entryAliases },
        test: {
          name: 'demo',
          include: ['demo/**/*.test.{ts,tsx}'],
          exclude: ['**/node_modules/**'],
          setupFiles,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
