import { serveTasks } from 'leasehold/worker'
import { counterState } from './counter.js'

const counterTasks = serveTasks(counterState, {
  async countUp(task) {
    const alone = await task.lease((state) => {
      if (state._nTasks > 0) return false // only one at a time
      state._nTasks += 1
      return true
    })
    if (!alone) return
    try {
      while (true) {
        const goOn = await task.lease((state) => {
          if (state.counter >= state.maxCounter) state.running = false
          if (state.running) state.counter += 1
          return state.running
        })
        if (!goOn) return
        await task.sleep(500) // outside the lease: nobody waits for it
      }
    } finally {
      await task.lease(
        (state) => {
          state._nTasks -= 1
        },
        { cleanup: true }, // also after cancel()
      )
    }
  },
})
export type CounterTasks = typeof counterTasks
export default counterTasks
