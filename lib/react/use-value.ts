/*
 * `useValue`: one value of the state in a component.
 *
 * - The component renders again when the value has changed, and not when something else of the state has.
 * - Rendering leaves nothing behind: the MobX reaction is made by an effect and disposed of by its cleanup, so a render that
 *   is thrown away (StrictMode, Suspense, concurrent rendering) can leak nothing, and never moves what the screen follows.
 * - What changed between a render and its effects is found by the effect.
 * - The function is the only thing that reads state, so what the React Compiler memoizes around it is right.
 */

import { isObservable, Reaction, untracked } from 'mobx'
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { unwrap } from '../state/plain.js'

/** What a function gave when it was last called. */
type Seen<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }

/** A function that reads, with what it gave last. */
interface Reading<T> {
  readonly read: () => T
  seen: Seen<T> | undefined
}

/**
 * Reads a value of the state, and renders the component again when it changes.
 *
 * "Changes" is by `Object.is`; an array or plain object that the function makes counts as changed when one of its entries
 * does. A part of `store.state` (a list, a row) is always the same object, whatever changes in it: read what you show inside
 * the function (`rows.length`, `rows.map((row) => row.name)`, `toPlain(rows)`), or wrap the component in `observer`.
 *
 * @param read reads from `store.state`, `store.line`, `store.backgroundTasks`, a run, or anything else that MobX observes. It
 *   may use props. Called while rendering, after it if it is a new function, and when something that it has read changes: it
 *   must have no effects
 * @returns what `read` gave
 * @throws what `read` throws, while rendering: an error boundary sees it
 * @example
 * function Count() {
 *   const counter = useValue(() => store.state.counter)
 *   return <output>{counter}</output>
 * }
 */
export function useValue<T>(read: () => T): T {
  const [follower] = useState(() => new Follower<T>())
  const reading = useMemo((): Reading<T> => ({ read, seen: undefined }), [read])
  const getSnapshot = useMemo(() => () => follower.look(reading), [follower, reading])
  // Before useSyncExternalStore, whose effect subscribes: it has to find the function of this render.
  useEffect(() => follower.follow(reading), [follower, reading])
  return useSyncExternalStore(follower.subscribe, getSnapshot, getSnapshot)
}

/** Follows, for one component, the function of the render that is on the screen. */
class Follower<T> {
  #followed: Reading<T> | undefined
  #reaction: Reaction | undefined
  #changed: () => void = () => {}

  /** What a reading gives now; the same value until it changes. Called while rendering: moves nothing that is followed. */
  readonly look = (reading: Reading<T>): T => {
    const isFollowed = this.#reaction !== undefined && this.#followed === reading
    if (!isFollowed || reading.seen === undefined) {
      const before = reading.seen ?? this.#followed?.seen
      reading.seen = keepSame(
        before,
        untracked(() => see(reading.read)),
      )
    }
    const { seen } = reading
    if (seen.ok) return seen.value
    throw seen.error
  }

  readonly follow = (reading: Reading<T>): void => {
    this.#followed = reading
    if (this.#reaction !== undefined) this.#track()
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#changed = changed
    this.#reaction = new Reaction('useValue', () => this.#track())
    this.#track()
    return () => {
      this.#reaction?.dispose()
      this.#reaction = undefined
    }
  }

  /** Reads as the reaction, and tells React if it is not what was rendered. */
  #track(): void {
    const reading = this.#followed
    if (reading === undefined) return
    const before = reading.seen
    this.#reaction?.track(() => {
      reading.seen = keepSame(before, see(reading.read))
    })
    if (reading.seen !== before) this.#changed()
  }
}

function see<T>(read: () => T): Seen<T> {
  try {
    return { ok: true, value: read() }
  } catch (error) {
    return { ok: false, error }
  }
}

/** The one before, if the value is the same: React takes another object for a change, and would never come to rest. */
function keepSame<T>(before: Seen<T> | undefined, now: Seen<T>): Seen<T> {
  if (before === undefined || !before.ok || !now.ok) return now
  return isSame(before.value, now.value) ? before : now
}

function isSame(before: unknown, now: unknown): boolean {
  if (Object.is(before, now)) return true
  if (!isMade(before) || !isMade(now) || Array.isArray(before) !== Array.isArray(now)) return false
  const keys = Object.keys(now)
  return (
    keys.length === Object.keys(before).length &&
    keys.every((key) => Object.hasOwn(before, key) && Object.is(before[key], now[key]))
  )
}

/** Whether it is plain data. Two views with the same content are still two rows. */
function isMade(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || unwrap(value) !== value || isObservable(value)) return false
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}
