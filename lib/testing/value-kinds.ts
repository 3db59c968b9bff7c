/**
 * A kind of values that state may hold.
 *
 * - `plain`: objects, arrays, texts, finite numbers, booleans, null
 * - `surrogate`: texts that have no UTF-8, as they hold half a pair of surrogates
 * - `numbers`: those that JSON does not know: NaN, the infinities, -0
 * - `bytes`: typed arrays and their buffers
 */
export type ValueKind =
  | 'plain'
  | 'surrogate'
  | 'undefined'
  | 'numbers'
  | 'bigint'
  | 'date'
  | 'regexp'
  | 'map'
  | 'set'
  | 'bytes'
  | 'blob'
  | 'error'

/** One value of each kind, made anew at each call. */
export const samples: Readonly<Record<ValueKind, () => unknown>> = {
  plain: () => ({
    empty: {},
    none: null,
    list: [1, 'two', [true, false], {}],
    text: 'é \u0000 \u2028 😀 "quoted" \\ </script>',
    numbers: [0, -1.5, 1e21, Number.MAX_SAFE_INTEGER, 5e-324],
    'a.b': { '': { 10: 'ten', 9: 'nine', $: 'value' } },
    long: 'x'.repeat(10_000),
  }),
  surrogate: () => 'half \ud83d',
  undefined: () => ({ field: undefined, list: [undefined, 1, undefined] }),
  numbers: () => [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0],
  bigint: () => ({ large: 2n ** 70n, negative: -1n }),
  date: () => [new Date(0), new Date(Number.NaN)],
  regexp: () => /a\/b/giu,
  map: () =>
    new Map<unknown, unknown>([
      ['b', { inner: new Map([[1, 'one']]) }],
      ['a', []],
      [1, 'number'],
      ['1', 'text'],
      [null, true],
    ]),
  set: () => new Set<unknown>(['b', 'a', 1, '1']),
  bytes: () => ({
    floats: Float64Array.of(1.5, Number.NaN),
    part: new Uint16Array(Uint16Array.of(1, 2, 3, 4).buffer, 2, 2),
    buffer: Uint8Array.of(0, 127, 128, 255).buffer,
    empty: new Uint8Array(0),
  }),
  blob: () => [new Blob(['some ', 'text'], { type: 'text/plain' }), new File(['more'], 'name.txt')],
  error: () => new RangeError('out of range'),
}

export const valueKinds: readonly ValueKind[] = Object.keys(samples) as ValueKind[] // a literal: it has these keys alone
