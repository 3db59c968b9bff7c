/*
 * Checks of what arrives from the other thread, before anything looks into it.
 *
 * - Everything that a worker sends is checked whole; of what the page sends, what a worker would trip over.
 * - Only own data properties count: an accessor, or a property that a prototype lends, is as good as missing.
 * - Mutations are checked for their form here; whether they fit the state, and what their values hold, is the draft's to say.
 */

import { InvalidMutationError } from '../errors.js'
import type { Change } from '../state/change.js'
import { MAX_COLUMN } from '../state/change.js'
import { containerKind } from '../state/container-kind.js'
import { leafKind } from '../state/leaves.js'
import type { Mutation } from '../state/mutation.js'
import { formatPath } from '../state/mutation.js'
import { isPrimitive } from '../state/values.js'
import type {
  Changes,
  CommitPayload,
  LeaseRequestPayload,
  ProgressPayload,
  ReadyPayload,
  SettledPayload,
  SpecPayload,
  StartPayload,
} from './messages.js'
import { CONCURRENCY } from './messages.js'

/** As deep as a value may be. */
const MAX_PATH = 1_000
/** The longest name or label that a worker may send. */
export const MAX_NAME = 8192
const MAX_TASKS = 10_000
/** More fields than anybody declares at the top level. */
const MAX_SCOPE = 10_000
/** More values than are worth staging for one batch. */
const MAX_STAGED = 10_000
/** A call with more overflows the stack in one engine or another. */
const MAX_ARGUMENTS = 10_000

function own(object: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Its length costs nothing to send: an array of holes says that it has four billion elements. */
function isDense(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= MAX_ARGUMENTS && Object.keys(value).length >= value.length
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_NAME
}

/** Names what is wrong with a key, or undefined. A `Map` may have any primitive for a key: the draft refuses those that an object may not have. */
function keyFault(key: unknown): string | undefined {
  return isPrimitive(key) ? undefined : `a key is no primitive but ${typeof key}`
}

function pathFault(path: unknown, minimum: number): string | undefined {
  if (!Array.isArray(path)) return 'its path is no array'
  if (path.length > MAX_PATH) return `its path has ${path.length} keys, at most ${MAX_PATH} are allowed`
  if (path.length < minimum) return 'its path is empty'
  if (minimum > 0 && typeof path[0] !== 'string') return 'its path does not begin with the name of a field'
  for (const key of path) {
    const fault = keyFault(key)
    if (fault !== undefined) return fault
  }
  return undefined
}

function refsFault(refs: unknown): string | undefined {
  if (refs === undefined) return undefined
  if (!Array.isArray(refs)) return 'its refs are no array'
  for (const ref of refs) {
    if (!isObject(ref)) return 'a ref is no object'
    const fault = pathFault(own(ref, 'at'), 0) ?? pathFault(own(ref, 'from'), 1)
    if (fault !== undefined) return `in a ref, ${fault}`
  }
  return undefined
}

function arrangeFault(keep: unknown, values: unknown): string | undefined {
  if (!Array.isArray(keep) || !Array.isArray(values)) return 'keep and values must be arrays'
  let fresh = 0
  for (const index of keep) {
    if (index === -1) fresh += 1
    else if (!isCount(index))
      return `keep must hold indexes or -1, got ${typeof index === 'number' ? index : `a value of type ${typeof index}`}`
  }
  return fresh === values.length ? undefined : `keep asks for ${fresh} values, but there are ${values.length}`
}

/** What is wrong with each kind of mutation, its path and refs aside. */
const faults: Readonly<Record<Change['op'], (mutation: object) => string | undefined>> = {
  set: (mutation) => (Object.hasOwn(mutation, 'value') ? undefined : 'it has no value'),
  delete: () => undefined,
  splice: (mutation) => {
    if (!isCount(own(mutation, 'index'))) return 'index must be a whole number from 0'
    if (!isCount(own(mutation, 'remove'))) return 'remove must be a whole number from 0'
    return Array.isArray(own(mutation, 'values')) ? undefined : 'values must be an array'
  },
  arrange: (mutation) => arrangeFault(own(mutation, 'keep'), own(mutation, 'values')),
  move: (mutation) =>
    isCount(own(mutation, 'at')) && isCount(own(mutation, 'from'))
      ? undefined
      : 'at and from must be whole numbers from 0',
  add: (mutation) => keyFault(own(mutation, 'value')),
  remove: (mutation) => keyFault(own(mutation, 'value')),
  clear: () => undefined,
  column: (column) => columnFault(own(column, 'field'), own(column, 'indexes'), own(column, 'values')),
}

function columnFault(field: unknown, indexes: unknown, values: unknown): string | undefined {
  const { length } = Object(indexes) as Uint32Array
  const kind = leafOf(values)
  const isColumn =
    typeof field === 'string' &&
    leafOf(indexes) === 'Uint32Array' &&
    length <= MAX_COLUMN &&
    (Array.isArray(values) || kind === 'Int32Array' || kind === 'Float64Array') &&
    (values as ArrayLike<unknown>).length === length
  if (!isColumn) return 'its field, indexes and values make no column'
  return kind === undefined ? (values as unknown[]).map(keyFault).find(Boolean) : undefined
}

function leafOf(value: unknown): string | undefined {
  return isObject(value) ? leafKind(value) : undefined
}

/** @param isFromWorker it may be a column */
function mutationFault(mutation: unknown, isFromWorker: boolean): string | undefined {
  if (!isObject(mutation)) return 'it is no object'
  const op = own(mutation, 'op')
  if (typeof op !== 'string' || !Object.hasOwn(faults, op) || (op === 'column' && !isFromWorker))
    return 'its op is not known'
  return pathFault(own(mutation, 'path'), 1) ?? faults[op as Change['op']](mutation) ?? refsFault(own(mutation, 'refs'))
}

/**
 * Checks the form of mutations as everybody knows them.
 * @throws InvalidMutationError that names the first bad mutation by number, kind and path
 */
export function assertMutations(value: unknown): asserts value is readonly Mutation[] {
  assertBatch(value, 0, false)
}

/**
 * Checks the form of a batch of a worker, in which there may be columns.
 * @param first the number of its first mutation, for messages
 * @throws InvalidMutationError that names the first bad mutation by number, kind and path
 */
export function assertBatch(value: unknown, first = 0, isFromWorker = true): asserts value is readonly Change[] {
  if (!Array.isArray(value)) throw new InvalidMutationError('A batch must be an array of mutations.')
  for (let index = 0; index < value.length; index++) {
    const mutation: unknown = value[index]
    const fault = mutationFault(mutation, isFromWorker)
    if (fault !== undefined) {
      throw new InvalidMutationError(
        `Mutation ${first + index}${describe(mutation)} is invalid: ${fault}. Nothing was applied.`,
      )
    }
  }
}

function describe(mutation: unknown): string {
  if (!isObject(mutation)) return ''
  const op = own(mutation, 'op')
  const path = own(mutation, 'path')
  const where = pathFault(path, 1) === undefined ? ` at ${formatPath(path as unknown[]).slice(0, 200)}` : ''
  return ` (${isText(op) ? op.slice(0, 20) : 'of no kind'}${where})`
}

function assert(condition: boolean, fault: string): asserts condition {
  if (!condition) throw new TypeError(`${fault}.`)
}

function isOptionalNumber(value: unknown, minimum: number): boolean {
  return value === undefined || (Number.isFinite(value) && (value as number) >= minimum)
}

/** @throws TypeError that names the bad field */
export function assertReady(value: unknown): asserts value is ReadyPayload {
  assert(isObject(value), 'ready: the payload is no object')
  assert(isText(own(value, 'state')), 'ready: state must be the full name of a state')
  const tasks = own(value, 'tasks')
  assert(Array.isArray(tasks) && tasks.length <= MAX_TASKS, `ready: tasks must be an array of at most ${MAX_TASKS}`)
  for (const task of tasks) assertTaskInfo(task)
  const lock = own(value, 'lock')
  assert(lock === undefined || isText(lock), 'ready: lock must be the name of a Web Lock')
}

function assertTaskInfo(task: unknown): void {
  assert(isObject(task) && isText(own(task, 'name')), 'ready: a task has no name')
  const concurrency = own(task, 'concurrency')
  const isKnown = concurrency === undefined || (CONCURRENCY as readonly unknown[]).includes(concurrency)
  assert(isKnown, 'ready: the concurrency of a task is not known')
  const most = own(task, 'maxConcurrency')
  assert(most === undefined || (isCount(most) && most > 0), 'ready: maxConcurrency must be a whole number above 0')
  assert(['boolean', 'undefined'].includes(typeof own(task, 'resume')), 'ready: resume must be a boolean')
}

/** @throws TypeError that names the bad option */
export function assertLeaseRequest(value: unknown): asserts value is LeaseRequestPayload {
  assert(isObject(value), 'lease: the request is no object')
  assert(isText(own(value, 'name')), `lease: name must be a string of at most ${MAX_NAME} characters`)
  const ttl = own(value, 'ttl')
  assert(ttl !== 0 && isOptionalNumber(ttl, 0), 'lease: ttl must be a finite number of milliseconds above 0')
  assert(isOptionalNumber(own(value, 'timeout'), 0), 'lease: timeout must be a finite number of milliseconds from 0')
  for (const name of ['ifAvailable', 'revocable']) {
    assert(['boolean', 'undefined'].includes(typeof own(value, name)), `lease: ${name} must be a boolean`)
  }
  const scope = own(value, 'scope')
  const isScope = Array.isArray(scope) && scope.length > 0 && scope.length <= MAX_SCOPE && scope.every(isText)
  assert(scope === undefined || isScope, 'lease: scope must be a list of the names of fields, and not an empty one')
  const again = own(value, 'again')
  assert(again === undefined || isCount(again), 'lease: again must be an epoch')
}

/** @throws TypeError or InvalidMutationError that names what is wrong */
export function assertCommit(value: unknown): asserts value is CommitPayload {
  assertLongCommit(value)
  assertBatch(value.mutations)
}

/** The same, for a batch whose mutations are checked later, some at a time. @throws TypeError or InvalidMutationError */
export function assertLongCommit(value: unknown): asserts value is CommitPayload {
  assert(isObject(value), 'commit: the payload is no object')
  if (!Array.isArray(own(value, 'mutations'))) throw new InvalidMutationError('A batch must be an array of mutations.')
  const specs = own(value, 'specs')
  assert(specs === undefined || Array.isArray(specs), 'commit: specs must be an array')
  for (const spec of specs ?? []) assertSpec(spec)
  const staged = own(value, 'staged')
  assert(
    staged === undefined || (Array.isArray(staged) && staged.length <= MAX_STAGED),
    'commit: staged is no short array',
  )
  for (const place of staged ?? []) assertStagedPlace(place, own(value, 'mutations') as readonly Mutation[])
}

function assertStagedPlace(place: unknown, mutations: readonly Mutation[]): void {
  assert(isObject(place) && isCount(own(place, 'id')), 'commit: a staged value has no number')
  const index = own(place, 'mutation')
  const op = isCount(index) ? mutations[index]?.op : undefined
  assert(op === 'set' || op === 'splice' || op === 'arrange', 'commit: a staged value is for no mutation with a value')
  const fault = pathFault(own(place, 'at'), 0)
  assert(fault === undefined, `commit: of a staged value, ${fault}`)
}

/** Looks at the outermost level only: what the value holds is checked as it is kept. @throws TypeError */
export function assertStage(value: unknown): asserts value is { readonly value: object } {
  assert(isObject(value), 'stage: the payload is no object')
  assert(containerKind(own(value, 'value')) !== undefined, 'stage: the value is no container')
}

/** @throws TypeError that names the bad field */
export function assertSpec(value: unknown): asserts value is SpecPayload {
  assert(isObject(value), 'spec: it is no object')
  const kind = own(value, 'kind')
  assert(kind === 'event' || kind === 'task', 'spec: its kind is not known')
  assert(isText(own(value, 'name')), `spec: name must be a string of at most ${MAX_NAME} characters`)
  const args = own(value, 'args')
  assert(isDense(args), `spec: args must be an array of at most ${MAX_ARGUMENTS}, without holes`)
}

/** @throws TypeError that names the bad field */
export function assertProgress(value: unknown): asserts value is ProgressPayload {
  assert(isObject(value), 'progress: the payload is no object')
  assert(typeof own(value, 'value') === 'number', 'progress: value must be a number')
  const total = own(value, 'total')
  assert(total === undefined || typeof total === 'number', 'progress: total must be a number')
  const label = own(value, 'label')
  assert(label === undefined || isText(label), `progress: label must be a string of at most ${MAX_NAME} characters`)
}

/** The error of a failed run is left to `fromWireError`, which takes anything. @throws TypeError */
export function assertSettled(value: unknown): asserts value is SettledPayload {
  assert(isObject(value), 'settled: the payload is no object')
  const ok = own(value, 'ok')
  assert(typeof ok === 'boolean' && Object.hasOwn(value, ok ? 'value' : 'error'), 'settled: there is no outcome')
}

/** @throws TypeError that names the bad field */
export function assertStart(value: unknown): asserts value is StartPayload {
  assert(isObject(value), 'start: the payload is no object')
  assert(typeof own(value, 'name') === 'string', 'start: name must be a string')
  const args = own(value, 'args')
  assert(isDense(args), `start: args must be an array of at most ${MAX_ARGUMENTS}, without holes`)
  const attempt = own(value, 'attempt')
  assert(attempt === undefined || isCount(attempt), 'start: attempt must be a whole number')
}

/** @throws TypeError that names the bad field */
export function assertWelcome(
  value: unknown,
): asserts value is { readonly token: string; readonly root: Record<string, unknown> } {
  assert(isObject(value), 'welcome: the payload is no object')
  assert(typeof own(value, 'token') === 'string', 'welcome: token must be a string')
  assert(isObject(own(value, 'root')), 'welcome: root must be an object')
}

/** Looks at the outermost level only: the batches come from the page, which has applied them itself. @throws TypeError */
export function assertChanges(value: unknown): asserts value is Changes {
  assert(isObject(value), 'changes: the payload is no object')
  const kind = own(value, 'kind')
  const known =
    kind === 'none' ||
    (kind === 'batches' && Array.isArray(own(value, 'batches')) && Array.isArray(own(value, 'whole'))) ||
    (kind === 'state' && isObject(own(value, 'root')))
  assert(known, 'changes: their kind is not known, or a part is missing')
}
