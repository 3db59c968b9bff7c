// counter-view.tsx: a component. It is given the store, so that a test can give it another one.
import { useField, useValue } from 'leasehold/react'
import type { createCounter } from './store'

export function Counter({ store }: { store: ReturnType<typeof createCounter> }) {
  const counter = useValue(() => store.state.counter)
  const running = useValue(() => store.state.running)
  const maxCounter = useField(store, 'maxCounter')
  return (
    <section>
      <output>{counter}</output>
      <label>
        Maximum <input type="number" {...maxCounter} />
      </label>
      <button type="button" onClick={() => store.events.toggleRunning()}>
        {running ? 'Stop' : 'Start'}
      </button>
      <button type="button" onClick={() => store.events.clearCounter()}>
        Clear
      </button>
    </section>
  )
}
