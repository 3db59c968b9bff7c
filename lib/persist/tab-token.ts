/*
 * The token of a tab: in `sessionStorage`, so that it survives a reload.
 *
 * - A page that is left says so there, and takes the token back if it returns. A page that finds a token which nobody has left
 *   is a duplicate of a tab that goes on: it takes a new one, at once, and remembers whose state it starts from.
 * - After a crash nobody has left it, either: the state moves to a new token. Never have two pages one token while they live.
 */

import { createToken } from '../store/tokens.js'
import type { Surroundings } from './surroundings.js'

export interface TabToken {
  readonly token: string
  /** The token whose state is to be copied first. */
  readonly from: string | undefined
  /** Why the token lasts no longer than this page. */
  readonly problem: unknown
  /** The state was copied. */
  copied(): void
  /** The page is left: the next one in this tab goes on with the token. */
  leave(): void
  /** The page is back. */
  comeBack(): void
}

/** What stands in `sessionStorage`. */
interface Kept {
  readonly token: string
  readonly from?: string | undefined
  readonly isLeft?: boolean
}

/** Takes the token of this tab, for the stores of that name. */
export function takeTabToken(name: string, surroundings: Surroundings): TabToken {
  const key = `leasehold/${encodeURIComponent(name)}`
  let problem: unknown
  let kept: Kept | undefined
  const attempt = (run: (storage: Pick<Storage, 'getItem' | 'setItem'>) => void): void => {
    try {
      const storage = surroundings.tabStorage()
      if (storage !== undefined) run(storage)
    } catch (error) {
      problem ??= error
    }
  }
  attempt((storage) => {
    kept = toKept(storage.getItem(key))
  })
  const isOurs = kept !== undefined && (kept.isLeft === true || surroundings.wasDiscarded)
  const token = isOurs && kept !== undefined ? kept.token : createToken()
  let from = isOurs ? kept?.from : kept?.token
  const keep = (isLeft: boolean) => {
    attempt((storage) => storage.setItem(key, JSON.stringify({ token, from, isLeft } satisfies Kept)))
  }
  keep(false)
  return {
    token,
    problem,
    get from() {
      return from
    },
    copied() {
      from = undefined
      keep(false)
    },
    leave: () => keep(true),
    comeBack: () => keep(false),
  }
}

/** That of a store whose maker gave it one: it is up to them what tab it belongs to. */
export function givenToken(token: string): TabToken {
  return { token, from: undefined, problem: undefined, copied() {}, leave() {}, comeBack() {} }
}

function toKept(text: string | null): Kept | undefined {
  if (text === null) return undefined
  try {
    const kept: Kept | null = JSON.parse(text)
    if (typeof kept?.token === 'string' && ['undefined', 'string'].includes(typeof kept.from)) return kept
  } catch {
    // somebody else's
  }
  return undefined
}
