import { NotCloneableError } from '../errors.js'
import { tagOf } from '../state/leaves.js'
import { formatPath } from '../state/mutation.js'
import { isDetached } from './transfer.js'

/**
 * Makes the error for a value that structured clone refused, with the path to what it refused.
 *
 * @param subject what `value` is, as its message names it: `the result of task "x"`
 * @param cause what structured clone threw
 * @param transfer what was to be transferred: not at fault, unless it is gone already
 */
export function toNotCloneable(
  value: unknown,
  subject: string,
  cause: unknown,
  transfer: readonly Transferable[] = [],
): NotCloneableError {
  const path: unknown[] = []
  let at = value
  const fine = new Set<unknown>(transfer.filter((item) => !isDetached(item)))
  const isFine = (part: unknown) => fine.has(part)
  const isRefused = (part: unknown): boolean => {
    if (isFine(part) || canClone(part)) return false
    // What holds a port is refused here, where nothing is transferred, and at fault only if some other part of it is.
    return !holds(part, isFine) || partsOf(part).some(([, inner]) => isRefused(inner))
  }
  // Down to the innermost value that is refused, or as deep as anybody reads. In cycles each step goes to a new value.
  const seen = new Set<unknown>([value])
  while (path.length < 64) {
    const next = partsOf(at).find(([, part]) => !seen.has(part) && isRefused(part))
    if (!next) break
    path.push(next[0])
    at = next[1]
    seen.add(at)
  }
  const where = path.length === 0 ? subject : `${formatPath(path)} in ${subject}`
  return new NotCloneableError(faultOf(at, where, path.length === 0 && fine.size > 0, cause), { cause, path })
}

function faultOf(value: unknown, where: string, isOfTransfer: boolean, cause: unknown): string {
  if (isDetached(value)) {
    return `${describe(value)} that was transferred before cannot cross to another thread: ${where}. Its data is gone here: send a copy the first time.`
  }
  if (isOfTransfer) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return `What was to be transferred with ${where} cannot be (${reason}). Was it transferred before?`
  }
  return `${describe(value)} cannot cross to another thread: ${where}. Send plain data: objects, arrays, maps, sets, primitives.`
}

function holds(value: unknown, isWanted: (part: unknown) => boolean, seen: Set<unknown> = new Set()): boolean {
  if (isWanted(value)) return true
  if (seen.has(value)) return false
  seen.add(value)
  return partsOf(value).some(([, part]) => holds(part, isWanted, seen))
}

function canClone(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

function partsOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  try {
    if (ArrayBuffer.isView(value)) return []
    if (value instanceof Map) return [...value]
    if (value instanceof Set || Array.isArray(value)) return [...value].map((member, index) => [index, member])
    return typeof value === 'object' && value !== null ? Object.entries(value) : []
  } catch {
    return [] // a getter threw, or the trap of a proxy: then it is at fault itself
  }
}

function describe(value: unknown): string {
  if (typeof value !== 'object') return `A ${typeof value}`
  const name = tagOf(value)
  return name === 'Object' || name === 'Array' ? `A proxy or an accessor (${name})` : `A ${name}`
}
