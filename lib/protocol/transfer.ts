/*
 * Transferring: a buffer or a port moves to the other thread instead of being copied.
 *
 * - A value is marked, and stays what it is. Its mark counts where it is sent as it stands: an argument, a result.
 * - Marks are kept here and not in Comlink, whose own belong to whoever else uses it on the page.
 */

import { detach } from '../state/detach.js'

const marks = new WeakMap<object, readonly Transferable[]>()

/**
 * Marks an argument or a result of a task, so that what it names moves to the other thread and is not copied: in
 * `store.tasks.NAME(…)`, in `emit` and `start`, in their specs, and in what a task returns.
 *
 * What has moved is gone where it came from; so never transfer a buffer that is in state. A call that fails has moved nothing.
 * A run that has to wait for its worker takes what it names with it at once. Between handlers of the page nothing moves.
 *
 * @param value the argument or the result itself, not a part of it
 * @param transferables buffers, ports, streams and the like that stand in it
 * @returns `value`
 * @throws TypeError for a value that is no object, or for an entry that cannot be one: of a typed array name its `buffer`
 * @example
 * const run = store.tasks.decode(transfer(buffer, [buffer]))
 * // in the task
 * return transfer(pixels, [pixels.buffer])
 */
export function transfer<T extends object>(value: T, transferables: readonly Transferable[]): T {
  if (!isObject(value)) throw new TypeError(`transfer: the value must be an object, got ${describe(value)}.`)
  for (const item of transferables as readonly unknown[]) {
    if (isObject(item) && !ArrayBuffer.isView(item)) continue
    const what = ArrayBuffer.isView(item) ? 'a typed array: name its buffer' : describe(item)
    throw new TypeError(`transfer: only buffers, ports and the like can be transferred, got ${what}.`)
  }
  marks.set(value, [...transferables])
  return value
}

/** What is to be transferred with these values; each once. */
export function transferablesOf(values: readonly unknown[]): Transferable[] {
  return [...new Set(values.flatMap(marksOf))]
}

/** Detaches values from the state, and keeps their marks. */
export function detachMarked(values: readonly unknown[]): readonly unknown[] {
  const detached = detach(values)
  if (detached !== values) for (const [index, value] of values.entries()) mark(detached[index], marksOf(value))
  return detached
}

/**
 * Copies values by structured clone. What is marked in them moves into the copies, which are marked for their next way.
 * @throws whatever structured clone does, and for a buffer that has moved before; then nothing has moved
 */
export function copyMarked(values: readonly unknown[]): readonly unknown[] {
  const all = transferablesOf(values)
  if (all.length === 0) return structuredClone(values)
  if (all.some(isDetached)) throw new TypeError('A buffer was transferred before.') // not every platform refuses it
  const copy = structuredClone({ values, all }, { transfer: all })
  for (const [index, value] of values.entries()) {
    const moved = marksOf(value).map((item) => copy.all[all.indexOf(item)] as Transferable) // each is in `all`
    mark(copy.values[index], moved)
  }
  return copy.values
}

/** Whether this is a buffer whose data was transferred before, or a view of one. */
export function isDetached(value: unknown): boolean {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value
  if (!(buffer instanceof ArrayBuffer)) return false
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

function marksOf(value: unknown): readonly Transferable[] {
  return (isObject(value) && marks.get(value)) || []
}

function mark(value: unknown, transferables: readonly Transferable[]): void {
  if (isObject(value) && transferables.length > 0) marks.set(value, transferables)
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value
}
