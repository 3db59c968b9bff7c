/*
 * The replica: what this worker has of the state.
 *
 * - It moves only when this worker is granted a lease, commits or refreshes, and only by whole versions.
 * - Changes are applied only on the version that they start from; with any others the page is asked anew.
 */

import type { Link } from '../lib/protocol/endpoint.js'
import type { PageFacade } from '../lib/protocol/messages.js'
import { assertChanges, assertWelcome } from '../lib/protocol/validate.js'
import type { Change } from '../lib/state/change.js'
import type { StateShape } from '../lib/state/define-state.js'
import { createReadOnlyView } from '../lib/state/read-only.js'
import { StateTree } from '../lib/state/tree.js'

export type Send = Link<PageFacade>['send']

export class Replica {
  readonly #shape: StateShape
  readonly #send: Send
  readonly #refreshes = new Map<number, { resolve(): void; reject(error: unknown): void }>()
  readonly #kept = new Set<object>()
  #refreshId = 0
  #closed: Error | undefined
  #tree: StateTree | undefined
  #token = ''
  /** The guarded view of the newest state. */
  readonly state: object

  constructor(shape: StateShape, send: Send) {
    this.#shape = shape
    this.#send = send
    this.state = createReadOnlyView(shape, () => this.tree.root)
  }

  get tree(): StateTree {
    if (this.#tree === undefined) throw new Error('The page has not sent its state yet.')
    return this.#tree
  }

  /** Names the store on the page. */
  get token(): string {
    return this.#token
  }

  welcome(payload: unknown, version: number): void {
    assertWelcome(payload)
    this.#token = payload.token
    this.#tree = new StateTree(this.#shape, payload.root, { version })
  }

  /** Takes changes from `since` to `version`, and says whether the replica has that version now. */
  receive(payload: unknown, version: number, since: number): boolean {
    assertChanges(payload)
    if (!Number.isSafeInteger(version)) throw new TypeError(`changes: ${version} is no version`)
    const { tree } = this
    if (tree.version >= version) return true
    if (tree.version !== since && payload.kind !== 'state') return false
    if (this.#kept.size > 0) tree.snapshot(true) // what it shows is copied before it is changed
    tree.receive(payload, version)
    return true
  }

  /**
   * Keeps the data as it is, until what is given back is called: a draft stands on it whose own batch is on its way, and
   * may come back among the changes that are sent for another lease.
   */
  keep(): () => void {
    const own = {}
    this.#kept.add(own)
    return () => void this.#kept.delete(own)
  }

  /**
   * A batch of this worker was applied, and the state is at `version`.
   * @param mutations the batch; undefined if its lease is over and it is not known any more
   * @param payload the changes from `since`; undefined where the batch alone led there
   * @returns undefined when the replica has the batch now; else a promise that resolves when it has
   * @throws TypeError or InvalidMutationError for changes that make no sense
   */
  committed(
    mutations: readonly Change[] | undefined,
    payload: unknown,
    version: number,
    since: number,
  ): Promise<void> | undefined {
    const { tree } = this
    if (tree.version >= version) return undefined
    if (!Number.isSafeInteger(version)) throw new TypeError(`committed: ${version} is no version`)
    if (payload !== undefined) {
      if (this.receive(payload, version, since)) return undefined
    } else if (tree.version === since && version === since + 1 && mutations !== undefined) {
      tree.apply(mutations)
      return undefined
    }
    return mutations === undefined ? undefined : this.refresh()
  }

  /** The port is closed: nothing is answered any more. */
  close(error: Error): void {
    this.#closed = error
    for (const { reject } of this.#refreshes.values()) reject(error)
    this.#refreshes.clear()
  }

  /** Resolves when the replica has what was the newest version when the page was asked; rejects if the answer makes no sense. */
  refresh(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      this.#send('refresh', [this.#refreshId + 1, this.tree.version])
      this.#refreshes.set(++this.#refreshId, { resolve, reject })
    })
  }

  refreshed(payload: unknown, refreshId: number, version: number, since: number): void {
    const waiting = this.#refreshes.get(refreshId)
    this.#refreshes.delete(refreshId)
    try {
      if (this.receive(payload, version, since)) waiting?.resolve()
      else if (waiting) this.refresh().then(waiting.resolve, waiting.reject)
    } catch (error) {
      waiting?.reject(error)
      throw error
    }
  }
}
