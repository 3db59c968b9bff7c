import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright'
import { chromium } from 'playwright'
import { build, createServer, preview } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { findChrome } from '../scripts/browser.mjs'

const root = fileURLToPath(new URL('.', import.meta.url))
const configFile = join(root, 'vite.config.ts')
/** A folder to put screenshots into; none are taken without it. */
const { DEMO_SCREENSHOTS } = process.env

/** Resolves to this machine, and is not a secure context. */
const INSECURE_HOST = 'insecure.test'

let browser: Browser
beforeAll(async () => {
  const executablePath = findChrome()
  browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [`--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
  })
})
afterAll(() => browser?.close())

let page: Page
/** What the browser has complained of. */
let complaints: string[]

async function open(url: string, options: BrowserContextOptions = {}): Promise<void> {
  complaints = []
  page = await browser.newPage(options)
  page.setDefaultTimeout(10_000)
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`))
  await page.goto(url)
  await button('Start').waitFor()
}

/** Chrome itself logs each response that is an error, and each that never comes. */
function expectFailedRequests(count: number): void {
  const failed = complaints.filter((text) => text.includes('Failed to load resource'))
  expect(failed.length).toBe(count)
  complaints = complaints.filter((text) => !failed.includes(text))
}

afterEach(async () => {
  await page.close()
  expect(complaints).toEqual([])
})

const button = (name: string | RegExp) => page.getByRole('button', { name })
const counterCard = () => page.getByRole('region', { name: 'A background task' })
const writersCard = () => page.getByRole('region', { name: 'Typing beside tasks' })
const quoteCard = () => page.getByRole('region', { name: 'Plain async code' })
const todosCard = () => page.getByRole('region', { name: 'A state that outlives the page' })
const text = async (testId: string, card = counterCard()) => (await card.getByTestId(testId).textContent()) ?? ''
/** Waits until a part of the page says so. */
const says = (testId: string, card = counterCard()) =>
  expect.poll(() => text(testId, card), { timeout: 10_000, interval: 20 })
const failure = () => text('failure', quoteCard())
const line = async () => (await page.getByRole('blockquote').textContent()) ?? ''
const todos = () => todosCard().getByRole('listitem').locator('label').allTextContents()
const todosButton = (name: string) => todosCard().getByRole('button', { name, exact: true })
async function addTodos(...texts: string[]): Promise<void> {
  for (const each of texts) {
    await page.getByLabel('New to-do').fill(each)
    await page.getByLabel('New to-do').press('Enter')
  }
}
/** What is stored of a field of the to-dos, read beside the page's own connection. */
const stored = (field: string) =>
  page.evaluate(
    (key) =>
      new Promise<unknown>((resolve, reject) => {
        const opening = indexedDB.open('leasehold')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const record = opening.result.transaction('state').objectStore('state').get(key)
          record.onsuccess = () => {
            opening.result.close()
            resolve(record.result?.value)
          }
        }
      }),
    `todos/0/field/${field}`,
  )

describe('the demo', () => {
  let url: string
  let close: () => Promise<void>
  beforeAll(async () => {
    // A cache of its own: with NODE_ENV=test the dependencies are built otherwise than for `npm start`.
    const cacheDir = fileURLToPath(new URL('../node_modules/.vite/demo-test', import.meta.url))
    const server = await createServer({ root, configFile, cacheDir, logLevel: 'warn', server: { port: 0 } })
    await server.listen()
    url = server.resolvedUrls?.local[0] ?? ''
    close = () => server.close()
  })
  afterAll(() => close?.())
  beforeEach(() => open(url))

  test('T1: counts up to its maximum in a worker, shows how smooth the page is meanwhile, and stops', async () => {
    await page.getByLabel('Maximum').fill('5')
    await button('Start').click()
    await says('frame-rate').toMatch(/^\d+ frames/)
    await says('tasks').toBe('countUp (running)')
    await button('Stop').waitFor()
    await says('counter').toBe('5')
    await button('Start').waitFor()
    await says('tasks').toBe('none')
    await says('holder').toBe('free')
    expect(page.workers().length).toBe(1)
    expect(await counterCard().getByTestId('frame-rate').count()).toBe(0)
    expect(await page.getByRole('progressbar').getAttribute('value')).toBe('1')
  })

  test('T1: stops half way, can be started again, and is reset', async () => {
    await button('Start').click()
    await says('counter').toMatch(/^[2-9]/)
    await button('Stop').click()
    await says('tasks').toBe('none')
    const stopped = Number(await text('counter'))
    await button('Start').click()
    await says('counter').toBe(String(stopped + 1))
    await button('Stop').click()
    await says('tasks').toBe('none')
    await button('Reset').click()
    expect(await text('counter')).toBe('0')
  })

  test('T1: obeys a maximum that is changed while it runs', async () => {
    await page.getByLabel('Maximum').fill('1000')
    await button('Start').click()
    await says('counter').toMatch(/^[1-9]/)
    const last = String(Number(await text('counter')) + 2)
    await page.getByLabel('Maximum').fill(last)
    await says('counter').toBe(last)
    await button('Start').waitFor()
    await says('tasks').toBe('none')
    expect(await text('counter')).toBe(last)
  })

  test('E3: the input shows what is typed while its event waits behind a lease of the page', async () => {
    await page.getByLabel('Maximum').press('End')
    // In one turn of the page, so that a slow machine does not come too late.
    const seen = await counterCard().evaluate(async (card) => {
      const [input] = card.getElementsByTagName('input')
      const buttons = [...card.querySelectorAll('button')]
      const click = (name: string) => buttons.find((each) => each.textContent?.startsWith(name))?.click()
      click('Hold the lease')
      document.execCommand('insertText', false, '07')
      click('Reset')
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
      return [input?.value, card.querySelector('[data-testid=waiting]')?.textContent]
    })
    expect(seen).toEqual(['1007', 'set.maxCounter (event), clearCounter (event)'])
    await says('waiting').toBe('nobody')
    await says('holder').toBe('free')
    await expect.poll(() => counterCard().textContent()).toContain('/ 1007')
  })

  test('L17: fetches outside a lease and writes inside; a double click is one fetch', async () => {
    const before = await line()
    let answer = () => {}
    const asked = new Promise<void>((resolve) => {
      answer = resolve
    })
    await page.route('**/quote', async (route) => {
      await asked
      await route.continue()
    })
    await button('Fetch a line').dblclick()
    const waiting = button('Fetching…')
    expect(await waiting.getAttribute('aria-disabled')).toBe('true')
    expect(await waiting.getAttribute('aria-busy')).toBe('true')
    answer()
    await button('Fetch a line').waitFor()
    const first = await line()
    expect(first).not.toBe(before)
    expect(await quoteCard().textContent()).toContain('1 fetched')
    await button('Fetch a line').click()
    await expect.poll(line).not.toBe(first)
    await says('version', quoteCard()).toBe('2')
    expect(await failure()).toBe('')
  })

  test('L17: shows what went wrong with a fetch, leaves the state alone, and goes on', async () => {
    const address = page.getByLabel('Address')
    const tries = {
      'quote?status=503': 'answered 503',
      '.': 'not with plain text',
      'http://localhost:39999/': 'No answer from',
    }
    for (const [wrong, message] of Object.entries(tries)) {
      await address.fill(wrong)
      await button('Fetch a line').click()
      await says('failure', quoteCard()).toContain(message)
      expect(await line()).toBe('Nothing fetched yet.')
    }
    expectFailedRequests(2)
    await address.fill('quote')
    await button('Fetch a line').click()
    await expect.poll(line).not.toBe('Nothing fetched yet.')
    expect(await failure()).toBe('')
  })

  test('L16: what is typed is in the state at once, though a task holds the lease, whose function runs again', async () => {
    const writer = writersCard().getByRole('listitem')
    await button('Add a writer').click()
    await says('holder', writersCard()).toBe('write (task)')
    const said = async () => (await writer.textContent()) ?? ''
    const leases = async () => Number(/(\d+) leases/.exec(await said())?.[1])
    const takenBack = async () => Number(/(\d+) taken back/.exec(await said())?.[1])
    for (const key of 'note') {
      const before = await leases()
      await page.getByLabel('Note').press(key)
      // In the very turn of the key press.
      expect(await text('note', writersCard())).toBe(await page.getByLabel('Note').inputValue())
      await expect.poll(leases).toBeGreaterThan(before) // a lease that was taken back three times is let finish
    }
    await expect.poll(takenBack).toBeGreaterThan(0)
    if (DEMO_SCREENSHOTS) await page.screenshot({ path: join(DEMO_SCREENSHOTS, 'writers.png'), fullPage: true })
    await button('Dismiss writers').click()
    await says('tasks', writersCard()).toBe('none')
    expect(await text('note', writersCard())).toBe('note')
  })

  test('L15: typing does not disturb a task that leases other fields', async () => {
    await page.getByLabel('Lease only what is written').check()
    await button('Add a writer').click()
    await says('holder', writersCard()).toBe('write (task)')
    await page.getByLabel('Note').pressSequentially('beside it', { delay: 10 })
    expect(await text('note', writersCard())).toBe('beside it')
    await says('written', writersCard()).toMatch(/^[1-9]/)
    await expect.poll(() => writersCard().getByRole('listitem').textContent()).toContain(', 0 taken back')
    await button('Dismiss writers').click()
    await says('tasks', writersCard()).toBe('none')
  })

  test('X4: a worker that dies takes its runs and leases with it, says so, and the next run gets a new one', async () => {
    await button('Add a writer').click()
    await button('Add a writer').click()
    await says('written', writersCard()).toMatch(/^[1-9]/)
    await button('Kill the worker').click()
    await says('writers-failure', writersCard()).toContain('was lost with its worker')
    await says('tasks', writersCard()).toBe('none')
    await says('holder', writersCard()).toBe('free')
    const before = Number(await text('written', writersCard()))
    await button('Add a writer').click()
    await expect.poll(async () => Number(await text('written', writersCard()))).toBeGreaterThan(before)
    expect(await text('writers-failure', writersCard())).toBe('')
    await button('Dismiss writers').click()
    await says('tasks', writersCard()).toBe('none')
  })

  test('P1: a list survives reloads until it is deleted from storage, and says so', async () => {
    await says('storage', todosCard()).toMatch(/^Stored/)
    await addTodos('write', 'read', 'throw away')
    await page.getByLabel('write', { exact: true }).check()
    await todosButton('Remove throw away').click()
    await expect.poll(() => stored('rows')).toMatchObject([{ text: 'read' }, { text: 'write', done: true }])
    await page.reload()
    await expect.poll(todos).toEqual(['read', 'write'])
    expect(await page.getByLabel('write', { exact: true }).isChecked()).toBe(true)
    expect(await text('count', todosCard())).toBe('2 to-dos, 1 open')
    expect(await todosCard().getByTestId('storage').getAttribute('role')).toBe('status')
    await says('storage', todosCard()).toMatch(/^Stored/)

    await todosButton('Delete what is stored').click()
    await says('storage', todosCard()).toMatch(/^Nothing is stored/)
    await page.reload()
    await says('storage', todosCard()).toMatch(/^Stored/)
    expect(await todosCard().textContent()).toContain('Nothing to do.')
  })

  test('P5: where nothing can be stored it says so, and why, and goes on', async () => {
    await page.addInitScript(() => Object.defineProperty(globalThis, 'indexedDB', { value: undefined }))
    await page.reload()
    await says('storage', todosCard()).toMatch(/^Not stored/)
    await addTodos('for now')
    expect(await todos()).toEqual(['for now'])
    expect(await text('todos-failure', todosCard())).toContain('no indexedDB')
  })

  test('filters a list, and keeps the focus in it when the row that has it leaves', async () => {
    await addTodos('c', 'b', 'a')
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
    await todosButton('Remove b').focus()
    await page.keyboard.press('Enter')
    expect([await todos(), await focused()]).toEqual([['a', 'c'], 'Remove c'])
    await page.getByLabel('Open', { exact: true }).check()
    await page.getByLabel('a', { exact: true }).focus()
    await page.keyboard.press('Space')
    expect(await todos()).toEqual(['c'])
    expect(await page.getByLabel('c', { exact: true }).evaluate((box) => box === document.activeElement)).toBe(true)
    await page.keyboard.press('Space')
    await expect.poll(() => todosCard().textContent()).toContain('None of them.')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('todo-text')
    await page.getByLabel('Done', { exact: true }).check()
    expect(await todos()).toEqual(['a', 'c'])
  })

  test('P9, X4: an import of 100,000 rows that a reload cuts short goes on, with no row lost or doubled', async () => {
    const imported = async () => Number((await text('import', todosCard())).replace(/,|\D.*/g, ''))
    await addTodos('my own')
    await todosButton('Import 100,000 rows').click()
    await page.getByLabel('Imported row 3', { exact: true }).check()
    const ticked = Math.max(await imported(), 20_000)
    await expect.poll(() => stored('imported')).toBeGreaterThan(ticked)
    await page.reload()
    await says('import', todosCard()).toContain(', attempt 2')
    expect(await imported()).toBeGreaterThan(ticked)
    if (DEMO_SCREENSHOTS) await page.screenshot({ path: join(DEMO_SCREENSHOTS, 'import.png'), fullPage: true })
    await todosButton('Import 100,000 rows').waitFor()
    expect(await text('count', todosCard())).toMatch(/^100,001 to-dos/)
    expect(await todos()).toHaveLength(8)
    await todosButton('Last rows').click()
    expect(await todos()).toEqual(['Imported row 100000'])
    expect(await text('window', todosCard())).toBe('100,001–100,001 of 100,001')
    const all = await page.evaluate(() => document.querySelectorAll('*').length)
    expect(all).toBeLessThan(300)

    await page.reload()
    await says('count', todosCard()).toMatch(/^100,001 to-dos/)
    await says('tasks', todosCard()).toBe('none')
    expect(await page.getByLabel('Imported row 3', { exact: true }).isChecked()).toBe(true)
    await todosButton('Empty the list').click()
    await says('count', todosCard()).toBe('0 to-dos, 0 open')
  })

  test('is used by keyboard alone, and always shows where the focus is', async () => {
    const reached: string[] = []
    const tab = async () => {
      await page.keyboard.press('Tab')
      const [name, outline] = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement
        const label = (element as HTMLInputElement).labels?.[0]?.textContent
        return [label || element.textContent || '', getComputedStyle(element).outlineStyle] as const
      })
      expect([name, outline]).toEqual([name, 'solid'])
      reached.push(name)
    }
    await tab()
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('2')
    await tab()
    await page.keyboard.press('Enter')
    await says('counter').toBe('2')
    await tab()
    await page.keyboard.press('Space')
    await says('counter').toBe('0')
    await tab()
    await tab()
    await page.keyboard.press('Enter')
    await expect.poll(line).not.toBe('Nothing fetched yet.')
    await tab()
    await page.keyboard.press('Enter')
    await says('version', quoteCard()).toBe('2')
    // The button was busy meanwhile, and has kept its focus.
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Fetch a line')
    await tab()
    const hold = 'Hold the lease for a moment'
    expect(reached).toEqual(['Maximum', 'Start', 'Reset', hold, 'Address', 'Fetch a line', hold])
  })

  test.each(['light', 'dark'] as const)('fits a narrow screen and a wide one, %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme })
    await addTodos('to fit', 'n'.repeat(200))
    for (const width of [360, 1200]) {
      await page.setViewportSize({ width, height: 900 })
      const [scrollWidth, background] = await page.evaluate(() => {
        const { documentElement } = document
        return [documentElement.scrollWidth, getComputedStyle(documentElement).backgroundColor] as const
      })
      expect(scrollWidth).toBe(width)
      const [red = 0] = background.match(/\d+/g)?.map(Number) ?? []
      expect(red < 128).toBe(colorScheme === 'dark')
      if (DEMO_SCREENSHOTS) {
        await page.screenshot({ path: join(DEMO_SCREENSHOTS, `demo-${colorScheme}-${width}.png`), fullPage: true })
      }
    }
  })
})

describe('the demo, built', () => {
  let outDir: string
  let port: number
  let close: () => Promise<void>
  beforeAll(async () => {
    outDir = await mkdtemp(join(tmpdir(), 'demo-'))
    vi.stubEnv('NODE_ENV', 'production') // else it would be the development build of everything
    const rolldownOptions = { checks: { bundlerTimings: false } } // else a slow machine is warned that it is slow
    await build({ root, configFile, logLevel: 'warn', build: { outDir, emptyOutDir: true, rolldownOptions } })
    vi.unstubAllEnvs()
    const server = await preview({
      root,
      configFile,
      build: { outDir },
      preview: {
        port: 0,
        host: '127.0.0.1',
        allowedHosts: [INSECURE_HOST],
        headers: { 'Content-Security-Policy': "default-src 'self'; require-trusted-types-for 'script'" },
      },
    })
    port = (server.httpServer.address() as { port: number }).port
    close = () => server.close()
  })
  afterAll(async () => {
    await close?.()
    await rm(outDir, { recursive: true, force: true })
  })

  test.each([
    ['localhost', true],
    [INSECURE_HOST, false],
  ])('X5: works on %s under a strict Content-Security-Policy', async (host, isSecure) => {
    await open(`http://${host.replace('localhost', '127.0.0.1')}:${port}/`)
    expect(await page.evaluate(() => isSecureContext)).toBe(isSecure)
    await page.getByLabel('Maximum').fill('2')
    await button('Start').click()
    await says('counter').toBe('2')
    await says('tasks').toBe('none')
    await button('Fetch a line').click()
    await expect.poll(line).not.toBe('Nothing fetched yet.')
    await addTodos('over a reload')
    await expect.poll(() => stored('rows')).toHaveLength(1)
    await page.reload()
    await expect.poll(todos).toEqual(['over a reload'])
    await todosButton('Import 100,000 rows').click()
    await says('import', todosCard()).toMatch(/^\d/)
    await todosButton('Stop importing').click()
    await says('tasks', todosCard()).toBe('none')
  })
})
