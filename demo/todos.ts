import { defineState, read } from 'leasehold'

export interface Todo {
  readonly id: number
  readonly text: string
  done: boolean
}

export const todosState = defineState('todos', () => ({
  rows: [] as Todo[],
  nextId: 1,
  /** How far the import has come: stored with its rows, so that it can go on from here. */
  imported: 0,
  get open(): number {
    return read(this.rows, (rows) => rows.filter(({ done }) => !done).length)
  },
}))
