/*
 * The arguments of calls: small primitives, which Comlink's format wraps and a frame does not.
 */

export type Primitive = string | number | bigint | boolean | null | undefined

/** Of the id of a call, and of a string among its arguments. */
export const MAX_ID_LENGTH = 128

export function toRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new TypeError('something in it is no object')
  return value as Record<string, unknown>
}

export function toRaw<T>(value: T): { readonly type: 'RAW'; readonly value: T } {
  return { type: 'RAW', value }
}

export function isShort(value: unknown, most: number): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= most
}

/** An argument as Comlink writes it; for any other an object, which is refused. */
export function fromRaw(wire: unknown): unknown {
  const { type, value } = toRecord(wire)
  return type === 'RAW' ? value : wire
}

/** Arguments become keys of maps, and stand in messages. */
export function isSmallPrimitive(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= MAX_ID_LENGTH
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value
  return value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean'
}
