import { createAtom } from 'mobx'
import type { LeaseOffice } from './lease-office.js'
import type { LeaseRequest } from './lease-request.js'

/** Somebody who holds the lease, or waits for it. */
export interface LineEntry {
  readonly name: string
  readonly kind: 'event' | 'page' | 'task'
  /** Since when it holds or waits, in milliseconds since 1970. */
  readonly since: number
  /** The fields that it wants; all of them where undefined. */
  readonly scope: readonly string[] | undefined
}

/** The line of events and leases; observable. An event that does not have to wait is never seen in it. */
export interface Line {
  /** Whoever holds a lease, the one that holds for longest first. Without scopes there is one at most. */
  readonly holders: readonly LineEntry[]
  /** The first of `holders`. */
  readonly holder: LineEntry | undefined
  /** From the front. */
  readonly waiting: readonly LineEntry[]
}

/** Makes the observable view of an office's line; `changed` is to be called when it changes. */
export function createLine(office: () => LeaseOffice): { readonly line: Line; changed(): void } {
  const atom = createAtom('store.line')
  const entry = ({ name, kind, scope }: LeaseRequest, since: number): LineEntry => ({
    name,
    kind,
    since: performance.timeOrigin + since,
    scope: scope && [...scope],
  })
  const holders = (): readonly LineEntry[] => {
    atom.reportObserved()
    return office().holders.map(({ request, grantedAt }) => entry(request, grantedAt))
  }
  return {
    line: {
      get holders() {
        return holders()
      },
      get holder() {
        return holders()[0]
      },
      get waiting() {
        atom.reportObserved()
        return office().waiting.map(({ request, since }) => entry(request, since))
      },
    },
    changed: () => void atom.reportChanged(),
  }
}
