/*
 * `useTask`: a background task from a component.
 *
 * - `start` and `cancel` are the same functions over all renders.
 * - What is shown belongs to the run that was started last.
 * - With `cancelOnUnmount` no run that the component started outlives it.
 */

import { useEffect, useMemo, useRef, useState } from 'react'
import type { TaskProgress, TaskRun, TaskStatus } from '../store/task-run.js'
import { useValue } from './use-value.js'

/** Options of {@link useTask}. */
export interface UseTaskOptions {
  /** Cancels what this component has started and what still runs, when it unmounts. @default false */
  readonly cancelOnUnmount?: boolean
}

/** A task, as a component sees it. */
export interface UseTaskResult<Args extends readonly unknown[], R> {
  /** Starts the task; always the same function. */
  readonly start: (...args: Args) => TaskRun<R>
  /** Cancels the run that was started last, if it still runs; always the same function. */
  readonly cancel: (reason?: unknown) => void
  /** The run that was started last. */
  readonly run: TaskRun<R> | undefined
  /** Its status; `'idle'` before the first start. */
  readonly status: TaskStatus | 'idle'
  readonly progress: TaskProgress | undefined
  /** What it failed with. The store's `onError` gets it too, unless you await `run.done`. */
  readonly error: unknown
}

/**
 * Starts a background task from a component, and shows how it goes.
 *
 * @param starter `store.tasks.NAME`; `store.tasks.with({ signal }).NAME` works too
 * @param options `cancelOnUnmount`: a task outlives the component otherwise
 * @example
 * function Import() {
 *   const { start, cancel, status, progress } = useTask(store.tasks.importCsv, { cancelOnUnmount: true })
 *   if (status === 'running') return <button onClick={() => cancel()}>Stop at {progress?.value}</button>
 *   return <button onClick={() => start('/rows.csv')}>Import</button>
 * }
 */
export function useTask<Args extends readonly unknown[], R>(
  starter: (...args: Args) => TaskRun<R>,
  options: UseTaskOptions = {},
): UseTaskResult<Args, R> {
  const { cancelOnUnmount = false } = options
  const [run, setRun] = useState<TaskRun<R>>()
  const latest = useRef({ starter, cancelOnUnmount })
  useEffect(() => {
    latest.current = { starter, cancelOnUnmount }
  }, [starter, cancelOnUnmount])

  const [actions] = useState(() => {
    const started = new Set<TaskRun<R>>()
    let last: TaskRun<R> | undefined
    let gone = false
    return {
      mount: (): void => {
        gone = false
      },
      start: (...args: Args): TaskRun<R> => {
        for (const run of started) if (run.endedAt !== undefined) started.delete(run)
        last = latest.current.starter(...args)
        started.add(last)
        if (gone && latest.current.cancelOnUnmount) last.cancel()
        setRun(last)
        return last
      },
      cancel: (reason?: unknown): void => last?.cancel(reason),
      unmount: (): void => {
        gone = true
        if (!latest.current.cancelOnUnmount) return
        for (const run of started) run.cancel()
        started.clear()
      },
    }
  })
  useEffect(() => {
    actions.mount()
    return actions.unmount
  }, [actions])

  const status = useValue(() => run?.status ?? 'idle')
  const progress = useValue(() => run?.progress)
  const error = useValue(() => run?.error)
  const { start, cancel } = actions
  return useMemo(() => ({ start, cancel, run, status, progress, error }), [start, cancel, run, status, progress, error])
}
