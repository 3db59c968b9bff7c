import { afterAll, beforeAll, expect, test } from 'vitest'
import { BrowserTab } from './fixtures/browser-tab.js'
import type { BuiltPage } from './fixtures/built-page.js'
import { openBuiltPage } from './fixtures/built-page.js'

const LEASES = Number(process.env.LEASEHOLD_LEASES ?? 20_000)
const SAMPLES = 10
/** A lease that left 100 bytes behind would take 2 MB. */
const MOST_BYTES = 1_000_000

let built: BuiltPage
beforeAll(async () => {
  built = await openBuiltPage()
})
afterAll(() => built?.close())

test(
  `${LEASES} leases leave no memory in their worker`,
  async () => {
    const tab = await BrowserTab.open(built.browser.wsEndpoint(), `${built.url}/index.html`)
    await expect.poll(() => tab.evaluate('typeof life')).toBe('object')
    await tab.evaluate('life.lease(2000)') // its code is warm
    const worker = await tab.worker()
    const used: number[] = []
    const sample = async (): Promise<void> => {
      await worker('HeapProfiler.collectGarbage')
      used.push((await worker('Runtime.getHeapUsage')).usedSize)
    }
    await sample()
    for (let i = 0; i < SAMPLES; i++) {
      await tab.evaluate(`life.lease(${LEASES / SAMPLES})`)
      await sample()
    }
    console.info(`heap of the worker: ${used.map((bytes) => (bytes / 1e6).toFixed(2)).join(' ')} MB`)
    expect((used.at(-1) as number) - (used[0] as number)).toBeLessThan(MOST_BYTES)
    await tab.close()
  },
  60_000 + LEASES,
)
