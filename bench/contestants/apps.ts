/*
 * What a contestant can do, so that a case can be written once for all of them.
 */
import type { Operation, Row } from './rows.js'

/** An app whose worker makes and changes rows that a page shows. */
export interface RowApp {
  /** The rows as the page reads them. Tracked by MobX, unless there is `subscribe`. */
  rows(): readonly Row[]
  /** How a page without MobX is told of changes. */
  subscribe?(listener: () => void): () => void
  /** Makes rows in the worker, and lands nothing yet. */
  prepare(count: number): Promise<void>
  /** Brings the rows that the worker has made onto the page, in one go. */
  land(): Promise<void>
  /** Has the worker change the rows, and the page show it. */
  operate(operation: Operation): Promise<void>
  /** Lets each worker change one row after the other, without pause. */
  churn?(): Churn
  dispose(): void | Promise<void>
}

export interface Churn {
  /** Ends it, and gives the number of changes made. */
  stop(): Promise<number>
}

/** An app with one number on the page, that tasks in a worker count up: each reads it freshly, adds one and writes it. */
export interface CounterApp {
  counter(): number
  /** One task in a row; gives the microseconds that one round took, by the worker's clock. */
  roundTrips(count: number): Promise<number>
  /** So many tasks side by side, each counting up so many times. */
  contend(tasks: number, each: number): Promise<void>
  dispose(): void | Promise<void>
}

export interface AppOptions {
  /** @default 1 */
  readonly workers?: number
}

/** A way to make an app, and what it would still lack. */
export interface Maker<App> {
  readonly name: string
  readonly lacks?: string
  create(options?: AppOptions): Promise<App>
}

export const NO_LEASE = 'no lease: nothing keeps others from writing between its read and its write'
export const OWNS_COPY = 'no lease: right only as long as the worker is the one writer'
