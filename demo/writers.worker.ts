import { serveTasks } from 'leasehold/worker'
import { writersState } from './writers.js'

/** How long each lease is held: long enough to be met by a key press. */
const HOLD_MS = 150
const PAUSE_MS = 30

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const writerTasks = serveTasks(writersState, {
  /** Writes until it is stopped. Says how many leases it has had, and how often one was taken back from it. */
  async write(task, onlyWhatItWrites: boolean) {
    let leases = 0
    let calls = 0
    while (true) {
      const scope = onlyWhatItWrites ? (['written'] as const) : (['written', 'note'] as const)
      await task.lease(
        async (state) => {
          calls += 1 // outside of the state, to count how often the function runs
          await wait(HOLD_MS)
          state.written += 1
        },
        { scope },
      )
      leases += 1
      task.progress(leases, undefined, `${calls - leases} taken back`)
      await task.sleep(PAUSE_MS)
    }
  },

  /** Ends this worker, as a crash would. */
  async crash() {
    close()
  },
})
export type WriterTasks = typeof writerTasks
export default writerTasks
