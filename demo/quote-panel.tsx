import { useField } from 'leasehold/react'
import { observer } from 'mobx-react-lite'
import type { FormEvent, ReactNode } from 'react'
import { useRef, useState } from 'react'
import { fetchLine, quoteStore } from './quote.js'
import { StoreStrip } from './store-strip.js'

export const QuotePanel: () => ReactNode = observer(function QuotePanel() {
  const { state, token } = quoteStore
  const address = useField(quoteStore, 'address')
  const [waits, setWaits] = useState(false)
  const [failure, setFailure] = useState<string>()
  const busy = useRef(false)

  async function submit(event: FormEvent) {
    event.preventDefault()
    if (busy.current) return // the second click of a double click comes before the button is drawn as disabled
    busy.current = true
    setWaits(true)
    setFailure(undefined)
    try {
      await fetchLine(token, address.value)
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    }
    busy.current = false
    setWaits(false)
  }

  return (
    <section className="card" aria-labelledby="quote-title">
      <h2 id="quote-title">Plain async code</h2>
      <p className="lead">
        No task, no event: a function fetches a line of text, then writes it with <code>modifyState(token, …)</code>.
      </p>

      <blockquote aria-live="polite">{state.line || 'Nothing fetched yet.'}</blockquote>
      <form onSubmit={submit}>
        <div className="field">
          <label htmlFor="address">Address</label>
          <input id="address" type="text" required spellCheck={false} autoComplete="off" {...address} />
        </div>
        <div className="actions">
          <button type="submit" className="primary" aria-disabled={waits} aria-busy={waits}>
            {waits ? 'Fetching…' : 'Fetch a line'}
          </button>
          <span className="rate">{state.fetched} fetched</span>
        </div>
      </form>
      <p className="failure" aria-live="assertive" data-testid="failure">
        {failure}
      </p>
      <StoreStrip store={quoteStore} />
    </section>
  )
})
