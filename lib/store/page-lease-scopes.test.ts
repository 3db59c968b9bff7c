import { reaction, when } from 'mobx'
import { afterEach, describe, expect, test } from 'vitest'
import { createStore, defineEvent, defineState, toPlain } from '../index.js'
import { holdLease } from '../testing/index.js'

const state = defineState('page', () => ({
  counter: 0,
  text: '',
  rows: [1, 2, 3],
  log: [] as string[],
  get double() {
    return this.counter * 2
  },
}))

const stores: { dispose(): Promise<void> }[] = []
const reactions: (() => void)[] = []
afterEach(async () => {
  for (const stop of reactions.splice(0)) stop()
  for (const store of stores.splice(0)) await store.dispose()
})

function create() {
  const reported: unknown[] = []
  const store = createStore(state, {
    onError: (error) => reported.push(error),
    events: {
      log(draft, text: unknown) {
        draft.log.push(String(text))
      },
      sort: defineEvent({ scope: ['rows'] }, (draft) => {
        draft.rows.reverse()
      }),
      *steps(draft, fail: boolean) {
        draft.counter = 1
        yield
        draft.counter = 2
        if (fail) throw new RangeError('after the yield')
      },
    },
  })
  stores.push(store)
  return { store, reported }
}

describe('page leases of some fields', () => {
  test('L15: others go on beside them; their draft has no other fields, to read, to write or to copy', async () => {
    const { store } = create()
    let letGo = (): void => {}
    const gate = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const seen: unknown[] = []
    const lease = store.lease(
      async (draft) => {
        const whole = draft as unknown as { text: string; double: number }
        seen.push(toPlain(draft), JSON.parse(JSON.stringify({ ...draft })))
        for (const use of [() => whole.text, () => whole.double, () => (whole.text = 'x')]) {
          try {
            seen.push(use())
          } catch (error) {
            seen.push((error as { code?: string }).code)
          }
        }
        draft.rows.push(4)
        await gate
        draft.counter = 1
      },
      { scope: ['rows', 'counter'], name: 'some' },
    )
    await when(() => store.line.holders.length === 1)
    expect(store.line.holders[0]).toMatchObject({ name: 'some', kind: 'page', scope: ['rows', 'counter'] })
    expect(store.set.text('beside').ran).toBe(true)
    const behind = store.events.sort()
    expect(behind.ran).toBe(false)
    letGo()
    await lease
    await behind
    expect(seen).toEqual([
      { counter: 0, rows: [1, 2, 3] },
      { counter: 0, rows: [1, 2, 3] },
      'OUT_OF_SCOPE',
      0,
      'OUT_OF_SCOPE',
    ])
    expect(store.snapshot()).toMatchObject({ counter: 1, text: 'beside', rows: [4, 3, 2, 1] })
  })

  test('L11 L15: ifAvailable asks for the scope; what is no scope is a TypeError', async () => {
    const { store } = create()
    const held = store.lease(() => when(() => store.state.text === 'go'), { scope: ['rows'] })
    const ask = (scope: readonly ('rows' | 'counter')[]) =>
      store.lease((draft) => (draft === null ? 'busy' : 'held'), { scope, ifAvailable: true })
    expect([await ask(['rows']), await ask(['counter'])]).toEqual(['busy', 'held'])
    for (const scope of [[], ['nope'], ['double'], [1]]) {
      expect(() => store.lease(() => {}, { scope: scope as never })).toThrow(TypeError)
    }
    store.set.text('go')
    await held
  })

  test('L15: an event with a wrong scope or ttl is a TypeError that names it, when the store is made', () => {
    for (const scope of [[], ['nope'], ['double']]) {
      const events = { wrong: defineEvent({ scope } as object, () => {}) }
      expect(() => createStore(state, { events })).toThrow(/the event "wrong".*scope/)
    }
    for (const ttl of [0, -1, Number.NaN]) expect(() => defineEvent({ ttl }, () => {})).toThrow(/ttl/)
    expect(() => defineEvent({}, 1 as never)).toThrow(TypeError)
  })

  test('L16: an urgent event waits for one, and runs ahead of the leases behind it', async () => {
    const { store } = create()
    const held = await holdLease(store)
    const order: string[] = []
    const second = store.lease(() => void order.push('lease'))
    const set = store.set.text('x').finally(() => order.push('set'))
    expect(store.line.waiting.map(({ name }) => name)).toEqual(['set.text', 'lease'])
    await held.release()
    await Promise.all([second, set])
    expect(order.sort()).toEqual(['lease', 'set'])
  })
})

describe('the flush of a page lease', () => {
  test('L13: in its synchronous part: what reactions fire is no part of the lease, and runs after it', async () => {
    const { store, reported } = create()
    reactions.push(
      reaction(
        () => store.state.counter,
        (counter) => void store.events.log(`counter ${counter}`),
      ),
    )
    await store.lease((draft, lease) => {
      draft.counter = 1
      void lease.flush()
      expect(store.state.counter).toBe(1)
      expect(() => store.events.log('inside')).toThrow(/inside the lease/)
      draft.counter = 2
    })
    expect(store.state.log).toEqual(['counter 1', 'counter 2'])
    expect(reported).toEqual([])
  })

  test('L13: an error after it, or after a yield, takes back only what came after', async () => {
    const { store } = create()
    const failing = store.lease(async (draft, lease) => {
      draft.counter = 1
      await lease.flush()
      draft.counter = 2
      throw new RangeError('after the flush')
    })
    await expect(failing).rejects.toThrow('after the flush')
    expect(store.state.counter).toBe(1)
    await store.reset()
    await expect(store.events.steps(true)).rejects.toThrow('after the yield')
    expect(store.state.counter).toBe(1)
  })

  test('L13 G5: after the end of the lease it throws', async () => {
    const { store } = create()
    let late: (() => Promise<void>) | undefined
    await store.lease((_draft, lease) => {
      late = lease.flush
    })
    await expect(late?.()).rejects.toMatchObject({ code: 'LEASE_RELEASED' })
  })
})

describe('what leaves with a page lease', () => {
  test('T18: in the order of the calls, with the commit or flush it belongs to; none if it rolls back', async () => {
    const { store, reported } = create()
    const failing = store.lease(async (draft, lease) => {
      lease.emit.log('first')
      lease.emit.log(draft.rows)
      await lease.flush()
      lease.emit.log('rolled back')
      throw new RangeError('fails')
    })
    await expect(failing).rejects.toThrow('fails')
    await store.lease((_draft, lease) => {
      lease.emit.log('second')
      ;(lease.emit as unknown as { nope(): void }).nope()
      lease.emit.log('third')
    })
    expect(store.state.log).toEqual(['first', '1,2,3', 'second', 'third'])
    expect(reported.map(String)).toEqual([expect.stringMatching(/TypeError.*"nope"/)])
  })

  test('T15 T18: of a lease whose commit makes a reaction dispose of the store it is dropped without a report', async () => {
    const { store, reported } = create()
    reactions.push(
      reaction(
        () => store.state.counter,
        () => void store.dispose(),
      ),
    )
    await store.lease((draft, lease) => {
      draft.counter = 1
      lease.emit.log('never')
    })
    await new Promise((resolve) => setTimeout(resolve, 5)) // a report comes two turns later
    expect(store.snapshot()).toMatchObject({ counter: 1, log: [] })
    expect(reported).toEqual([])
  })
})
