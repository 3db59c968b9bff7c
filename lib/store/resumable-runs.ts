import { withPlain } from './task-arguments.js'

/** A run as it is kept beyond the page, to be started again if the page goes before it ends. */
export interface KeptRun {
  readonly name: string
  readonly args: readonly unknown[]
  /** How often it was started. */
  readonly attempt: number
}

/** One that is under way. */
interface ResumableRun extends KeptRun {
  cancel(reason: Error): void
}

/** The runs of tasks with `resume` that have not ended, in the order of their start. */
export class ResumableRuns {
  readonly #runs = new Map<ResumableRun, KeptRun>()
  #changed: (() => void) | undefined

  get all(): readonly KeptRun[] {
    return [...this.#runs.values()]
  }

  /** From now on runs are kept; `changed` is called with each that comes or goes. */
  watch(changed: () => void): void {
    this.#changed = changed
  }

  /**
   * Keeps a run, if anybody wants that: its arguments as they are now, before anything in them is transferred.
   * @throws NotCloneableError that names the task
   */
  keep(run: ResumableRun): void {
    if (this.#changed === undefined || this.#runs.has(run)) return
    const { name, attempt } = run
    this.#runs.set(run, { name, attempt, args: withPlain(name, run.args, (plain) => structuredClone(plain)) })
    this.#changed()
  }

  ended(run: ResumableRun): void {
    if (this.#runs.delete(run)) this.#changed?.()
  }

  /** Those go on elsewhere: they are cancelled here, and kept no more. */
  leave(those: readonly KeptRun[], reason: Error): void {
    for (const [run, kept] of [...this.#runs]) {
      if (!those.includes(kept)) continue
      this.#runs.delete(run)
      run.cancel(reason)
    }
  }
}
