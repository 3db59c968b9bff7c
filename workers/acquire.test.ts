import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { expectConsole } from '../scripts/test-setup.ts'

/*
 * `acquire` in a browser that has no `Symbol.asyncDispose`. The one that the tests run in may have it for good: the library is
 * loaded once more, beside a `Symbol` that lacks it.
 */

const platformSymbol = Symbol

/** A global `Symbol` like the platform's, but for `dispose` and `asyncDispose`. */
function withoutDisposal(): SymbolConstructor {
  const older = ((description?: string) => platformSymbol(description)) as unknown as SymbolConstructor
  const own = Object.getOwnPropertyDescriptors(platformSymbol) as Record<string, PropertyDescriptor>
  for (const [name, property] of Object.entries(own)) {
    if (!['name', 'length', 'dispose', 'asyncDispose'].includes(name)) Object.defineProperty(older, name, property)
  }
  return older
}

beforeEach(() => {
  vi.resetModules()
  vi.stubGlobal('Symbol', withoutDisposal())
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

/** A store whose tasks acquire leases, all of it loaded without the symbol. */
async function create() {
  const [{ createStore, defineState }, { serveTasks }, { inlineTasks }] = await Promise.all([
    import('leasehold'),
    import('leasehold/worker'),
    import('leasehold/testing'),
  ])
  const state = defineState('counter', () => ({ counter: 0 }))
  const tasks = serveTasks(state, {
    async acquire(task, how: 'commit' | 'rollback' | 'throw') {
      const lease = await task.acquire({ name: how })
      try {
        lease.state.counter += 1
        if (how === 'throw') throw new RangeError('between them')
        if (how === 'commit') await lease.commit()
      } finally {
        await lease.rollback() // without effect after a commit
      }
      return how
    },
    async forget(task) {
      const lease = await task.acquire({ name: 'forgotten' })
      lease.state.counter = 99
    },
    /** What compilers make of `await using`, in the place of the symbol that is missing. */
    async dispose(task) {
      const lease = await task.acquire({ name: 'disposed of' })
      lease.state.counter = 99
      const { [Symbol.for('Symbol.asyncDispose')]: dispose } = lease as unknown as Record<symbol, () => Promise<void>>
      await dispose?.()
    },
  })
  return createStore(state, { tasks: inlineTasks(tasks), events: {} })
}

describe('L12: where Symbol.asyncDispose is missing', () => {
  test('commit() commits and rollback() rolls back, in try and finally', async () => {
    expect(Symbol.asyncDispose).toBeUndefined()
    const store = await create()
    expect(await store.tasks.acquire('commit').done).toBe('commit')
    expect([store.state.counter, store.version]).toEqual([1, 1])
    expect(await store.tasks.acquire('rollback').done).toBe('rollback')
    await expect(store.tasks.acquire('throw').done).rejects.toThrow('between them')
    expect([store.state.counter, store.version]).toEqual([1, 1])
    expect(store.line.holder).toBeUndefined()
    expect(await store.tasks.acquire('commit').done).toBe('commit')
    expect(store.state.counter).toBe(2)
    await store.dispose()
  })

  test('a lease that its run forgets is rolled back, with the warning', async () => {
    expectConsole('warn', /"forgotten" was left without a commit: 1 mutation was dropped/)
    const store = await create()
    await store.tasks.forget().done
    expect([store.state.counter, store.line.holder]).toEqual([0, undefined])
    await store.dispose()
  })

  test('leases and stores have the key that compilers use in its place', async () => {
    expectConsole('warn', /"disposed of" was left without a commit: 1 mutation was dropped/)
    const store = await create()
    await store.tasks.dispose().done
    expect([store.state.counter, store.line.holder]).toEqual([0, undefined])
    const { [Symbol.for('Symbol.asyncDispose')]: dispose } = store as unknown as Record<symbol, () => Promise<void>>
    await dispose?.call(store)
    await expect(store.tasks.forget().done).rejects.toMatchObject({ code: 'STORE_DISPOSED' })
  })
})
