/*
 * The data that is moved about, and what is done to it: the same for all contestants, on both threads.
 */

/** A row of five fields, as a table of an app has it. */
export interface Row {
  readonly id: number
  name: string
  price: number
  done: boolean
  group: string
}

export function makeRow(id: number): Row {
  return { id, name: `row ${id}`, price: (id * 7919) % 1000, done: id % 3 === 0, group: `group ${id % 10}` }
}

export function makeRows(count: number): Row[] {
  return Array.from({ length: count }, (_, id) => makeRow(id))
}

export type Operation =
  /** Takes the first row away. */
  | { readonly type: 'shift' }
  /** Puts a row in the place of the one in the middle, and one behind it. */
  | { readonly type: 'splice'; readonly id: number }
  | { readonly type: 'sort'; readonly descending: boolean }
  /** Drops every row whose id leaves `rest` when divided by 100. */
  | { readonly type: 'filter'; readonly rest: number }
  | { readonly type: 'write-one'; readonly index: number; readonly price: number }
  /** Writes one field in each row. */
  | { readonly type: 'write-all'; readonly price: number }

/** What holds rows and can be written: a draft, an observable, a plain object. */
export interface RowHolder {
  rows: Row[]
}

/** Does an operation, as an app would write it. */
export function operate(state: RowHolder, operation: Operation): void {
  const { rows } = state
  switch (operation.type) {
    case 'shift':
      rows.shift()
      break
    case 'splice':
      rows.splice(rows.length >> 1, 1, makeRow(operation.id), makeRow(operation.id + 1))
      break
    case 'sort': {
      const sign = operation.descending ? -1 : 1
      rows.sort((a, b) => sign * (a.price - b.price || a.id - b.id))
      break
    }
    case 'filter':
      state.rows = rows.filter((row) => row.id % 100 !== operation.rest)
      break
    case 'write-one':
      writeOne(rows, operation.index, operation.price)
      break
    case 'write-all':
      for (const row of rows) row.price = operation.price
  }
}

function writeOne(rows: readonly Row[], index: number, price: number): void {
  const row = rows[index]
  if (row) row.price = price
}

/** Tells two lists of rows apart: in their order and in what they say. */
export function checksum(rows: readonly Row[]): number {
  let sum = rows.length
  for (const row of rows) sum = (sum * 31 + row.id * 17 + row.price * 3 + (row.done ? 1 : 0) + row.name.length) | 0
  return sum
}

/** What the rows should be after the operations: a plain array on which they were done. */
export function expectedChecksum(count: number, operations: readonly Operation[]): number {
  const state = { rows: makeRows(count) }
  for (const operation of operations) operate(state, operation)
  return checksum(state.rows)
}
