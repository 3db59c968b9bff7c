import { expect, test } from 'vitest'
import type { StateOf } from '../state/define-state.js'
import { createInitialState, defineState, shapeOf } from '../state/define-state.js'
import { createDraft } from '../state/draft.js'
import { show } from '../state/fixtures/random-values.js'
import { StateTree } from '../state/tree.js'
import { copyIn } from '../state/values.js'
import { Chance } from '../store/fixtures/chance.js'
import type { PersistHost } from '../store/persistence.js'
import { Batch } from './batch.js'
import { Fields } from './fields.js'
import { TestStorage } from './fixtures/test-storage.js'
import { Keys } from './records.js'
import { readStored } from './stored-state.js'

/*
 * What is known of the segments is followed from mutations alone. Here it is compared with the state after each write, by
 * reading everything again; and each write with what it may hold.
 */

const definition = defineState('large', () => ({
  list: [] as unknown[],
  map: new Map<unknown, unknown>(),
  record: {} as Record<string, unknown>,
  set: new Set<unknown>(),
}))
type State = StateOf<typeof definition>
const paths = [['list'], ['map'], ['record'], ['set']]
const keys = new Keys('large')

class Pair {
  readonly tree = new StateTree(shapeOf(definition), createInitialState(definition))
  readonly storage = new TestStorage()
  fields = new Fields(paths)

  constructor() {
    for (const field of this.fields.all) field.replaced()
  }

  commit(recipe: (state: State) => void): void {
    const draft = createDraft(this.tree.shape, this.tree.root)
    recipe(draft.state as State)
    const mutations = draft.changes()
    this.tree.apply(mutations)
    this.fields.follow(mutations)
  }

  /** Stores what is dirty; the keys that were written. */
  async write(): Promise<string[]> {
    const batch = new Batch()
    batch.take(this.fields.dirty, this.tree.root, () => false)
    const written = [...batch.set.keys()]
    expect(written.filter((key) => batch.gone.has(key))).toEqual([])
    const prefix = keys.base(0)
    const set = [...batch.set].map(([key, value]): [string, unknown] => [prefix + key, structuredClone(value)])
    set.push([keys.meta, { format: 1, version: 0, generation: 'x', base: 0, fields: this.fields.keys }])
    await this.storage.write({ set, delete: [...batch.gone].map((key) => prefix + key) })
    return written
  }

  read() {
    const host = { copyIn, clock: { turn: (run: () => void) => run() } } as Partial<PersistHost> as PersistHost
    const { storage } = this
    const options = { host, storage, name: 'large', keys, paths, version: 0, migrate: undefined, merge: undefined }
    return readStored(options, {})
  }

  /** What is stored is the state, and nothing else is; goes on with what was read. */
  async check(): Promise<void> {
    const { fields, values } = await this.read()
    expect(show(values)).toBe(show(this.tree.root))
    const known = new Set([keys.meta])
    for (const [key, record] of this.storage.records) {
      if (!/\/field\/\w+$/.test(key)) continue
      known.add(key)
      for (const id of (record as { ids?: number[] }).ids ?? []) known.add(`${key}/${id}`)
    }
    expect([...this.storage.records.keys()].sort()).toEqual([...known].sort())
    this.fields = fields
  }
}

const row = (id: number) => ({ id, tags: ['a'] })

/** A random change of one of the four containers. */
function change(state: State, chance: Chance): void {
  const many = chance.hit(0.1) ? chance.below(1_500) : chance.below(4)
  const values = Array.from({ length: many }, (_, i) => (chance.hit(0.1) ? [] : row(i)))
  const { list, map, record, set } = state
  const at = chance.below(list.length + 1)
  const keyOf = (): unknown =>
    chance.pick<unknown>([chance.below(2_000), `k${chance.below(2_000)}`, Number.NaN, 0, -0, null])
  switch (chance.below(18)) {
    case 0:
      list.push(...values)
      return
    case 1:
      list.splice(at, chance.hit(0.2) ? chance.below(800) : chance.below(5), ...values)
      return
    case 2:
      if (at < list.length) list[at] = row(-1)
      return
    case 3: {
      const element = list[at] as { tags?: string[] } | undefined
      element?.tags?.push('b')
      return
    }
    case 4:
      list.unshift(...values)
      return
    case 5: {
      const [taken] = list.splice(at, 1)
      list.splice(chance.below(list.length + 1), 0, taken)
      return
    }
    case 6:
      if (chance.hit(0.2)) list.reverse()
      return
    case 7: {
      const kept = chance.below(7) + 2
      state.list = list.filter((_, i) => i % kept !== 0)
      return
    }
    case 8:
      if (chance.hit(0.3)) state.list = values
      return
    case 9:
      for (const value of values) map.set(keyOf(), value)
      return
    case 10:
      for (let i = 0; i < 40; i++) map.delete(keyOf())
      return
    case 11:
      if (chance.hit(0.1)) map.clear()
      else for (const key of [...map.keys()].slice(0, many)) map.delete(key)
      return
    case 12:
      for (let i = 0; i < many; i++)
        record[chance.hit(0.5) ? `k${chance.below(3_000)}` : String(chance.below(3_000))] = i
      return
    case 13:
      for (const key of Object.keys(record).slice(0, many)) delete record[key]
      return
    case 14:
      for (let i = 0; i < many; i++) set.add(keyOf())
      if (chance.hit(0.05)) set.clear()
      return
    case 15:
      list.length = Math.max(0, list.length - chance.below(300))
      return
    case 16:
      if (list.length > 0) list[list.length - 1 - chance.below(Math.min(3, list.length))] = row(-2)
      return
    default:
      for (const member of [...set].slice(0, many)) set.delete(member)
  }
}

test('P8: random changes of large containers: what is stored is the state, and nothing is left over', {
  timeout: 60_000,
}, async () => {
  for (let seed = 0; seed < 4; seed++) {
    const chance = new Chance(seed)
    const pair = new Pair()
    pair.commit((state) => {
      for (let i = 0; i < 1_400; i++) {
        state.list.push(row(i))
        state.map.set(i, row(i))
        state.record[`k${i}`] = i
        state.set.add(i)
      }
    })
    for (let round = 0; round < 40; round++) {
      pair.commit((state) => {
        for (let i = chance.below(4); i >= 0; i--) change(state, chance)
      })
      if (chance.hit(0.5)) continue
      await pair.write()
      if (chance.hit(0.5)) await pair.check()
    }
    await pair.write()
    await pair.check()
  }
})

test('P8: a change writes the segments that it touches, wherever it is', async () => {
  const pair = new Pair()
  pair.commit((state) => {
    for (let i = 0; i < 20_000; i++) {
      state.list.push(row(i))
      state.map.set(i, row(i))
    }
  })
  await pair.write()
  const written = async (recipe: (state: State) => void) => {
    pair.commit(recipe)
    return (await pair.write()).length
  }
  const segment = 1
  const directory = 1
  expect(await written(({ list }) => void Object.assign(list[9_999] as object, { id: 1 }))).toBe(segment)
  expect(await written(({ list }) => void list.splice(3, 1))).toBe(segment + directory)
  expect(await written(({ list }) => void list.splice(10_000, 0, row(1)))).toBe(segment + directory)
  expect(await written(({ list }) => void list.push(row(1)))).toBe(segment + directory)
  expect(await written(({ list }) => void list.splice(100, 0, ...list.splice(15_000, 1)))).toBe(2 * segment + directory)
  expect(await written(({ list }) => void list.splice(1_000, 2_560))).toBeLessThan(4)
  expect(await written(({ map }) => void map.set(77, row(1)))).toBe(segment)
  expect(await written(({ map }) => void map.delete(88))).toBe(segment + directory)
  expect(await written(({ map }) => void map.set('new', row(1)))).toBe(segment + directory)
  await pair.check()
})

test('P8: rows that come one by one are written a segment at a time', async () => {
  const pair = new Pair()
  pair.commit((state) => {
    for (let i = 0; i < 1_500; i++) state.list.push(row(i))
  })
  await pair.write()
  for (let i = 0; i < 700; i++) {
    pair.commit(({ list }) => void list.push(row(i)))
    const [first, ...others] = (await pair.write()).sort()
    expect([first, others.length]).toEqual(['field/list', 1])
  }
  await pair.check()
})

test('P8: a field that shrinks is one record again, and one that wavers stays in segments', async () => {
  const pair = new Pair()
  pair.commit((state) => {
    for (let i = 0; i < 1_001; i++) state.list.push(i)
  })
  await pair.write()
  pair.commit(({ list }) => void list.splice(0, 400))
  expect((await pair.write()).length).toBeLessThan(4)
  pair.commit(({ list }) => void list.splice(0, 200))
  expect(await pair.write()).toEqual(['field/list'])
  await pair.check()
  expect(pair.storage.records.size).toBe(5)
})
