/*
 * What a case is: something to be done, measured in one or more ways, that several contestants do.
 *
 * - A contestant that can't do a case at all is not listed there; one that can't do it at a size says so by `max`.
 * - Whatever is measured is checked: `check` throws if a contestant has not ended where it should.
 */

/** One way to measure a sample. */
export interface Metric {
  readonly name: string
  readonly unit: string
  /** Which end of the scale is the good one. @default 'less' */
  readonly better?: 'less' | 'more'
}

/** One form of a case: a size, an operation. */
export interface Variant {
  readonly label: string
  /** Entries or rows: what a plot has on its x-axis. */
  readonly size?: number
  /** Left out by `--quick`. */
  readonly slow?: boolean
}

/** What one run of the measured work gave, by the names of the metrics. */
export type Sample = Readonly<Record<string, number>>

/** A contestant that is set up. */
export interface Running {
  sample(): Promise<Sample>
  /** Throws if what was done so far has not led to the right result. */
  check(): void | Promise<void>
  dispose(): void | Promise<void>
}

export interface Contestant<V extends Variant> {
  readonly name: string
  /** What an app would still have to build itself to have what a lease gives. */
  readonly lacks?: string
  /** The largest `size` that it can do in reasonable time and memory. */
  readonly max?: number
  setup(variant: V): Promise<Running>
}

export interface Case<V extends Variant = Variant> {
  readonly name: string
  readonly title: string
  /** What is measured, from where to where. */
  readonly about: string
  readonly metrics: readonly Metric[]
  readonly variants: readonly V[]
  readonly contestants: readonly Contestant<V>[]
  /** The contestant that the others are held against. */
  readonly reference: string
  /** Whether a plot over the sizes is drawn. @default false */
  readonly scales?: boolean
  /** `sample`: set up anew for each sample; `page`: in a page of its own, too. @default one setup for all samples */
  readonly fresh?: 'sample' | 'page'
  /** Whether bytes and messages that cross between the threads are counted, in a run apart. @default false */
  readonly countsBytes?: boolean
  /** Samples are taken until the medians stand still, or one of these is used up. */
  readonly limits?: { readonly rounds?: number; readonly seconds?: number }
}

/** Keeps the type of the variants for the contestants of a case, and forgets it for the harness. */
export function defineCase<V extends Variant>(benchCase: Case<V>): Case {
  return benchCase as unknown as Case // the harness hands each contestant a variant of its own case only
}

/** Throws unless the two are the same. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (!Object.is(actual, expected)) throw new Error(`wrong result: ${what} is ${actual}, and should be ${expected}`)
}
