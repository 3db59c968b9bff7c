import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { BrowserTab } from './fixtures/browser-tab.js'
import type { BuiltPage } from './fixtures/built-page.js'
import { openBuiltPage } from './fixtures/built-page.js'
import type { Life } from './fixtures/page-life/page.js'

/* What happens to a page while a task holds the lease for less than its ttl: the lease is not lost. */

const TTL_MS = 1600
/** More than half of it: a stall that cost the other half would cost the lease. */
const HOLD_MS = 1200
/** How long the page is away: much longer than its leases last. */
const AWAY_MS = 2500

/** Timers of a page that is hidden run once a second, and once a minute when it has been for ten seconds. */
const intensive = [
  '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/10/OverrideForTesting/true',
  '--intensive-wake-up-throttling-policy=1',
]

let built: BuiltPage
beforeAll(async () => {
  built = await openBuiltPage(intensive)
})
afterAll(() => built?.close())

let tab: BrowserTab
beforeEach(async () => {
  tab = await BrowserTab.open(built.browser.wsEndpoint(), `${built.url}/index.html`)
  await expect.poll(() => tab.evaluate('typeof life')).toBe('object')
})
afterEach(() => tab.close())

/** Calls the page's `life`. */
const life = <Name extends keyof Life>(name: Name, ...args: Parameters<Life[Name]>) =>
  tab.evaluate(`life.${name}(...${JSON.stringify(args)})`) as Promise<Awaited<ReturnType<Life[Name]>>>

const away = () => new Promise((resolve) => setTimeout(resolve, AWAY_MS))

/** The lease was not lost, its batch is there, and an event runs inside its call. */
async function expectHealthy(leases = 1): Promise<void> {
  expect(await life('push', 'back')).toBe(true)
  expect(await life('seen')).toMatchObject({
    counter: leases,
    log: ['back'],
    version: leases + 1,
    runs: 0,
    errors: [],
  })
}

test('L7: a page that is blocked for 3 s while the holder needs it for its commit', async () => {
  await life('holdUntilTold', 800)
  await life('block', 3000)
  await life('held')
  await expectHealthy()
})

// Chromium delivers the commit before it looks at its timers, whatever they would do. In other engines they come first.
test('L7: a page that is blocked for 3 s while a commit is on its way', async () => {
  await life('hold', 400, 800)
  await life('block', 3000)
  await life('held')
  await expectHealthy()
})

test('L7: a page that is hidden, whose timers run once a second: what they sleep through does not count', async () => {
  await tab.cover()
  await expect.poll(() => life('visibility')).toBe('hidden')
  await expect.poll(() => life('ticksIn', 1500), { timeout: 20_000 }).toBeLessThan(4)
  // Two turns of its timers are more than a second, and more than the ttl; of the lease's own time they are half of it.
  await life('holdUntilTold', 400, 2)
  await life('held')
  await expectHealthy()
})

// No timer of these leases runs at all, so none could end them early: it shows that nothing on their way waits for a timer.
test('L7: a page that is hidden, whose timers run once a minute', async () => {
  await tab.cover()
  await expect.poll(() => life('visibility')).toBe('hidden')
  await expect.poll(() => life('ticksIn', 1500), { timeout: 40_000 }).toBe(0)
  for (let i = 0; i < 3; i++) {
    await life('hold', HOLD_MS, TTL_MS)
    await life('held')
  }
  await expectHealthy(3)
})

test('L7: a page that is frozen, and its worker with it', async () => {
  await life('hold', HOLD_MS, TTL_MS)
  await tab.send('Page.setWebLifecycleState', { state: 'frozen' })
  await away()
  await tab.send('Page.setWebLifecycleState', { state: 'active' })
  expect(await life('held')).toBeGreaterThan(AWAY_MS / 2)
  await expectHealthy()
})

test('L7: a page that is left, kept by the browser, and come back to', async () => {
  await life('hold', HOLD_MS, TTL_MS)
  await tab.goTo(`${built.url}/elsewhere.html`)
  await away()
  await tab.goBack()
  await expect.poll(() => tab.evaluate('typeof life')).toBe('object')
  expect(await life('notRestored')).toBeNull()
  expect(await life('seen')).toMatchObject({ shown: [false, true] })
  expect(await life('held')).toBeGreaterThan(AWAY_MS / 2)
  await expectHealthy()
})

test('L7: a page whose machine is put to sleep', async () => {
  await life('hold', HOLD_MS, TTL_MS)
  const group = -(built.browser.process().pid as number)
  process.kill(group, 'SIGSTOP')
  await away()
  process.kill(group, 'SIGCONT')
  expect(await life('held')).toBeGreaterThan(AWAY_MS / 2)
  await expectHealthy()
})
