/*
 * The state as a mobx-keystone model, the same class on both threads. Models without decorators are made by `decoratedModel`.
 */
import { decoratedModel, Model, modelAction, prop } from 'mobx-keystone'
import type { Operation, Row } from '../rows.js'
import { operate } from '../rows.js'

class RowsData extends Model({
  counter: prop<number>(0),
  rows: prop<Row[]>(() => []),
}) {
  setRows(rows: Row[]): void {
    this.rows = rows
  }

  operate(operation: Operation): void {
    operate(this, operation)
  }

  countUp(): void {
    this.counter += 1
  }

  addToPrice(index: number): void {
    const row = this.rows[index % this.rows.length]
    if (row) row.price += 1
  }
}

export const RowsModel = decoratedModel('bench/Rows', RowsData, {
  setRows: modelAction,
  operate: modelAction,
  countUp: modelAction,
  addToPrice: modelAction,
})
