// @vitest-environment jsdom
import { StorageError } from 'leasehold'
import { storageConformance } from 'leasehold/testing'
import { beforeEach, expect, test } from 'vitest'
import { localStateStorage } from './local-storage'

beforeEach(() => localStorage.clear())

const checks = storageConformance(() => localStateStorage('test'), {
  keeps: ['plain', 'surrogate', 'undefined', 'numbers', 'bigint', 'date', 'map', 'set'],
})
test.each(checks)('$name', ({ run }) => run())

test('P5: without space left it says so, and what is stored stays', async () => {
  const storage = localStateStorage('test')
  await storage.write({ set: [['a', 'old']], delete: [] })
  const write = storage.write({ set: [['a', 'x'.repeat(10_000_000)]], delete: [] })
  await expect(write).rejects.toThrow(StorageError)
  await expect(write).rejects.toMatchObject({ reason: 'quota', cause: { name: 'QuotaExceededError' } })
  expect(await localStateStorage('test').read(['a'])).toEqual(['old'])
})
