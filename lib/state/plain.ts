/*
 * Plain data out of the guarded and recorded views.
 *
 * - Every proxy that the library makes over state answers `plainOf` with plain data of its part: a view registers the
 *   caller as depending on the part as one, a draft puts in what was written on it, a replica just gives its data.
 * - What `plainOf` gives may be the very data of the state: readers inside the library never write to it.
 */

/** Asked of a proxy of this library: plain data of the part it shows. */
export const plainOf: unique symbol = Symbol('leasehold.plain')

/** The plain data behind a value: a proxy's part, or the value itself. */
export function unwrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return (value as { readonly [plainOf]?: object })[plainOf] ?? value
}

/**
 * Hands `fn` a part of a state as plain data, for work on whole lists.
 *
 * On the page the caller depends on the part as one, and no view of its rows is made; on drafts, snapshots and in a worker
 * it just calls `fn`. A computed over 100,000 rows costs what the loop costs.
 *
 * @param part a part of `store.state`, of a draft, of `task.state` or of a snapshot
 * @param fn must neither keep nor change what it gets: it is the data of the state itself
 * @returns what `fn` returns
 * @example get openCount() { return read(this.rows, (rows) => rows.filter((row) => !row.done).length) }
 */
export function read<T, R>(part: T, fn: (plain: T) => R): R {
  return fn(unwrap(part) as T)
}
