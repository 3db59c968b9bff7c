import { fileURLToPath } from 'node:url'

/** @param {string} path */
const source = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** The package's entries as the sources they are built from, for Vite. The same list is in tsconfig.base.json. */
export const entryAliases = [
  { find: /^leasehold$/, replacement: source('lib/index.ts') },
  { find: /^leasehold\/worker$/, replacement: source('workers/index.ts') },
  { find: /^leasehold\/testing$/, replacement: source('lib/testing/index.ts') },
  { find: /^leasehold\/persist$/, replacement: source('lib/persist/index.ts') },
  { find: /^leasehold\/react$/, replacement: source('lib/react/index.ts') },
]
