/*
 * The outcome of a run, an event or a page lease: a promise that is made when it is read.
 *
 * - An error is reported once: to whoever has read the promise by the end of the macrotask after the failure, else by
 *   `report`. It never becomes an unhandled rejection.
 * - A quiet error (a cancellation) that nobody awaits is not reported.
 * - It settles once; what comes later is ignored.
 */

// Taken when the module loads, so that fake timers installed by a test do not hold a report back.
const later = globalThis.setTimeout

type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }

/** A value or an error to come, for which somebody is answerable. */
export class Outcome<T> implements PromiseLike<T> {
  readonly #report: (error: unknown) => void
  #settled: Settled<T> | undefined
  #promise: Promise<T> | undefined
  #pass: ((settled: Settled<T>) => void) | undefined

  /** @param report takes an error that nobody has subscribed to in time */
  constructor(report: (error: unknown) => void) {
    this.#report = report
  }

  get isSettled(): boolean {
    return this.#settled !== undefined
  }

  resolve(value: T): void {
    this.#settle({ ok: true, value })
  }

  /** @param options `quiet`: not worth a report if nobody awaits it */
  reject(error: unknown, options: { readonly quiet?: boolean } = {}): void {
    if (this.#settled !== undefined) return
    this.#settle({ ok: false, error })
    if (this.#promise !== undefined || options.quiet === true) return
    // Two turns: the first is the macrotask after the failure, the second finds it ended.
    later(() => {
      later(() => {
        if (this.#promise === undefined) this.#report(error)
      }, 0)
    }, 0)
  }

  /** The promise. Reading it takes over the error: it is not reported any more. */
  get promise(): Promise<T> {
    if (this.#promise === undefined) {
      this.#promise = new Promise<T>((resolve, reject) => {
        this.#pass = (settled) => (settled.ok ? resolve(settled.value) : reject(settled.error))
        if (this.#settled !== undefined) this.#pass(this.#settled)
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

  #settle(settled: Settled<T>): void {
    if (this.#settled !== undefined) return
    this.#settled = settled
    this.#pass?.(settled)
  }
}
