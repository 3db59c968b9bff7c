import { describe, expect, test } from 'vitest'
import { brokenStorages, greedyStorage, jsonStorage } from './fixtures/broken-storages.js'
import { memoryStorage } from './memory-storage.js'
import { storageConformance } from './storage-conformance.js'
import { valueKinds } from './value-kinds.js'

describe('memoryStorage', () => {
  test.each(storageConformance(() => memoryStorage()))('$name', ({ run }) => run())
})

/* Each check of the suite fails on a storage that is wrong in what it checks. */
describe('the suite', () => {
  const nameOf = ({ name }: { readonly name: string }) => name
  const plain = storageConformance(greedyStorage, { keeps: [] }).filter(({ name }) => !/of the kind/.test(name))

  test('has a broken storage for each of its checks', () => {
    expect(Object.keys(brokenStorages)).toEqual(plain.map(nameOf))
  })

  test.each(
    Object.entries(brokenStorages).flatMap(([name, makes]) => makes.map((make, i) => [name, i, make] as const)),
  )('finds what does not hold: %s (%i)', async (name, _, make) => {
    const check = storageConformance(make).find((one) => one.name === name)
    await expect(check?.run()).rejects.toThrow(Error)
  })

  test.each(valueKinds)('finds a storage that changes values of the kind "%s"', async (kind) => {
    const check = storageConformance(jsonStorage).find(({ name }) => name === `keeps values of the kind "${kind}"`)
    await expect(check?.run()).rejects.toThrow(Error)
  })

  test.each(valueKinds)(
    'finds a storage that takes values of the kind "%s", though it does not keep them',
    async (kind) => {
      const keeps = valueKinds.filter((other) => other !== kind)
      const found = storageConformance(greedyStorage, { keeps }).filter(({ name }) => /^refuses values/.test(name))
      expect(found).toHaveLength(1)
      await expect(found[0]?.run()).rejects.toThrow(`A write of a value of the kind "${kind}" was not refused.`)
    },
  )

  test('says what was read instead', async () => {
    const check = storageConformance(jsonStorage).find(({ name }) => /"undefined"/.test(name))
    await expect(check?.run()).rejects.toThrow(
      'What was read under "inner", "outer": [0].in[0] has nothing under "field".',
    )
  })

  test('closes the storage that it made, when a check has failed too', async () => {
    let closed = 0
    const make = () => ({ ...greedyStorage(), keys: async () => ['wrong'], close: () => void closed++ })
    await expect(storageConformance(make)[0]?.run()).rejects.toThrow('keys("") gave ["wrong"], not [].')
    expect(closed).toBe(1)
  })
})
