/*
 * The line of writes whose values are not all handed over to the database.
 *
 * - One is handed over at a time, so that its pieces stay in front of later writes; the database itself stores them in order.
 * - A page that is about to go takes the values of all that is in line, and its own, in one turn: pieces that wait for an event
 *   would go with the page, and take with them what stands behind.
 */

import type { StorageChange, StorageWriteOptions } from './storage.js'

export interface Handover {
  /** In the order in which they are to be made, in one transaction. */
  readonly changes: readonly StorageChange[]
  readonly options: StorageWriteOptions
  /** To be called when the database has all values. */
  readonly onHandedOver: () => void
}

interface InLine {
  readonly change: StorageChange
  readonly options: StorageWriteOptions
  readonly stop: AbortController
  readonly resolve: (result: Promise<void>) => void
  takenBy: Promise<void> | undefined
}

/** @param begin makes a transaction, which is aborted by the signal; its promise settles with it */
export function createWriteLine(
  begin: (handover: Handover, signal?: AbortSignal) => Promise<void>,
): (change: StorageChange, options: StorageWriteOptions) => Promise<void> {
  let line: InLine[] = []

  function serve(write: InLine): void {
    const leave = () => {
      if (line[0] !== write) return
      line.shift()
      if (line[0] !== undefined) serve(line[0])
    }
    const { change, options, stop } = write
    const result = begin({ changes: [change], options, onHandedOver: leave }, stop.signal)
    result.then(leave, leave)
    write.resolve(
      result.catch((error) => {
        if (write.takenBy === undefined) throw error
        return write.takenBy
      }),
    )
  }

  function takeAll(change: StorageChange, options: StorageWriteOptions): Promise<void> {
    const taken = line
    line = []
    for (const { stop } of taken) stop.abort()
    const changes = [...taken.map((write) => write.change), change]
    // What the later ones expect is what the first will have written.
    const expect = options.expect && (taken[0]?.options.expect ?? options.expect)
    const result = begin({ changes, options: expect ? { ...options, expect } : options, onHandedOver() {} })
    for (const write of taken) {
      write.takenBy = result
      write.resolve(result)
    }
    return result
  }

  return (change, options) => {
    if (options.atOnce) return takeAll(change, options)
    return new Promise((resolve) => {
      const write = { change, options, stop: new AbortController(), resolve, takenBy: undefined }
      line.push(write)
      if (line.length === 1) serve(write)
    })
  }
}
