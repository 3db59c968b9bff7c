import type { PersistStatus } from 'leasehold'
import { observer } from 'mobx-react-lite'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { showFailure, todos } from './todos-store.js'

const STORED = 'Stored in this browser: a reload brings it back.'

const WORDS: Record<PersistStatus, string> = {
  hydrating: 'Reading what is stored…',
  ready: STORED,
  writing: STORED,
  degraded: 'Not stored: the storage cannot be read or written. Changes are kept in memory, and it is tried again.',
  follower: 'Another tab writes, and this one shows what it stores. Close that tab to change something here.',
}

/** Says how the store's persistence is doing, and deletes what is stored. */
export const StorageStatus: () => ReactNode = observer(function StorageStatus() {
  const { persist, version } = todos
  /** The version that was the newest when all that was stored was deleted. */
  const [cleared, setCleared] = useState<number>()
  const isCleared = cleared === version && persist.status === 'ready'
  return (
    <div className="storage">
      <p className="said">
        <span role="status" data-testid="storage">
          {isCleared ? 'Nothing is stored. The next change stores all of it again.' : WORDS[persist.status]}
        </span>{' '}
        {/* For the eye alone: whoever listens would hear it with every change. */}
        <span aria-hidden="true" data-testid="writing">
          {persist.status === 'writing' && 'Writing…'}
        </span>
      </p>
      <button
        type="button"
        className="quiet"
        onClick={() => {
          persist.clear().then(
            () => setCleared(todos.version),
            (error: Error) => showFailure(error.message),
          )
        }}
      >
        Delete what is stored
      </button>
    </div>
  )
})
