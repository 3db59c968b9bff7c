/*
 * Errors across the thread boundary.
 *
 * - Errors of this library and of the language come back with their class, DOMExceptions too; an error of the user's own
 *   class keeps name, message, code, cause and stack; a thrown value that is no error crosses as a value.
 * - Both stacks: where it was thrown, then where it was received.
 * - Bounded: texts are cut at 8 kB, causes at 8 levels, and one error has at most 256 others in it. Neither function throws,
 *   whatever it is given.
 */

import { errorClasses, nameOfCode, STORAGE_ERROR_REASONS, StorageError } from '../errors.js'
import type { WireError } from './messages.js'

/** A hostile or looping peer must not fill the page with texts. */
const MAX_TEXT = 8192
const MAX_DEPTH = 8
const MAX_PARTS = 64
/** In all: 64 parts that are one and the same, on each of 8 levels, would be more errors than there is time for. */
const MAX_ERRORS = 256

interface Budget {
  errors: number
}

const builtInClasses: Readonly<Record<string, new (message: string, options?: { cause?: unknown }) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/** Makes plain data of an error, or of whatever else was thrown. */
export function toWireError(error: unknown): WireError {
  return toWire(error, 0, { errors: MAX_ERRORS })
}

function toWire(error: unknown, depth: number, budget: Budget): WireError {
  budget.errors -= 1
  if (budget.errors < 0) return { ...noError, name: 'Error', message: LEFT_OUT }
  const tag = tagOf(error)
  if (tag !== 'Error' && tag !== 'DOMException') {
    return {
      ...noError,
      message: toText(error),
      thrown: { value: toCloneable(error) },
    }
  }
  const code = tag === 'Error' ? get(error, 'code') : undefined
  const path = get(error, 'path')
  const name = toText(get(error, 'name'))
  const errors = name === 'AggregateError' ? get(error, 'errors') : undefined
  return {
    name,
    message: toText(get(error, 'message')),
    stack: toOptionalText(get(error, 'stack')),
    code: typeof code === 'number' ? code : toOptionalText(code),
    cause: toWireCause(get(error, 'cause'), depth + 1, budget),
    path: Array.isArray(path) ? path.slice(0, MAX_PARTS).map(toKey) : undefined,
    ...(code === StorageError.code && { reason: toText(get(error, 'reason')) }),
    ...(tag === 'DOMException' && { dom: true }),
    ...(Array.isArray(errors) &&
      depth < MAX_DEPTH && { errors: errors.slice(0, MAX_PARTS).map((one) => toWire(one, depth + 1, budget)) }),
  }
}

const LEFT_OUT = 'An error that was left out: there are too many in one.'

const noError: WireError = {
  name: '',
  message: '',
  stack: undefined,
  code: undefined,
  cause: undefined,
  path: undefined,
}

function toWireCause(cause: unknown, depth: number, budget: Budget): WireError['cause'] {
  if (cause === undefined || depth > MAX_DEPTH) return undefined
  const wire = toWire(cause, depth, budget)
  return wire.thrown ?? wire
}

/** Makes the error again that {@link toWireError} was given. Whatever it is given itself, it returns something to throw. */
export function fromWireError(wire: unknown): unknown {
  try {
    return fromWire(wire, 0, { errors: MAX_ERRORS })
  } catch {
    return new Error('An error arrived that could not be read.')
  }
}

function fromWire(wire: unknown, depth: number, budget: Budget): unknown {
  budget.errors -= 1
  if (budget.errors < 0) return new Error(LEFT_OUT)
  if (typeof wire !== 'object' || wire === null)
    return new Error(`An error arrived that could not be read: ${textOf(wire)}`)
  const thrown = own(wire, 'thrown')
  if (thrown !== undefined) return own(thrown, 'value')
  const name = textOf(own(wire, 'name')) || 'Error'
  const code = own(wire, 'code')
  const cause = own(wire, 'cause')
  const error = makeError(wire, name, depth, budget)
  if (typeof cause === 'object' && cause !== null && depth < MAX_DEPTH) {
    define(error, 'cause', Object.hasOwn(cause, 'value') ? own(cause, 'value') : fromWire(cause, depth + 1, budget))
  }
  if ((typeof code === 'string' || typeof code === 'number') && !('code' in error)) {
    Object.assign(error, { code: typeof code === 'string' ? code.slice(0, MAX_TEXT) : code })
  }
  const stack = own(wire, 'stack')
  if (typeof stack === 'string') define(error, 'stack', `${cut(stack)}\n    --- received by ---\n${framesOf(error)}`)
  return error
}

function makeError(wire: object, name: string, depth: number, budget: Budget): Error {
  const message = textOf(own(wire, 'message'))
  if (own(wire, 'dom') === true) return new DOMException(message, name)
  const path = own(wire, 'path')
  const code = own(wire, 'code')
  const known = errorClasses.find((one) => one.code === code && nameOfCode(one.code) === name)
  if (known) {
    // Only NotCloneableError looks at `path`, and only StorageError at `reason`.
    const reason = STORAGE_ERROR_REASONS.find((one) => one === own(wire, 'reason'))
    return new known(message, { path: Array.isArray(path) ? path.slice(0, MAX_PARTS) : [], reason } as object)
  }
  if (name === 'AggregateError') {
    const errors = own(wire, 'errors')
    const parts = Array.isArray(errors) && depth < MAX_DEPTH ? errors.slice(0, MAX_PARTS) : []
    return new AggregateError(
      parts.map((one) => fromWire(one, depth + 1, budget)),
      message,
    )
  }
  const builtIn = Object.hasOwn(builtInClasses, name) ? builtInClasses[name] : undefined
  const error = new (builtIn ?? Error)(message)
  if (!builtIn) define(error, 'name', name)
  return error
}

/** Like the properties that the language gives errors: not enumerable. */
function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true })
}

/** The frames of an error's own stack: V8 puts name and message before them. */
function framesOf(error: Error): string {
  const stack = String(error.stack)
  return stack.slice(Math.max(0, stack.search(/^\s+at /m)))
}

function own(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null && Object.hasOwn(object, key) ? get(object, key) : undefined
}

function get(object: unknown, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key]
  } catch {
    return undefined // a getter of the user's class that throws
  }
}

/** Errors of another realm (an iframe, a test environment) are errors too, so the tag decides and not `instanceof`. */
function tagOf(value: unknown): string {
  try {
    const tag = Object.prototype.toString.call(value).slice(8, -1)
    return tag !== 'DOMException' && value instanceof Error ? 'Error' : tag
  } catch {
    return '' // a proxy whose traps throw
  }
}

function toCloneable(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return toText(value)
  }
}

/** A step of a path is a primitive; a symbol or an object would not cross, or would drag in what it holds. */
function toKey(key: unknown): unknown {
  return (typeof key === 'object' && key !== null) || typeof key === 'symbol' || typeof key === 'function'
    ? toText(key)
    : typeof key === 'string'
      ? cut(key)
      : key
}

function toOptionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? cut(value) : undefined
}

/** A text that arrived. What is none is not made one: an array may have the same array in it over and over. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return cut(value)
  return typeof value === 'object' || typeof value === 'bigint' ? '' : String(value ?? '')
}

function toText(value: unknown): string {
  try {
    return cut(String(Array.isArray(value) ? Object.prototype.toString.call(value) : value))
  } catch {
    return 'a value that cannot be written as a string'
  }
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text
}
