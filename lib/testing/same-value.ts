import { tagOf } from '../state/leaves.js'
import { formatPath } from '../state/mutation.js'

/**
 * Finds where a value that was stored differs from what was written: undefined if they are the same, order of keys included.
 *
 * @returns the difference in words, with the path to it
 */
export async function findDifference(
  actual: unknown,
  expected: unknown,
  path: readonly unknown[] = [],
): Promise<string | undefined> {
  const at = path.length === 0 ? 'the value' : formatPath(path)
  if (typeof expected !== 'object' || expected === null) {
    return Object.is(actual, expected) ? undefined : `${at} is ${show(actual)}, not ${show(expected)}`
  }
  if (tagOf(actual) !== tagOf(expected)) return `${at} is ${show(actual)}, not ${show(expected)}`
  for (const [key, part] of await partsOf(expected)) {
    const found = (await partsOf(actual as object)).find(([other]) => Object.is(other, key))
    if (found === undefined) return `${at} has nothing under ${show(key)}`
    const difference = await findDifference(found[1], part, [...path, key])
    if (difference !== undefined) return difference
  }
  const keysOf = (parts: readonly (readonly [unknown, unknown])[]) => parts.map(([key]) => show(key)).join(', ')
  const [there, wanted] = [keysOf(await partsOf(actual as object)), keysOf(await partsOf(expected))]
  return there === wanted ? undefined : `${at} has ${there}, not ${wanted}`
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return `a ${tagOf(value)}`
  return Object.is(value, -0) ? '-0' : typeof value === 'bigint' ? `${value}n` : String(value)
}

/** All that makes a value what it is, as entries. */
async function partsOf(value: object): Promise<readonly (readonly [unknown, unknown])[]> {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    return Array.from(bytes, (byte, index) => [index, byte] as const)
  }
  switch (tagOf(value)) {
    case 'Map':
      return [...(value as Map<unknown, unknown>)]
    case 'Array':
      return [...(value as unknown[]).entries()]
    case 'Set':
      return [...(value as Set<unknown>)].map((member) => [member, member])
    case 'ArrayBuffer':
      return partsOf(new Uint8Array(value as ArrayBuffer))
    case 'Date':
      return [['time', (value as Date).getTime()]]
    case 'RegExp':
      return [['text', String(value)]]
    case 'Error':
      return [
        ['name', (value as Error).name],
        ['message', (value as Error).message],
      ]
    case 'Blob':
    case 'File': {
      const { type, size, name } = value as File
      return [
        ['type', type],
        ['size', size],
        ['name', name],
        ['text', await (value as Blob).text()],
      ]
    }
    default:
      return Object.entries(value)
  }
}
