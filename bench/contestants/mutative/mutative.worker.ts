import '../../harness/count-in-worker.js'
import type { Remote } from 'comlink'
import { expose, wrap } from 'comlink'
import type { Patches } from 'mutative'
import { create } from 'mutative'
import type { Container, EntryHolder } from '../entries.js'
import { entryOf, makeEntries } from '../entries.js'
import type { Operation, Row } from '../rows.js'
import { makeRows, operate } from '../rows.js'

export interface Counted {
  readonly counter: number
}

/** What the page offers to its workers. */
export interface MutativePage {
  /** Waits for the lock and gives the state. */
  lock(): Promise<Counted>
  /** Applies patches and gives the lock back. */
  unlock(patches: Patches): void
  apply(patches: Patches): void
}

let page: Remote<MutativePage>
let prepared: Row[] = []
let state: { rows: Row[] } = { rows: [] }
let entries: EntryHolder = makeEntries('list', 0)
let churning = false

/** Writes on a draft and gives the patches. */
function record(recipe: (draft: { rows: Row[] }) => void): Patches {
  const [next, patches] = create(state, recipe, { enablePatches: true })
  state = next
  return patches
}

const mutative = {
  connect(port: MessagePort) {
    page = wrap<MutativePage>(port)
  },

  async countUp(times: number) {
    const start = performance.now()
    for (let count = 0; count < times; count += 1) {
      const counted = await page.lock()
      const [, patches] = create(
        counted,
        (draft) => {
          draft.counter += 1
        },
        { enablePatches: true },
      )
      await page.unlock(patches)
    }
    return ((performance.now() - start) * 1000) / times
  },

  prepare(count: number) {
    prepared = makeRows(count)
  },

  land: () =>
    record((draft) => {
      draft.rows = prepared
    }),

  operate: (operation: Operation) => record((draft) => operate(draft, operation)),

  prepareEntries(container: Container, size: number) {
    entries = makeEntries(container, size)
  },

  async writeEntries(container: Container, size: number, times: number, value: number) {
    const start = performance.now()
    for (let count = 0; count < times; count += 1) {
      const [next, patches] = create(
        entries,
        (draft) => {
          entryOf(draft, container, (count * 37) % size).value = value
        },
        { enablePatches: true },
      )
      entries = next
      await page.apply(patches)
    }
    return ((performance.now() - start) * 1000) / times
  },

  async churn(first: number, step: number) {
    churning = true
    let changes = 0
    for (let index = first; churning; index += step) {
      const patches = record(({ rows }) => {
        const row = rows[index % rows.length]
        if (row) row.price += 1
      })
      await page.apply(patches)
      changes += 1
    }
    return changes
  },

  endChurn() {
    churning = false
  },
}
export type MutativeWorker = typeof mutative
expose(mutative)
