/*
 * The browser in which all is measured, and what a page asks of it.
 */
import { chromium } from 'playwright'
import { findChrome } from '../../scripts/browser.mjs'

/** Garbage is collected when a case says so; timers and frames run as on a page that is looked at. */
const FLAGS = [
  '--js-flags=--expose-gc',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
]

/** @param {{ headed: boolean }} options */
export async function launch({ headed }) {
  const executablePath = findChrome()
  if (executablePath === undefined)
    throw new Error('no Chrome or Chromium starts here: run `npm test` once, or set CHROME_PATH')
  return chromium.launch({ executablePath, headless: !headed, args: FLAGS })
}

/**
 * Opens a page of its own, with a renderer of its own, ready to run cases.
 *
 * @param {import('playwright').Browser} browser
 * @param {string} url
 */
export async function openPage(browser, url) {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') console.error(`  page: ${message.text()}`)
  })
  page.on('pageerror', (error) => console.error(`  page: ${error.stack ?? error.message}`))
  const session = await context.newCDPSession(page)
  await session.send('HeapProfiler.enable')
  await page.exposeFunction('benchHeapBytes', async () => {
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    return usedSize
  })
  await page.exposeFunction('benchTypeKeys', (/** @type {number} */ count, /** @type {number} */ perSecond) =>
    typeKeys(session, count, perSecond),
  )
  await page.goto(url)
  await page.waitForFunction(() => window.bench !== undefined)
  if (!(await page.evaluate(() => window.crossOriginIsolated))) throw new Error('the page is not cross-origin isolated')
  return { page, close: () => context.close() }
}

/**
 * Presses keys at a steady pace, whether or not the page keeps up.
 *
 * @param {import('playwright').CDPSession} session
 * @param {number} count
 * @param {number} perSecond
 */
async function typeKeys(session, count, perSecond) {
  const start = Date.now()
  /** @type {Promise<unknown>[]} */
  const pressed = []
  for (let index = 0; index < count; index += 1) {
    const due = start + (index * 1000) / perSecond
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())))
    const key = { key: 'a', code: 'KeyA', windowsVirtualKeyCode: 65 }
    pressed.push(session.send('Input.dispatchKeyEvent', { ...key, type: 'keyDown', text: 'a' }))
    pressed.push(session.send('Input.dispatchKeyEvent', { ...key, type: 'keyUp' }))
  }
  await Promise.all(pressed)
}
