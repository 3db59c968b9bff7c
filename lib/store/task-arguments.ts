import { toNotCloneable } from '../protocol/not-cloneable.js'
import { detachMarked, transferablesOf } from '../protocol/transfer.js'

/**
 * Gives `use` the arguments of a task and, if they are refused, the same with plain data in the place of parts of
 * `store.state`, of drafts and of snapshots. What is to be transferred stays marked.
 * @throws NotCloneableError that names the task and the place, if they are refused again
 */
export function withPlain<R>(task: string, args: readonly unknown[], use: (plain: readonly unknown[]) => R): R {
  try {
    return use(args)
  } catch {
    const plain = detachMarked(args)
    try {
      return use(plain)
    } catch (cause) {
      throw toNotCloneable({ args: plain }, `the start of task "${task}"`, cause, transferablesOf(plain))
    }
  }
}
