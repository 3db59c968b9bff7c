import { useField } from 'leasehold/react'
import { observer } from 'mobx-react-lite'
import type { ReactNode } from 'react'
import { FrameRate } from './frame-rate.js'
import { store } from './store.js'
import { StoreStrip } from './store-strip.js'

export const CounterPanel: () => ReactNode = observer(function CounterPanel() {
  const { state, events } = store
  const maxCounter = useField(store, 'maxCounter')
  return (
    <section className="card" aria-labelledby="counter-title">
      <h2 id="counter-title">A background task</h2>
      <p className="lead">
        <code>countUp</code> runs in a worker. Twice a second it takes a lease, counts, and gives the state back.
      </p>

      <p className="figure">
        <span data-testid="counter">{state.counter}</span>
        <span className="of"> / {state.maxCounter}</span>
      </p>
      <progress aria-label="Counted so far" max={1} value={Math.min(Math.max(state.progress, 0), 1) || 0} />

      <div className="field">
        <label htmlFor="max-counter">Maximum</label>
        <input id="max-counter" type="number" min={0} step={1} inputMode="numeric" {...maxCounter} />
      </div>
      <div className="actions">
        <button type="button" className="primary" onClick={() => events.toggleRunning()}>
          {state.running ? 'Stop' : 'Start'}
        </button>
        <button type="button" onClick={() => events.clearCounter()}>
          Reset
        </button>
        {state.running && <FrameRate />}
        <span className="rate" role="status">
          {!state.running && state.counter >= state.maxCounter && 'At its maximum'}
        </span>
      </div>
      <p className="failure" role="alert" data-testid="counter-failure">
        {state.failure}
      </p>
      <StoreStrip store={store} />
    </section>
  )
})
