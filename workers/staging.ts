/*
 * `task.stage`: values that go to the page ahead of the lease that puts them in place.
 *
 * - A value is copied and checked here, so that it is what it was at the call, and may be staged whatever becomes of it.
 * - A task is given a read-only view of it. The first time that a lease assigns the view, the value itself goes into its draft;
 *   its batch then names it, if nothing in it was changed. Any further time it is copied, and sent as any other value.
 * - A lease that did not commit has used nothing.
 */

import type { CommitPayload, StagedPlace } from '../lib/protocol/messages.js'
import { fromWireError } from '../lib/protocol/wire-error.js'
import type { Change } from '../lib/state/change.js'
import type { ContainerKind } from '../lib/state/container-kind.js'
import { containerKind } from '../lib/state/container-kind.js'
import { fillRefs } from '../lib/state/containers.js'
import type { Key, Path } from '../lib/state/mutation.js'
import { createReadOnlyPart } from '../lib/state/read-only.js'
import { copyIn } from '../lib/state/values.js'
import type { Send } from './replica.js'

/** A value that was sent ahead. */
export interface StagedValue {
  readonly id: number
  readonly run: number
  readonly container: object
  /** The page has it, and no batch that may have been applied has used it. */
  isHere: boolean
  /** Its run has ended: the page has let go of it, and no refusal brings it back. */
  isGone?: boolean
}

/** A value on its way. */
export interface Stage {
  readonly id: number
  /** The guarded value. */
  readonly view: object
  /** Resolves when the page has it. */
  readonly arrived: Promise<void>
}

interface Waiting {
  readonly staged: StagedValue
  resolve(): void
  reject(error: unknown): void
}

export class Staging {
  readonly #send: Send
  readonly #waiting = new Map<number, Waiting>()
  readonly #here = new Set<StagedValue>()
  readonly #byView = new WeakMap<object, StagedValue>()
  #stageId = 0
  #closed: Error | undefined

  constructor(send: Send) {
    this.#send = send
  }

  /**
   * Sends a value for a run; undefined for one that is no container, which is not worth it.
   * @throws NotCloneableError with the path to what cannot be in state
   */
  stage(run: number, value: unknown): Stage | undefined {
    const container = copyIn(value, []) as object
    const kind = containerKind(container)
    if (kind === undefined) return undefined
    const id = ++this.#stageId
    const staged: StagedValue = { id, run, container, isHere: false }
    const view = createReadOnlyPart(container, kind, 'a staged value')
    const arrived = new Promise<void>((resolve, reject) => {
      if (this.#closed !== undefined) throw this.#closed
      this.#send('stage', [id, run], { value: container })
      this.#waiting.set(id, { staged, resolve, reject })
    })
    this.#byView.set(view, staged)
    return { id, view, arrived }
  }

  /** The page has the value of that number, or has refused it. */
  staged(payload: unknown, id: number): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    if (payload !== undefined) {
      waiting.reject(fromWireError(payload))
      return
    }
    waiting.staged.isHere = true
    this.#here.add(waiting.staged)
    waiting.resolve()
  }

  /** Nobody waits for it any more. */
  drop(id: number): void {
    if (this.#waiting.delete(id)) this.#send('unstage', [id])
  }

  /** A commit has put these in place. */
  used(values: readonly StagedValue[]): void {
    for (const staged of values) this.#here.delete(staged)
  }

  /** The page lets go of what the run has staged. */
  endRun(run: number): void {
    for (const [id, { staged }] of this.#waiting) if (staged.run === run) this.#waiting.delete(id)
    for (const staged of this.#here) {
      if (staged.run !== run) continue
      staged.isHere = false
      staged.isGone = true
      this.#here.delete(staged)
    }
  }

  close(error: Error): void {
    this.#closed = error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  /** What one draft takes. */
  open(): StagedInDraft {
    return new StagedInDraft(this.#byView)
  }
}

/** The staged values that one draft has taken. */
export class StagedInDraft {
  readonly #byView: WeakMap<object, StagedValue>
  /** By container; made with the first. */
  #taken: Map<object, StagedValue> | undefined

  constructor(byView: WeakMap<object, StagedValue>) {
    this.#byView = byView
  }

  /** The value behind a view, the first time. */
  readonly adopt = (view: object): object | undefined => {
    const staged = this.#byView.get(view)
    if (staged === undefined || !staged.isHere || this.#taken?.has(staged.container) === true) return undefined
    this.#taken ??= new Map()
    this.#taken.set(staged.container, staged)
    return staged.container
  }

  /** The draft has taken none: its own data is all that it holds. */
  get isEmpty(): boolean {
    return this.#taken === undefined
  }

  /** A batch with names in the places of what was staged, and is as it was. */
  name(
    mutations: readonly Change[],
    specs: CommitPayload['specs'],
  ): { readonly payload: CommitPayload; readonly used: readonly StagedValue[] } {
    if (this.#taken === undefined) return { payload: { mutations, specs }, used: [] }
    const places: StagedPlace[] = []
    const used: StagedValue[] = []
    const named = mutations.map((mutation, index): Change => {
      if (mutation.op === 'column' || (!('values' in mutation) && mutation.op !== 'set')) return mutation
      const found: { readonly at: Path; readonly from: Path }[] = []
      this.#search('values' in mutation ? mutation.values : mutation.value, [], (at, staged) => {
        found.push({ at, from: [] })
        places.push({ mutation: index, at, id: staged.id })
        used.push(staged)
      })
      if (found.length === 0) return mutation
      // A place that is filled with nothing holds `undefined`.
      if ('values' in mutation) return { ...mutation, values: fillRefs(mutation.values, found, new Map()) as unknown[] }
      return { ...mutation, value: fillRefs(mutation.value, found, new Map()) }
    })
    return { payload: used.length === 0 ? { mutations, specs } : { mutations: named, specs, staged: places }, used }
  }

  #search(value: unknown, at: readonly Key[], found: (at: Path, staged: StagedValue) => void): void {
    const kind = containerKind(value)
    if (kind === undefined || kind === 'set') return
    const staged = this.#taken?.get(value as object)
    if (staged?.isHere) found(at, staged)
    // A leaf is no container, and of what is staged nothing else is.
    else if (staged === undefined)
      for (const [key, item] of entriesOf(kind, value as object)) this.#search(item, [...at, key], found)
  }
}

function entriesOf(kind: ContainerKind, container: object): Iterable<readonly [Key, unknown]> {
  if (kind === 'array') return (container as readonly unknown[]).entries()
  return kind === 'map' ? (container as ReadonlyMap<Key, unknown>) : Object.entries(container)
}
