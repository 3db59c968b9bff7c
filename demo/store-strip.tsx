import type { BackgroundTasks, Line, LineEntry } from 'leasehold'
import { observer } from 'mobx-react-lite'
import type { ReactNode } from 'react'

/** What the strip shows of a store, and what it does with it. */
interface ShownStore {
  readonly line: Line
  readonly backgroundTasks: BackgroundTasks
  readonly version: number
  lease(fn: () => Promise<void>): PromiseLike<void>
}

const HOLD_MS = 900

/** Keeps everybody else waiting for a moment. */
function holdForAMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, HOLD_MS))
}

const nameOf = ({ kind, name }: LineEntry) => `${name} (${kind})`

/** Who holds the lease, who waits for it, what runs, and how many commits there were. */
export const StoreStrip: (props: { store: ShownStore }) => ReactNode = observer(function StoreStrip({ store }) {
  const { holder, waiting } = store.line
  const runs = [...store.backgroundTasks]
  return (
    <footer className="strip">
      <dl>
        <div>
          <dt>Lease</dt>
          <dd data-testid="holder">{holder ? nameOf(holder) : 'free'}</dd>
        </div>
        <div>
          <dt>In line</dt>
          <dd data-testid="waiting">{waiting.length > 0 ? waiting.map(nameOf).join(', ') : 'nobody'}</dd>
        </div>
        <div>
          <dt>Tasks</dt>
          <dd data-testid="tasks">
            {runs.length > 0 ? runs.map(({ name, status }) => `${name} (${status})`).join(', ') : 'none'}
          </dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd data-testid="version">{store.version}</dd>
        </div>
      </dl>
      <button type="button" className="quiet" onClick={() => void store.lease(holdForAMoment)}>
        Hold the lease for a moment
      </button>
    </footer>
  )
})
