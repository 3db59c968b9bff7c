import { observer } from 'mobx-react-lite'
import type { FormEvent, ReactNode } from 'react'
import { useState } from 'react'
import { ImportRows } from './import-rows.js'
import { StorageStatus } from './storage-status.js'
import { StoreStrip } from './store-strip.js'
import type { Filter } from './todo-list.js'
import { TEXT_ID, TodoList } from './todo-list.js'
import { failure, todos } from './todos-store.js'

const FILTERS: readonly Filter[] = ['all', 'open', 'done']
const NAMES: Record<Filter, string> = { all: 'All', open: 'Open', done: 'Done' }

export const TodosPanel: () => ReactNode = observer(function TodosPanel() {
  const { state, events, backgroundTasks } = todos
  const [text, setText] = useState('')
  const [filter, setFilter] = useState<Filter>('all')
  const [first, setFirst] = useState(0)

  function show(next: Filter) {
    setFilter(next)
    setFirst(0)
  }

  function add(event: FormEvent) {
    event.preventDefault()
    const trimmed = text.trim()
    if (trimmed === '') return
    events.add(trimmed)
    setText('')
    show(filter === 'done' ? 'all' : filter) // it is the first of the open ones
  }

  return (
    <section className="card wide" aria-labelledby="todos-title">
      <h2 id="todos-title">A state that outlives the page</h2>
      <p className="lead">
        Reload: the list is still there. Import rows and reload half-way: the task goes on where it was cut short,
        because how far it had come was stored with its rows.
      </p>

      <form className="field" onSubmit={add}>
        <label htmlFor={TEXT_ID}>New to-do</label>
        <div className="beside">
          <input
            id={TEXT_ID}
            type="text"
            autoComplete="off"
            maxLength={200}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit" className="primary">
            Add
          </button>
        </div>
      </form>

      <fieldset className="choices">
        <legend>Show</legend>
        {FILTERS.map((each) => (
          <label key={each} className="choice">
            <input type="radio" name="filter" checked={each === filter} onChange={() => show(each)} /> {NAMES[each]}
          </label>
        ))}
        {/* An import would have it read out for each of its leases. */}
        <span className="rate" aria-live={backgroundTasks.size > 0 ? 'off' : 'polite'} data-testid="count">
          {state.rows.length.toLocaleString('en')} to-dos, {state.open.toLocaleString('en')} open
        </span>
      </fieldset>
      <TodoList filter={filter} first={first} onMove={setFirst} />
      <ImportRows />
      <StorageStatus />
      <p className="failure" role="alert" data-testid="todos-failure">
        {failure.get()}
      </p>
      <StoreStrip store={todos} />
    </section>
  )
})
