import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { BrowserTab } from '../store/fixtures/browser-tab.js'
import type { BuiltPage } from '../store/fixtures/built-page.js'
import { openBuiltPage } from '../store/fixtures/built-page.js'
import type { Kept } from './fixtures/persist-page/page.js'

/* State that outlives its page: a real one, that is reloaded, hidden, left and closed. */

let built: BuiltPage
beforeAll(async () => {
  built = await openBuiltPage([], fileURLToPath(new URL('./fixtures/persist-page/', import.meta.url)))
})
afterAll(() => built?.close())

let tab: BrowserTab
const tabs: BrowserTab[] = []

/** The address of the page; each test has its own records. */
const address = (query = ''): string =>
  `${built.url}/index.html?name=${encodeURIComponent(expect.getState().currentTestName ?? '')}${query}`

async function open(query?: string): Promise<void> {
  tab = await BrowserTab.open(built.browser.wsEndpoint(), address(query))
  tabs.push(tab)
  await there()
}

/** The page has come, and what was stored is its state. */
async function there(): Promise<void> {
  await expect.poll(() => tab.evaluate('typeof kept')).toBe('object')
  await kept('ready')
}

const kept = <Name extends keyof Kept>(name: Name, ...args: Parameters<Kept[Name]>) =>
  tab.evaluate(`kept.${name}(...${JSON.stringify(args)})`) as Promise<Awaited<ReturnType<Kept[Name]>>>

async function reload(): Promise<void> {
  await tab.goTo(`${built.url}/elsewhere.html`)
  await tab.goTo(address())
  await there()
}

/** The steps that are stored: another page may be storing some just now. */
async function storedSteps(): Promise<number> {
  await reload()
  return (await kept('seen')).a
}

/** Commits that nothing writes for an hour. */
const SLOW = '&debounce=3600000'

afterEach(async () => {
  for (const each of tabs.splice(0)) await each.close().catch(() => {})
})

test('P1: a reload brings back what was committed; backend fields are fresh', async () => {
  await open()
  for (let i = 0; i < 3; i++) await kept('step')
  await kept('flush')
  await tab.send('Page.reload')
  await expect.poll(() => tab.evaluate('typeof kept')).toBe('object')
  await kept('ready')
  expect(await kept('seen')).toMatchObject({ a: 3, sum: 6, status: 'ready', errors: [] })
  expect(await kept('seen')).not.toHaveProperty('torn', expect.any(String))
  expect(await kept('fresh')).toBe(0)
})

test('P3: what is pushed while the page loads is the last of the stored rows', async () => {
  await open()
  await kept('step')
  await kept('flush')
  await tab.close()
  await open('&early')
  expect(await kept('seen')).toMatchObject({ a: 1, last: -1, length: 1_502 })
})

test('P8: a write begun when the page is left is finished', async () => {
  await open(SLOW)
  await kept('step')
  await reload()
  expect(await kept('seen')).toMatchObject({ a: 1, errors: [] })
})

test('P8: a write begun when the tab is closed is finished', async () => {
  await open(SLOW)
  await kept('step')
  await tab.close()
  await open()
  await expect.poll(storedSteps).toBe(1)
})

test('P8: a page that is hidden has stored everything', async () => {
  await open(SLOW)
  await kept('step')
  const hidden = tab
  await hidden.cover()
  await open()
  await expect
    .poll(async () => {
      await reload()
      return (await kept('seen')).a
    })
    .toBe(1)
})

test('P8: a page that is left, kept by the browser and come back to goes on, and stores what it commits', async () => {
  await open()
  await kept('step')
  await tab.goTo(`${built.url}/elsewhere.html`)
  await tab.goBack()
  await expect.poll(() => tab.evaluate('typeof kept')).toBe('object')
  expect(await kept('notRestored')).toBeNull()
  expect(await kept('seen')).toMatchObject({ shown: [false, true], a: 1 })
  await kept('step')
  await kept('flush')
  await reload()
  expect(await kept('seen')).toMatchObject({ a: 2, errors: [] })
})

test('P9: a reload in the middle of a run: it runs again with attempt 2 and ends', async () => {
  await open()
  await kept('import', 10)
  await expect.poll(async () => (await kept('seen')).steps).toBe(5)
  await kept('flush')
  await reload()
  await expect.poll(async () => (await kept('seen')).steps).toBe(10)
  await expect.poll(async () => (await kept('seen')).runs).toBe(0)
  expect(await kept('seen')).toMatchObject({ attempts: [1, 2], errors: [] })
  await kept('flush')
  await reload()
  expect(await kept('seen')).toMatchObject({ attempts: [1, 2], runs: 0, errors: [] })
})
