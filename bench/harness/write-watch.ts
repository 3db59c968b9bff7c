import { wireSize } from './wire-size.js'

/** What was handed to IndexedDB while it was watched. */
export interface WriteWatch {
  /** Ends the watch and gives the bytes of the records. To be called when time has been taken: it sizes each of them. */
  stop(): number
}

/** The records of the watch that is going on. */
let noted: unknown[] | undefined

/** Notes, from now on, every record that this page puts into IndexedDB. One watch at a time. */
export function watchWrites(): WriteWatch {
  noteWrites()
  const own: unknown[] = []
  noted = own
  return {
    stop() {
      noted = undefined
      return own.reduce((sum: number, record) => sum + wireSize(record), 0)
    },
  }
}

let isNoting = false

function noteWrites(): void {
  if (isNoting) return
  isNoting = true
  const { put } = IDBObjectStore.prototype
  IDBObjectStore.prototype.put = function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
    noted?.push(value)
    return put.call(this, value, key)
  }
}
