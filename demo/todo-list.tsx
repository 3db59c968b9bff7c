import type { ReadonlyState } from 'leasehold'
import { read } from 'leasehold'
import { observer } from 'mobx-react-lite'
import type { ReactNode } from 'react'
import type { todosState } from './todos.js'
import { todos } from './todos-store.js'

export type Filter = 'all' | 'open' | 'done'

type Row = ReadonlyState<typeof todosState>['rows'][number]

/** Rows that are shown at a time. */
const WINDOW = 8

const formatted = (count: number) => count.toLocaleString('en')

/** Gives the places of the rows that a filter lets through. */
function placesOf(rows: readonly Row[], filter: Filter): readonly number[] {
  return read(rows, (plain) => {
    const places: number[] = []
    for (const [index, { done }] of plain.entries()) {
      if (filter === 'all' || done === (filter === 'done')) places.push(index)
    }
    return places
  })
}

/**
 * A window of the list, however long that is. Its rows say which of how many they are, and the focus goes to a neighbour before
 * the row that has it leaves.
 */
export const TodoList: (props: { filter: Filter; first: number; onMove: (first: number) => void }) => ReactNode =
  observer(function TodoList({ filter, first: wanted, onMove }) {
    const { rows } = todos.state
    const places = placesOf(rows, filter)
    const last = Math.max(0, Math.floor((places.length - 1) / WINDOW) * WINDOW)
    const first = Math.min(wanted, last)
    const shown = places.slice(first, first + WINDOW)
    if (places.length === 0) {
      const isEmpty = rows.length === 0
      return (
        <p className="none">
          {todos.persist.status === 'hydrating' ? 'One moment…' : isEmpty ? 'Nothing to do.' : 'None of them.'}
        </p>
      )
    }
    return (
      <>
        <ul className="todos" aria-label="To-dos">
          {shown.map((place, index) => {
            const row = rows[place]
            return (
              row && (
                <li key={row.id} aria-posinset={first + index + 1} aria-setsize={places.length}>
                  <TodoRow row={row} leaves={filter !== 'all'} />
                </li>
              )
            )
          })}
        </ul>
        {places.length > WINDOW && (
          <nav className="actions" aria-label="Part of the list">
            <Move to={0} from={first} onMove={onMove} name="First rows" sign="«" />
            <Move to={Math.max(0, first - WINDOW)} from={first} onMove={onMove} name="Rows before" sign="‹" />
            <Move to={Math.min(last, first + WINDOW)} from={first} onMove={onMove} name="Rows after" sign="›" />
            <Move to={last} from={first} onMove={onMove} name="Last rows" sign="»" />
            {/* As the count above: an import changes it with each of its leases. */}
            <span className="rate" aria-live={todos.backgroundTasks.size > 0 ? 'off' : 'polite'} data-testid="window">
              {formatted(first + 1)}–{formatted(first + shown.length)} of {formatted(places.length)}
            </span>
          </nav>
        )}
      </>
    )
  })

function Move(props: { to: number; from: number; onMove: (first: number) => void; name: string; sign: string }) {
  const { to, from, onMove, name, sign } = props
  // Not `disabled`: whoever has come to the end by the keyboard would lose the focus.
  return (
    <button type="button" className="move" aria-label={name} aria-disabled={to === from} onClick={() => onMove(to)}>
      {sign}
    </button>
  )
}

const TodoRow: (props: { row: Row; leaves: boolean }) => ReactNode = observer(function TodoRow({ row, leaves }) {
  return (
    <>
      <label className="choice">
        <input
          type="checkbox"
          checked={row.done}
          onChange={({ currentTarget }) => {
            if (leaves) focusBeside(currentTarget)
            todos.events.toggle(row.id)
          }}
        />
        <span className={row.done ? 'done' : undefined}>{row.text}</span>
      </label>
      <button
        type="button"
        className="quiet"
        aria-label={`Remove ${row.text}`}
        onClick={({ currentTarget }) => {
          focusBeside(currentTarget)
          todos.events.remove(row.id)
        }}
      >
        Remove
      </button>
    </>
  )
})

/** Where the text of a new row is written. */
export const TEXT_ID = 'todo-text'

/** Moves the focus from a row that is about to leave to the same element of its neighbour, or to the field for new rows. */
function focusBeside(element: HTMLElement): void {
  const row = element.closest('li')
  const neighbour = row?.nextElementSibling ?? row?.previousElementSibling
  const target = neighbour?.querySelector<HTMLElement>(element.localName) ?? document.getElementById(TEXT_ID)
  target?.focus()
}
