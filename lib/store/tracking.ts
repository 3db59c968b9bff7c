/*
 * Who is reading, as MobX knows it.
 *
 * - `_getGlobalState` is what MobX's own packages ask, in every version that this library works with.
 */

import { _getGlobalState, createAtom } from 'mobx'

const untracked = createAtom('store.state')

/** The reaction or computed that is running and will depend on what it reads; undefined outside of them. */
export function currentReader(): object | undefined {
  const { trackingDerivation } = _getGlobalState()
  if (trackingDerivation !== null) return trackingDerivation
  untracked.reportObserved() // warns, where MobX is configured to warn of such reads
  return undefined
}

/** Which run of a reader this is: no two runs, of whatever readers, have the same number. A reader within a reader raises it. */
export function currentRun(): number {
  return _getGlobalState().runId
}

/**
 * Whether the reader is observed itself. A computed that is asked inside a MobX batch, and by nobody who is observed, keeps its
 * value until the batch ends, but MobX never says when the atoms that it has read are no longer needed.
 */
export function isReaderObserved(): boolean {
  return Boolean(_getGlobalState().trackingContext)
}
