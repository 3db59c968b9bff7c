import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright'
import { chromium } from 'playwright'
import type { Rolldown } from 'vite'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { findChrome } from '../../scripts/browser.mjs'
import type { StoragePage } from './fixtures/storage-page.js'

/* The storage of a page that is left, and of one that is allowed none. */

const ROWS = 300
const ORIGIN = 'http://storage.test'
let code: string
let browser: Browser
let context: BrowserContext

beforeAll(async () => {
  const input = fileURLToPath(new URL('./fixtures/storage-page.ts', import.meta.url))
  const options = { write: false, target: 'es2022', modulePreload: false, rolldownOptions: { input } } as const
  const built = await build({ configFile: false, logLevel: 'warn', build: options })
  code = (built as Rolldown.RolldownOutput).output[0].code
  const executablePath = findChrome()
  browser = await chromium.launch(executablePath === undefined ? {} : { executablePath })
})
afterAll(() => browser?.close())

beforeEach(async () => {
  context = await browser.newContext()
  await context.route(`${ORIGIN}/**`, (route) => {
    const headers = /sandboxed/.test(route.request().url())
      ? { 'content-security-policy': 'sandbox allow-scripts' }
      : {}
    const body = /elsewhere/.test(route.request().url()) ? '' : `<script type="module">${code}</script>`
    return route.fulfill({ contentType: 'text/html', headers, body })
  })
})
afterEach(() => context.close())

async function open(path = '/'): Promise<Page> {
  const page = await context.newPage()
  await page.goto(ORIGIN + path)
  return page
}

/** Calls the page's `storagePage`. */
const call = <Name extends keyof StoragePage>(page: Page, name: Name, ...args: Parameters<StoragePage[Name]>) =>
  page.evaluate(`storagePage.${name}(...${JSON.stringify(args)})`) as Promise<Awaited<ReturnType<StoragePage[Name]>>>

const ways = [
  ['closed', (page: Page) => page.close()],
  ['left for another', (page: Page) => page.goto(`${ORIGIN}/elsewhere`)],
] as const

test.each(ways)('P8: in the middle of a large write, when the page is %s, both are stored', async (_, leave) => {
  const page = await open()
  await call(page, 'write', 'here')
  await call(page, 'leaveBehindLarge')
  await leave(page)
  expect(await call(await open(), 'read')).toEqual(['left after some', ROWS])
})

test('P13: in a page of an opaque origin only the calls reject, and say what to do', async () => {
  const page = await open('/sandboxed')
  expect(await page.evaluate('origin')).toBe('null')
  expect(await call(page, 'failure')).toEqual({
    code: 'STORAGE',
    reason: 'unavailable',
    cause: 'SecurityError',
    message: expect.stringMatching(
      /^Writing 1 record to database "page" failed \(SecurityError: .*\): the browser gives this page no IndexedDB\. Allow the site to store data, or serve the page from an origin of its own\.$/,
    ),
  })
})
