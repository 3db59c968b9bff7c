/*
 * The outcome of a run, an event or a page lease: a promise that is made when it is read.
 *
 * - An error is reported once: to whoever has read the promise by the end of the macrotask after the failure, else by
 *   `report`. It never becomes an unhandled rejection.
 * - A quiet error (a cancellation) that nobody awaits is not reported.
 * - It settles once; what comes later is ignored.
 */

import type { ErrorContext } from './core.js'

// Taken when the module loads, so that fake timers installed by a test do not hold a report back.
const later = globalThis.setTimeout

/** A value or an error to come, for which somebody is answerable. */
export class Outcome<T> implements PromiseLike<T> {
  readonly #report: (error: unknown, context: ErrorContext) => void
  readonly #context: ErrorContext
  /** Undefined until it is settled. */
  #isResolved: boolean | undefined
  /** The value, or the error. */
  #settled: unknown
  #promise: Promise<T> | undefined
  #pass: (() => void) | undefined

  /**
   * @param report takes an error that nobody has subscribed to in time
   * @param context what has failed then
   */
  constructor(report: (error: unknown, context: ErrorContext) => void, context: ErrorContext) {
    this.#report = report
    this.#context = context
  }

  get isSettled(): boolean {
    return this.#isResolved !== undefined
  }

  resolve(value: T): void {
    this.#settle(true, value)
  }

  /** @param options `quiet`: not worth a report if nobody awaits it */
  reject(error: unknown, options: { readonly quiet?: boolean } = {}): void {
    if (this.isSettled) return
    this.#settle(false, error)
    if (this.#promise !== undefined || options.quiet === true) return
    // Two turns: the first is the macrotask after the failure, the second finds it ended.
    later(() => {
      later(() => {
        if (this.#promise === undefined) this.#report(error, this.#context)
      }, 0)
    }, 0)
  }

  /** The promise. Reading it takes over the error: it is not reported any more. */
  get promise(): Promise<T> {
    if (this.#promise === undefined) {
      this.#promise = new Promise<T>((resolve, reject) => {
        // What has resolved it is a value of its type.
        this.#pass = () => (this.#isResolved ? resolve(this.#settled as T) : reject(this.#settled))
        if (this.isSettled) this.#pass()
      })
      this.#promise.catch(() => {}) // read but not awaited is no unhandled rejection; a promise derived from it is
    }
    return this.#promise
  }

  // biome-ignore lint/suspicious/noThenProperty: an outcome is awaited as it stands
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.promise.then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.promise.catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.promise.finally(onFinally)
  }

  #settle(isResolved: boolean, settled: unknown): void {
    if (this.isSettled) return
    this.#isResolved = isResolved
    this.#settled = settled
    this.#pass?.()
  }
}
