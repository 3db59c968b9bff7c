/*
 * The containers of the cases about size: an array, an object and a Map of small records.
 */

export type Container = 'list' | 'record' | 'map'

export interface Entry {
  readonly id: number
  value: number
}

/** What has one of the containers filled: a draft, an observable, plain data. */
export interface EntryHolder {
  list: Entry[]
  record: Record<string, Entry>
  map: Map<number, Entry>
}

/** Makes the three containers, with so many entries in one of them. */
export function makeEntries(container: Container, size: number): EntryHolder {
  const holder: EntryHolder = { list: [], record: {}, map: new Map() }
  for (let id = 0; id < size; id += 1) {
    const entry = { id, value: 0 }
    if (container === 'list') holder.list.push(entry)
    else if (container === 'record') holder.record[keyOf(id)] = entry
    else holder.map.set(id, entry)
  }
  return holder
}

/** The key of an entry in the object. A number would make an array of it. */
export function keyOf(id: number): string {
  return `k${id}`
}

/** The same for what can only be read. */
export interface ReadonlyEntryHolder {
  readonly list: readonly Readonly<Entry>[]
  readonly record: Readonly<Record<string, Readonly<Entry>>>
  readonly map: ReadonlyMap<number, Readonly<Entry>>
}

/** Gives the entry of that number in the container that is filled. */
export function entryOf(holder: EntryHolder, container: Container, id: number): Entry
export function entryOf(holder: ReadonlyEntryHolder, container: Container, id: number): Readonly<Entry>
export function entryOf(holder: ReadonlyEntryHolder, container: Container, id: number): Readonly<Entry> {
  const entry =
    container === 'list' ? holder.list[id] : container === 'record' ? holder.record[keyOf(id)] : holder.map.get(id)
  if (!entry) throw new Error(`there is no entry ${id}`)
  return entry
}
