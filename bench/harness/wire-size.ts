/*
 * How many bytes a value takes on the wire between two threads: what V8's serializer would write for it, computed without
 * writing it. The browser shows that number to nobody, and a second serialization of a million rows would cost more than the first.
 *
 * - Strings of Latin-1 letters take a byte each, others two; integers of 31 bits a varint; all other numbers eight bytes.
 * - A thing that occurs twice is written once. What is transferred takes a few bytes and is left out.
 */

function varint(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1
  return bytes
}

function stringSize(text: string): number {
  let wide = false
  for (let index = 0; index < text.length && !wide; index += 1) wide = text.charCodeAt(index) > 255
  const bytes = wide ? text.length * 2 : text.length
  return 1 + varint(bytes) + bytes
}

function numberSize(value: number): number {
  const small = Number.isInteger(value) && !Object.is(value, -0) && value >= -(2 ** 30) && value < 2 ** 30
  return small ? 1 + varint(value >= 0 ? value * 2 : -value * 2 - 1) : 9
}

class Sizer {
  readonly #seen = new Map<object, number>()
  readonly #left: ReadonlySet<unknown>

  constructor(transferred: readonly unknown[]) {
    this.#left = new Set(transferred)
  }

  of(value: unknown): number {
    if (typeof value === 'string') return stringSize(value)
    if (typeof value === 'number') return numberSize(value)
    if (typeof value === 'bigint') return 10
    if (typeof value !== 'object' || value === null) return 1
    return this.#ofObject(value)
  }

  #ofObject(value: object): number {
    if (this.#left.has(value)) return 2
    const seen = this.#seen.get(value)
    if (seen !== undefined) return 1 + varint(seen)
    this.#seen.set(value, this.#seen.size)
    if (Array.isArray(value)) return this.#ofArray(value)
    if (value instanceof Map) {
      let bytes = 2 + varint(value.size * 2)
      for (const [key, entry] of value) bytes += this.of(key) + this.of(entry)
      return bytes
    }
    if (value instanceof Set) {
      let bytes = 2 + varint(value.size)
      for (const entry of value) bytes += this.of(entry)
      return bytes
    }
    if (value instanceof Date) return 9
    if (ArrayBuffer.isView(value)) return value.byteLength + 8
    if (value instanceof ArrayBuffer) return value.byteLength + 4
    return this.#ofEntries(value)
  }

  #ofArray(value: readonly unknown[]): number {
    let bytes = 3 + 2 * varint(value.length)
    for (const entry of value) bytes += this.of(entry)
    return bytes
  }

  #ofEntries(value: object): number {
    let bytes = 2
    let count = 0
    for (const [key, entry] of Object.entries(value)) {
      bytes += this.of(key) + this.of(entry)
      count += 1
    }
    return bytes + varint(count)
  }
}

/** Gives the bytes of a message, without its header. */
export function wireSize(value: unknown, transferred: readonly unknown[] = []): number {
  return new Sizer(transferred).of(value)
}
