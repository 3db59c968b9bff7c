import { detach } from '../state/detach.js'

/**
 * Gives `use` a value that is to cross to a worker and, if that is refused, the value with plain data in the place of
 * parts of `store.state`, of drafts and of snapshots.
 * @throws what `use` throws
 */
export function withPlain<T, R>(value: T, use: (plain: T) => R): R {
  try {
    return use(value)
  } catch {
    return use(detach(value)) // what is refused then is named in its own error
  }
}
