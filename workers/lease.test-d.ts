import { defineState } from '../lib/state/define-state.js'
import type { AcquiredLease } from './index.js'
import { serveTasks } from './index.js'

interface ListEvents {
  addRow(name: string): void
}
const listState = defineState('list', () => ({
  rows: [] as string[],
  text: '',
  counter: 0,
})).withEvents<ListEvents>()

const served = serveTasks(listState, {
  async scopes(task) {
    const length: number = await task.lease(
      (state, lease) => {
        state.rows.push('x')
        // @ts-expect-error outside the scope
        state.counter = 1
        lease.emit.addRow('x')
        // @ts-expect-error wrong argument
        lease.emit.addRow(1)
        // @ts-expect-error no such event
        lease.emit.nope()
        return state.text.length
      },
      { scope: ['rows', 'text'], revocable: false },
    )
    const ifFree: 'busy' | number = await task.lease((state) => (state === null ? 'busy' : state.counter), {
      scope: ['counter'],
      ifAvailable: true,
    })
    // @ts-expect-error with ifAvailable there may be no state
    await task.lease((state) => state.counter, { scope: ['counter'], ifAvailable: true })
    // @ts-expect-error no such field
    await task.lease(() => {}, { scope: ['nope'] })
    return length + Number(ifFree)
  },
  async stage(task) {
    const rows: string[] = await task.stage(['x'])
    const fixed: readonly string[] = await task.stage(['x'] as const)
    await task.lease((state) => {
      state.rows = rows
      // @ts-expect-error of another type than the field
      state.text = rows
      return fixed.length
    })
  },
  async acquire(task) {
    const whole = await task.acquire()
    whole.state.counter = 1
    whole.emit.addRow('x')
    await whole.flush()
    const scoped = await task.acquire({ scope: ['text'] })
    scoped.state.text = 'x'
    // @ts-expect-error outside the scope
    scoped.state.counter = 1
    const ifFree = await task.acquire({ ifAvailable: true })
    // @ts-expect-error there may be none
    ifFree.state.counter = 1
    const scopedIfFree = await task.acquire({ scope: ['counter'], ifAvailable: true })
    if (scopedIfFree !== null) scopedIfFree.state.counter = 1
    // @ts-expect-error the state of a lease is not replaced
    whole.state = { rows: [], text: '', counter: 0 }
    const counts: AcquiredLease<{ counter: number }> | null = scopedIfFree
    await counts?.rollback()
  },
})

export { served }
