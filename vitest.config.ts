import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { findChrome } from './scripts/browser.mjs'
import { docBlocks } from './scripts/doc-blocks.ts'
import { entryAliases } from './scripts/entry-aliases.mjs'
import { reactCompiler } from './scripts/react-compiler.ts'
import SummaryReporter from './scripts/summary-reporter.ts'

// React takes its production build, which has no `act`, if the surroundings say so.
process.env.NODE_ENV = 'test'

const chrome = findChrome()
const inBrowser = '**/*.browser.test.{ts,tsx}'
/** Tests in Node that drive a page from outside: they start Vite and a browser themselves. */
const fromOutside = '**/*.page.test.ts'
const setupFiles = [fileURLToPath(new URL('./scripts/test-setup.ts', import.meta.url))]

/** For conditions that another thread, or another process, has to bring about: a deadline for a slow machine. */
const patient = { poll: { timeout: 10_000 } }

/** Two files at a time, before the browsers start: such tests take as long as the processor does, and watch no clock. */
const inNode = { maxWorkers: 2, sequence: { groupOrder: 0 } }
/** One browser for the browser tests, one for those that drive a page from outside; nothing that is busy all the time beside them. */
const withBrowser = { maxWorkers: 1, sequence: { groupOrder: 1 } }

/** Tests of the line and the port, long ones, to which it is all the same which MobX shows the state. */
const withoutMobx = 'lib/store/{simulation,mutation-check,history,port-fuzz*,stress}.test.ts'

/** The store's tests once more, with another release of MobX in the place of the newest. */
const withMobx = (name: string) => ({
  resolve: { alias: [...entryAliases, { find: /^mobx$/, replacement: name }] },
  test: {
    name,
    include: ['lib/store/**/*.test.{ts,tsx}'],
    exclude: [inBrowser, fromOutside, withoutMobx],
    setupFiles,
    ...inNode,
  },
})

/** What the tests of an app do: they must do so in every surroundings that such tests run in. */
const inApps = ['lib/testing/**/*.test.{ts,tsx}', 'lib/react/**/*.test.tsx']
/** Components that read by hooks alone: `observer` and the React Compiler do not go together. */
const onlyCompiled = 'lib/react/react-compiler.test.tsx'
const compiled = ['lib/react/use-{value,field,task}.test.tsx', onlyCompiled]

export default defineConfig({
  test: {
    reporters: ['default', new SummaryReporter()],
    projects: [
      {
        plugins: [docBlocks()],
        resolve: { alias: entryAliases },
        test: {
          name: 'unit',
          include: ['lib', 'workers', 'scripts', 'docs'].map((folder) => `${folder}/**/*.test.{ts,tsx}`),
          exclude: [inBrowser, fromOutside, '**/node_modules/**', onlyCompiled],
          setupFiles,
          ...inNode,
        },
      },
      {
        // Each file in a context of its own, whose classes are not those of the platform outside of it.
        resolve: { alias: entryAliases },
        test: {
          name: 'vm',
          pool: 'vmThreads',
          include: inApps,
          exclude: [inBrowser, onlyCompiled],
          setupFiles,
          ...inNode,
        },
      },
      {
        plugins: [reactCompiler()],
        resolve: { alias: entryAliases },
        test: { name: 'react-compiler', include: compiled, exclude: [inBrowser], setupFiles, ...inNode },
      },
      withMobx('mobx6'),
      withMobx('mobx6-latest'),
      {
        resolve: { alias: entryAliases },
        // What only a worker imports is found late, and the page would reload in the middle of a test.
        optimizeDeps: {
          include: [
            'comlink',
            'idb-keyval',
            'mobx',
            'mobx-react-lite',
            'react',
            'react-dom',
            'react-dom/client',
            'react/jsx-dev-runtime',
            'vitest-browser-react',
          ],
        },
        envPrefix: ['VITE_', 'LEASEHOLD_'],
        worker: { format: 'es' },
        test: {
          name: 'browser',
          expect: patient,
          ...withBrowser,
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
        resolve: { alias: entryAliases },
        test: {
          name: 'page',
          expect: patient,
          ...withBrowser,
          include: [`lib/${fromOutside}`],
          exclude: ['**/node_modules/**'],
          setupFiles,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Drives the demo's page from outside: its tests start Vite and a browser themselves.
        resolve: { alias: entryAliases },
        test: {
          name: 'demo',
          expect: patient,
          ...withBrowser,
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
