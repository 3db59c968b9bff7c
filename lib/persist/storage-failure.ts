import type { StorageErrorReason } from '../errors.js'
import { StorageError } from '../errors.js'

type Account = readonly [reason: StorageErrorReason, text: string]

const noDatabase: Account = [
  'unavailable',
  'the browser gives this page no IndexedDB. Allow the site to store data, or serve the page from an origin of its own.',
]

/** By name: the message of some is empty, and their class differs from browser to browser. */
const accounts: Readonly<Record<string, Account>> = {
  QuotaExceededError: ['quota', 'there is no space left for this site. Delete what is no longer needed.'],
  SecurityError: noDatabase,
  NotSupportedError: noDatabase,
  DataCloneError: ['value', 'it cannot be cloned. Keep plain data in state.'],
  NotFoundError: ['failed', 'the database has another object store. Give idbStorage another databaseName.'],
  DataLossError: ['lost', 'the browser found its files damaged, and has deleted all that was stored.'],
  TimeoutError: ['timeout', 'another tab may be in the way. Close it, or try again.'],
}

/**
 * Makes the StorageError for what IndexedDB gave.
 *
 * @param action what was tried, as a message begins: `Writing 3 records to database "x"`
 */
export function toStorageError(action: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause))
  const [reason, text] = (Object.hasOwn(accounts, name) && accounts[name]) || ['failed', 'it may work at the next try.']
  return new StorageError(`${action} failed (${message ? `${name}: ${message}` : name}): ${text}`, { cause, reason })
}
