import { afterEach, beforeEach, expect, test } from 'vitest'
import { getStore, unregisterStore } from '../store/tokens.js'
import type { FakeOrigin, FakeTab } from './fixtures/fake-origin.js'
import type { Page, Row, State } from './fixtures/open-tab.js'
import { Site } from './fixtures/open-tab.js'
import type { TestStorage } from './fixtures/test-storage.js'
import type { PersistOptions } from './persist.js'
import { KEPT_COUNT, KEPT_MS } from './tab-copies.js'

let origin: FakeOrigin
let storage: TestStorage
let site: Site
beforeEach(() => {
  site = new Site()
  ;({ origin, storage } = site)
})
afterEach(() => site.close())

async function open(tab?: FakeTab, options: Partial<PersistOptions<State>> = {}): Promise<Page> {
  const page = site.open({ tab: true, ...options }, tab)
  await page.store.ready
  return page
}

const row = (id: number): Row => ({ id, text: `row ${id}` })
const ids = ({ store }: Page): number[] => store.state.rows.map(({ id }) => id)
async function add({ store }: Page, ...given: Row[]): Promise<void> {
  await store.events.add(...given)
  await store.persist.flush()
}
/** The tokens of the tabs of which anything is stored. */
const stored = (): Set<string> => new Set([...storage.records.keys()].map((key) => key.split('/')[2] as string))

test('P7: two tabs are apart; a reload of one keeps its own, and its token', async () => {
  const [one, other] = [await open(), await open()]
  await add(one, row(1))
  await add(other, row(2))
  expect([ids(one), ids(other)]).toEqual([[1], [2]])
  expect([one.store.persist.status, other.store.persist.status]).toEqual(['ready', 'ready'])
  const again = await open(one.tab.reload())
  expect(again.store.token).toBe(one.store.token)
  expect(again.store.token).not.toBe(other.store.token)
  expect([ids(again), ids(other)]).toEqual([[1], [2]])
  await again.store.dispose()
  const third = await open(again.tab) // another store in the same page, as when a module is replaced
  expect([third.store.token, ids(third), third.errors]).toEqual([one.store.token, [1], []])
})

test('P7: a duplicated tab gets a token of its own, at once, and begins with a copy', async () => {
  const first = await open()
  await add(first, ...Array.from({ length: 3_000 }, (_, id) => row(id)))
  const tab = origin.openTab(first.tab.kept)
  const page = site.open({ tab: true }, tab)
  expect(page.store.token).not.toBe(first.store.token)
  await page.store.ready
  expect(ids(page)).toEqual(ids(first))
  await add(page, row(-1))
  await add(first, row(-2))
  const again = await open(page.tab.reload())
  expect([again.store.token, ids(again).at(-1), ids(first).at(-1)]).toEqual([page.store.token, -1, -2])
  const firstAgain = await open(first.tab.reload())
  expect([firstAgain.store.token, ids(firstAgain).at(-1)]).toEqual([first.store.token, -2])
  expect([...stored()].sort()).toEqual([first.store.token, page.store.token].sort())
})

test('P7 P9: runs that are to be resumed are not copied while their tab lives, and go on where it has crashed', async () => {
  const first = await open()
  first.store.tasks.long()
  await expect.poll(() => ids(first)).toEqual([1])
  await first.store.persist.flush()
  const duplicate = await open(origin.openTab(first.tab.kept))
  expect([ids(duplicate), duplicate.store.backgroundTasks.size]).toEqual([[1], 0])
  first.tab.crash()
  const again = await open(origin.openTab(first.tab.kept))
  await expect.poll(() => ids(again)).toEqual([1, 2])
  expect(duplicate.store.backgroundTasks.size).toBe(0)
})

test('P7: the copy is made when storage can be read, and once', async () => {
  const first = await open()
  await add(first, row(1))
  const tab = origin.openTab(first.tab.kept)
  storage.isDown = true
  const page = await open(tab)
  expect([page.store.persist.status, page.errors.length]).toEqual(['degraded', 1])
  storage.isDown = false
  await page.store.persist.rehydrate()
  expect(ids(page)).toEqual([1])
  await add(page, row(2))
  // It was copied, and the page crashes before that could be noted.
  tab.kept.set('leasehold/shared', JSON.stringify({ token: page.store.token, from: first.store.token, isLeft: true }))
  expect(ids(await open(page.tab.reload()))).toEqual([1, 2])
})

test('P7: after a crash the state goes on under a new token, and nothing is left of the old one', async () => {
  const page = await open()
  await add(page, row(1))
  page.tab.crash()
  const again = await open(origin.openTab(page.tab.kept))
  expect(again.store.token).not.toBe(page.store.token)
  expect(ids(again)).toEqual([1])
  expect([...stored()]).toEqual([again.store.token])
})

test('P7: a tab that was thrown out of memory keeps its token', async () => {
  const page = await open()
  await add(page, row(1))
  page.tab.crash()
  const tab = origin.openTab(page.tab.kept)
  tab.wasDiscarded = true
  const again = await open(tab)
  expect([again.store.token, ids(again)]).toEqual([page.store.token, [1]])
})

test('P7: a page that is kept when it is left has its token when it is back', async () => {
  const page = await open()
  await add(page, row(1))
  page.tab.leave()
  page.tab.comeBack()
  await add(page, row(2))
  const duplicate = await open(origin.openTab(page.tab.kept))
  expect(duplicate.store.token).not.toBe(page.store.token)
  expect([ids(page), ids(duplicate)]).toEqual([
    [1, 2],
    [1, 2],
  ])
})

test('P7: of a tab that was left and duplicated meanwhile, the one that comes back second gets its own when it is loaded anew', async () => {
  const first = await open()
  await add(first, row(1))
  first.tab.leave()
  unregisterStore(getStore(first.store.token)) // each page knows its own stores alone
  const second = await open(origin.openTab(first.tab.kept))
  await add(second, row(2))
  first.tab.comeBack()
  await expect.poll(() => [first.store.persist.status, ...ids(first)]).toEqual(['follower', 1, 2])
  const again = await open(first.tab.reload())
  expect([again.store.persist.status, ids(again)]).toEqual(['ready', [1, 2]])
  expect(again.store.token).not.toBe(second.store.token)
  await add(again, row(3))
  await add(second, row(4))
  expect([ids(again), ids(second)]).toEqual([
    [1, 2, 3],
    [1, 2, 4],
  ])
})

test('P7: without Web Locks, too, a duplicate is noticed', async () => {
  origin.hasLocks = false
  const first = await open()
  await add(first, row(1))
  const page = await open(origin.openTab(first.tab.kept))
  await add(page, row(2))
  await add(first, row(3))
  expect([ids(page), ids(first)]).toEqual([
    [1, 2],
    [1, 3],
  ])
  expect(page.store.token).not.toBe(first.store.token)
})

test('P7: copies of tabs long gone are deleted; a tab that is open keeps its own, however old', async () => {
  const open1 = await open()
  await add(open1, row(1))
  const gone = await open()
  await add(gone, row(2))
  await gone.store.dispose()
  await expect.poll(() => storage.records.has(`shared/tab/${gone.store.token}/used`)).toBe(true)
  origin.now += KEPT_MS
  await (await open()).store.dispose()
  expect(stored()).toContain(gone.store.token)
  origin.now += 1
  const last = await open()
  await expect.poll(() => [...stored()]).not.toContain(gone.store.token)
  await last.store.dispose()
  expect(storage.deletes.flat().filter((key) => key.includes(open1.store.token))).toEqual([])
  await add(open1, row(3))
  expect([ids(open1), open1.errors, last.errors]).toEqual([[1, 3], [], []])
})

test('P7: of very many copies the oldest are deleted', async () => {
  for (let i = 0; i < KEPT_COUNT + 5; i++) {
    storage.records.set(`shared/tab/tab${i}/meta`, 'of that tab')
    storage.records.set(`shared/tab/tab${i}/used`, origin.now - 1_000 * i)
  }
  storage.records.set('shared/tab/unknown/meta', 'of one that never said when')
  storage.records.set('other/tab/tab99/meta', 'of somebody else')
  await open()
  await expect.poll(() => [...stored()].filter((token) => /^tab\d/.test(token)).length).toBe(KEPT_COUNT + 1)
  expect(stored()).toContain('tab0')
  expect(stored()).not.toContain(`tab${KEPT_COUNT}`)
  expect(storage.records.get('shared/tab/unknown/used')).toBe(origin.now)
  expect(storage.records.has('other/tab/tab99/meta')).toBe(true)
})

test('P7: without sessionStorage it works for as long as the page does, and says so once', async () => {
  const tab = origin.openTab()
  tab.denial = new DOMException('denied', 'SecurityError')
  const page = await open(tab)
  await add(page, row(1))
  tab.leave()
  tab.comeBack()
  expect(ids(page)).toEqual([1])
  expect(page.errors).toEqual([expect.objectContaining({ reason: 'unavailable', cause: tab.denial })])
})

test('P7: what stands in sessionStorage by mistake is no token', async () => {
  for (const text of ['', 'null', '{', '{"token":1}', '{"token":"a","from":3}']) {
    const page = await open(origin.openTab(new Map([['leasehold/shared', text]])))
    expect(page.store.token).toMatch(/^[0-9a-f-]{32,}$/)
    expect(page.errors).toEqual([])
  }
})

test('P7: clear deletes the copy of this tab alone', async () => {
  const [one, other] = [await open(), await open()]
  await add(one, row(1))
  await add(other, row(2))
  await one.store.persist.clear()
  expect([...stored()]).toEqual([other.store.token])
})
