/*
 * The door of `leasehold/persist`: state that outlives the page.
 */

export type { IdbStorage, IdbStorageOptions } from './idb-storage.js'
export { idbStorage } from './idb-storage.js'
export { type PersistOptions, persist } from './persist.js'
export type { StateStorage, StorageChange, StorageExpectation, StorageWriteOptions } from './storage.js'
export { assertExpected } from './storage.js'
