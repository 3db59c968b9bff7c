/*
 * Leaves: the objects that state holds whole.
 *
 * - What a value is, the engine says, not the value: a class that calls itself a Date is none.
 * - Those that can be changed in place are copied as they come in, into plain ones of this realm.
 */

/** The engine's own getter, which fails on anything but the real thing, of whatever realm. */
export function getterOf(prototype: object, key: PropertyKey): () => unknown {
  return Object.getOwnPropertyDescriptor(prototype, key)?.get as () => unknown
}

export function hasSlot(getter: () => unknown, value: object): boolean {
  try {
    getter.call(value)
    return true
  } catch {
    return false
  }
}

const nameOfView = getterOf(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
const lengthOfBuffer = getterOf(ArrayBuffer.prototype, 'byteLength')

/** What a value says it is, or, where it says nothing, what the engine says. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/** Which leaf a value is, whatever it says of itself: undefined for none. */
export function leafKind(value: object): string | undefined {
  if (ArrayBuffer.isView(value)) return (nameOfView.call(value) as string | undefined) ?? 'DataView'
  const tag = tagOf(value)
  // Where nobody has named the object, the engine says what it is.
  const isNamed = (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] !== undefined
  if (tag === 'Date' || tag === 'RegExp' || tag === 'Error') return isNamed ? undefined : tag
  if (tag === 'ArrayBuffer') return hasSlot(lengthOfBuffer, value) ? tag : undefined
  if (tag === 'Blob' || tag === 'File' || tag === 'DOMException') return isOfPlatform(tag, value) ? tag : undefined
  return undefined
}

function isOfPlatform(name: string, value: object): boolean {
  const known = Reflect.get(globalThis, name) as (new () => object) | undefined // not every engine has them all
  if (known === undefined) return false
  if (value instanceof known) return true
  const slot = getterOf(known.prototype, name === 'DOMException' ? 'name' : name === 'File' ? 'lastModified' : 'size')
  return slot !== undefined && hasSlot(slot, value)
}

/** A copy of a leaf that could be changed in place, as a plain one of this realm. */
export function copyLeaf(kind: string, leaf: object): object {
  if (ArrayBuffer.isView(leaf)) {
    const bytes = new Uint8Array(leaf.byteLength)
    bytes.set(new Uint8Array(leaf.buffer, leaf.byteOffset, leaf.byteLength))
    const View = Reflect.get(globalThis, kind) as new (buffer: ArrayBuffer) => ArrayBufferView // its name is the engine's own
    return new View(bytes.buffer)
  }
  if (kind === 'Date') return new Date(Date.prototype.getTime.call(leaf))
  if (kind === 'ArrayBuffer') return new Uint8Array(leaf as ArrayBuffer).slice().buffer
  return leaf // the others cannot be changed, or nobody does
}
