import { useField } from 'leasehold/react'
import { observer } from 'mobx-react-lite'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { StoreStrip } from './store-strip.js'
import { writers } from './writers-store.js'

export const WritersPanel: () => ReactNode = observer(function WritersPanel() {
  const { state, events, tasks, backgroundTasks } = writers
  const note = useField(writers, 'note')
  const [scoped, setScoped] = useState(false)
  const runs = [...backgroundTasks].filter(({ name }) => name === 'write')
  return (
    <section className="card wide" aria-labelledby="writers-title">
      <h2 id="writers-title">Typing beside tasks</h2>
      <p className="lead">
        Writers hold a lease almost all the time. What you type takes it back from them: it is in the state at once, and
        their function runs again. If they lease only what they write, they need not be disturbed.
      </p>

      <div className="field">
        <label htmlFor="note">Note</label>
        <input id="note" type="text" autoComplete="off" {...note} />
      </div>
      <p className="said">
        In the state: <output data-testid="note">{state.note || 'nothing'}</output> · written{' '}
        <output data-testid="written">{state.written}</output> times
      </p>
      <label className="choice">
        <input type="checkbox" checked={scoped} onChange={(event) => setScoped(event.target.checked)} /> Lease only what
        is written
      </label>
      <ul className="runs" aria-label="Writers">
        {runs.map((run) => (
          <li key={run.id}>
            Writer {run.id}: {run.progress?.value ?? 0} leases, {run.progress?.label ?? 'none taken back'}
          </li>
        ))}
      </ul>
      <div className="actions">
        <button type="button" className="primary" onClick={() => events.startWriter(scoped)}>
          Add a writer
        </button>
        <button
          type="button"
          onClick={() => {
            for (const run of runs) run.cancel()
          }}
        >
          Dismiss writers
        </button>
        <button type="button" onClick={() => void tasks.crash()}>
          Kill the worker
        </button>
      </div>
      <p className="failure" role="alert" data-testid="writers-failure">
        {state.failure}
      </p>
      <StoreStrip store={writers} />
    </section>
  )
})
