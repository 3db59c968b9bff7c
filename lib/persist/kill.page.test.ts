import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BuiltPage } from '../store/fixtures/built-page.js'
import { serveBuiltPage } from '../store/fixtures/built-page.js'
import { Chance } from '../store/fixtures/chance.js'
import { KillableBrowser } from './fixtures/killable-browser.js'
import type { Kept } from './fixtures/persist-page/page.js'

/** Browsers that are killed; more by `LEASEHOLD_BROWSER_KILLS`, others by `LEASEHOLD_SEED`. */
const KILLS = Number(process.env.LEASEHOLD_BROWSER_KILLS ?? 5)
const SEED = Number(process.env.LEASEHOLD_SEED ?? 1)

let served: Omit<BuiltPage, 'browser'>
let browser: KillableBrowser
beforeAll(async () => {
  served = await serveBuiltPage(fileURLToPath(new URL('./fixtures/persist-page/', import.meta.url)))
  browser = await KillableBrowser.create()
})
afterAll(async () => {
  await browser?.close()
  await served?.close()
})

const seen = async (page: Page): Promise<ReturnType<Kept['seen']>> => {
  await page.waitForFunction('typeof kept === "object"')
  await page.evaluate('kept.ready()')
  return page.evaluate('kept.seen()')
}

test(`P2: ${KILLS} browsers are killed while they write: no commit that was acknowledged is lost, and nothing is torn`, {
  timeout: 60_000 + KILLS * 10_000,
}, async () => {
  const chance = new Chance(SEED)
  let acknowledged = 0
  let acknowledgements = 0
  let beyond = 0
  let lost = 0
  for (let kills = 0; kills <= KILLS; kills++) {
    const page = await browser.open(
      `${served.url}/index.html?debounce=1&durability=${kills % 2 ? 'strict' : 'relaxed'}`,
    )
    const { a, torn, errors, status } = await seen(page)
    expect({ torn, status }).toEqual({ torn: undefined, status: 'ready' })
    if (errors.length > 0) {
      // Seldom the files of the browser itself are damaged by the kill, and it begins anew. It says so, and so do we.
      expect([a, errors]).toEqual([0, [expect.stringMatching(/the browser found its files damaged/)]])
      lost += 1
      acknowledged = 0
    }
    expect(a, `after ${kills} kills`).toBeGreaterThanOrEqual(acknowledged)
    if (a > acknowledged) beyond += 1
    if (kills === KILLS) break
    const before = acknowledged
    await page.exposeFunction('acknowledged', (n: number) => {
      acknowledged = Math.max(acknowledged, n)
      acknowledgements += 1
    })
    void page.evaluate('kept.work(acknowledged)').catch(() => {}) // the browser goes
    await expect.poll(() => acknowledged, { interval: 5 }).toBeGreaterThan(Math.max(a, before) + chance.below(100))
    await browser.kill()
  }
  console.info(
    `kills: ${KILLS}, seed ${SEED}; ${acknowledgements} acknowledgements; after ${beyond} kills later commits were stored, too; after ${lost} the browser itself had lost its files`,
  )
  expect(lost).toBeLessThanOrEqual(Math.ceil(KILLS / 10))
})
