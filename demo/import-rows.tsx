import { observer } from 'mobx-react-lite'
import type { ReactNode } from 'react'
import { todos } from './todos-store.js'

const TOTAL = 100_000

const running = () => [...todos.backgroundTasks].find(({ name }) => name === 'importRows')

/** Starts the import and shows how far it is: also one that began before the page was loaded. */
export const ImportRows: () => ReactNode = observer(function ImportRows() {
  const run = running()
  const { imported } = todos.state
  return (
    <>
      <div className="actions">
        <button
          type="button"
          onClick={() => {
            // Asked now: the second click of a double click comes before the button is drawn anew.
            const run = running()
            if (run) run.cancel()
            else todos.events.startImport(TOTAL)
          }}
        >
          {run ? 'Stop importing' : 'Import 100,000 rows'}
        </button>
        <button type="button" onClick={() => todos.events.empty()}>
          Empty the list
        </button>
      </div>
      {run && (
        <div className="field">
          <progress aria-label="Imported so far" max={TOTAL} value={imported} />
          <p className="said" data-testid="import">
            {imported.toLocaleString('en')} rows imported{run.progress?.label && `, ${run.progress.label}`}
          </p>
        </div>
      )}
    </>
  )
})
