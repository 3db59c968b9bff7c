import { expect, test } from 'vitest'
import { StorageError } from '../errors.js'
import { memoryStorage } from './memory-storage.js'

const set = (key: string, value: unknown) => ({ set: [[key, value] as const], delete: [] })

test('shows what is stored, as a copy, and begins with what it is given', async () => {
  const given = { list: [1] }
  const storage = memoryStorage([['a', given]])
  given.list.push(2)
  await storage.write(set('b', new Map([['key', 'value']])))
  expect(storage.records).toEqual(
    new Map<string, unknown>([
      ['a', { list: [1] }],
      ['b', new Map([['key', 'value']])],
    ]),
  )
  storage.records.clear()
  expect(storage.records.size).toBe(2)
  expect(() => memoryStorage([['a', () => {}]])).toThrow(/could not be cloned/)
})

test('a value that cannot be cloned is a StorageError that names its key', async () => {
  const write = memoryStorage().write({
    set: [['fine', 1] as const, ['culprit', { in: () => {} }] as const],
    delete: [],
  })
  await expect(write).rejects.toMatchObject({ code: 'STORAGE', reason: 'value', cause: { name: 'DataCloneError' } })
  await expect(write).rejects.toThrow('The value under "culprit" cannot be cloned.')
})

test('P5: fails as it is told to, and works again', async () => {
  const storage = memoryStorage([['a', 1]])
  const calls: unknown[] = []
  const full = new StorageError('full', { reason: 'quota' })
  storage.fail = (call) => {
    calls.push(call)
    if (call.method === 'write') throw full
  }
  const write = () => storage.write({ set: [['a', 2] as const, ['b', 2] as const], delete: ['c'] })
  await expect(write()).rejects.toBe(full)
  expect(await storage.read(['a', 'b'])).toEqual([1, undefined])
  expect(await storage.keys('a')).toEqual(['a'])
  expect(calls).toEqual([
    { method: 'write', keys: ['a', 'b', 'c'] },
    { method: 'read', keys: ['a', 'b'] },
    { method: 'keys', keys: ['a'] },
  ])
  storage.fail = undefined
  await write()
  expect(await storage.read(['a', 'b'])).toEqual([2, 2])
})

test('P5: holds a call up, for as long as it is told to', async () => {
  const storage = memoryStorage()
  let goOn = () => {}
  storage.fail = () => new Promise<void>((resolve) => (goOn = resolve))
  let isStored = false
  const write = storage.write(set('a', 1)).then(() => {
    isStored = true
  })
  storage.fail = undefined
  expect(await storage.read(['a'])).toEqual([undefined]) // passes the one that is held up
  expect(isStored).toBe(false)
  goOn()
  await write
  expect(await storage.read(['a'])).toEqual([1])
})
