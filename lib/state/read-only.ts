/*
 * The guarded view of a replica: what `task.state` is.
 *
 * - The root and the substates always show the newest state; a part below them shows the container it was taken for.
 * - One container, one proxy: `task.state.rows === task.state.rows`.
 * - Backend fields are there: they are for tasks. A getter is computed at each read.
 */

import type { ContainerKind } from './container-kind.js'
import { containerKind } from './container-kind.js'
import type { StateShape } from './define-state.js'
import type { Key, Path } from './mutation.js'
import type { StatePart } from './part.js'
import { createProxy, createStateProxy } from './proxies.js'
import { RawPart } from './raw-part.js'
import { entryOf } from './values.js'

/** What the parts of one view share. */
interface View {
  /** What messages call it. */
  readonly label: string
  readonly newest: () => object
  /** By container. A part holds no other part, or it would keep old versions of whole lists alive. */
  readonly parts: WeakMap<object, ReadOnlyPart>
}

class ReadOnlyPart extends RawPart {
  get label(): string {
    return this.#view.label
  }
  readonly kind: ContainerKind
  readonly raw: object
  readonly proxy: object
  readonly #view: View
  /** Where it stood when it was reached. */
  readonly #path: Path

  constructor(view: View, kind: ContainerKind, raw: object, path: Path) {
    super()
    this.#view = view
    this.kind = kind
    this.raw = raw
    this.#path = path
    this.proxy = createProxy(this)
  }

  path(): Path {
    return containerAt(this.#view.newest(), this.#path) === this.raw ? this.#path : []
  }

  child(key: Key, value: object): unknown {
    return childOf(this.#view, value, this.#path, key)
  }
}

class ReadOnlyState extends RawPart implements StatePart {
  get label(): string {
    return this.#view.label
  }
  readonly kind = 'object'
  readonly shape: StateShape
  readonly inner: object
  readonly #view: View
  readonly #path: readonly string[]
  readonly #substates = new Map<string, ReadOnlyState>()

  constructor(view: View, shape: StateShape, path: readonly string[]) {
    super()
    this.shape = shape
    this.#view = view
    this.#path = path
    this.inner = createStateProxy(this, { backend: true })
  }

  get raw(): object {
    return containerAt(this.#view.newest(), this.#path) as object // a substate is always there
  }

  /** There is nobody in a worker from whom backend fields are kept. */
  get outer(): object {
    return this.inner
  }

  path(): Path {
    return this.#path
  }

  getter(name: string): unknown {
    return this.shape.getters.get(name)?.call(this.inner)
  }

  substate(name: string): StatePart {
    const known = this.#substates.get(name)
    if (known !== undefined) return known
    const shape = this.shape.substates.get(name) as StateShape // the guard asks for declared substates alone
    const substate = new ReadOnlyState(this.#view, shape, [...this.#path, name])
    this.#substates.set(name, substate)
    return substate
  }

  child(key: Key, value: object): unknown {
    return childOf(this.#view, value, this.#path, key)
  }
}

function containerAt(root: object, path: Path): unknown {
  let at: unknown = root
  for (const key of path) {
    if (containerKind(at) === undefined) return undefined
    at = entryOf(at as object, key)
  }
  return at
}

function childOf(view: View, value: object, path: Path, key: Key): unknown {
  const known = view.parts.get(value)
  if (known !== undefined) return known.proxy
  const kind = containerKind(value)
  if (kind === undefined) return value
  const part = new ReadOnlyPart(view, kind, value, [...path, key])
  view.parts.set(value, part)
  return part.proxy
}

/**
 * Makes the read-only view of a replica.
 * @param newest gives the root as it is now
 */
export function createReadOnlyView(shape: StateShape, newest: () => object): object {
  return new ReadOnlyState({ label: 'task.state', newest, parts: new WeakMap() }, shape, []).inner
}

/**
 * Makes the read-only view of a container that is in no state.
 * @param label what messages call it
 */
export function createReadOnlyPart(container: object, kind: ContainerKind, label: string): object {
  return new ReadOnlyPart({ label, newest: () => container, parts: new WeakMap() }, kind, container, []).proxy
}
