/*
 * `useValue`: one value of the state in a component.
 *
 * - The component renders again when the value has changed, and not when something else of the state has.
 * - Rendering leaves nothing behind: the MobX reaction is made by an effect and disposed of by its cleanup, so a render that
 *   is thrown away (StrictMode, Suspense, concurrent rendering) can leak nothing, and never moves what the screen follows.
 * - What changed between a render and its effects is found by the effect.
 * - It comes to rest, whatever the function makes: an object that is new each time is no change by itself.
 * - The function is the only thing that reads state, so what the React Compiler memoizes around it is right.
 */

import { Reaction, untracked } from 'mobx'
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import type { Comparison } from './compare-values.js'
import { compareValues } from './compare-values.js'

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
 * "Changes" is by `Object.is`; arrays and plain objects that the function makes are compared by their content. A part of
 * `store.state` (a list, a row) is always the same object, whatever changes in it: read what you show inside the function
 * (`rows.length`, `rows.map((row) => row.name)`, `toPlain(rows)`), or wrap the component in `observer`.
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
  /** An effect has once found a value of which nothing can be said, and rendered again to be sure. */
  #doubted = false
  #changed: () => void = () => {}

  /** What a reading gives now; the same value until it changes. Called while rendering: moves nothing that is followed. */
  readonly look = (reading: Reading<T>): T => {
    const isFollowed = this.#reaction !== undefined && this.#followed === reading
    if (!isFollowed || reading.seen === undefined) {
      const now = untracked(() => see(reading.read))
      // React asks again before anything can have told it of a change: of two values that can't be compared it gets the first.
      const before = reading.seen ?? this.#followed?.seen
      const comparison = compare(before, now)
      const isSame = comparison === 'same' || (comparison === 'unknown' && reading.seen !== undefined)
      reading.seen = isSame && before !== undefined ? before : now
    }
    const { seen } = reading
    if (seen.ok) return seen.value
    throw seen.error
  }

  readonly follow = (reading: Reading<T>): void => {
    this.#followed = reading
    if (this.#reaction !== undefined) this.#check()
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#changed = changed
    this.#reaction = new Reaction('useValue', () => this.#track(() => true))
    this.#doubted = false // React may have hidden the component for any time
    this.#check()
    return () => {
      this.#reaction?.dispose()
      this.#reaction = undefined
    }
  }

  /** Begins to track what was rendered, and sees whether it is still so. */
  #check(): void {
    this.#track((comparison) => {
      if (comparison === 'different' || this.#doubted) return comparison === 'different'
      this.#doubted = true
      return true
    })
  }

  /** Reads as the reaction. A value that is not the same is taken, and React told, if `isChange` says so. */
  #track(isChange: (comparison: Comparison) => boolean): void {
    const reading = this.#followed
    if (reading === undefined) return
    let now: Seen<T> | undefined
    this.#reaction?.track(() => {
      now = see(reading.read)
    })
    if (now === undefined) return
    const comparison = compare(reading.seen, now)
    if (comparison === 'same' || !isChange(comparison)) return
    reading.seen = now
    this.#changed()
  }
}

function see<T>(read: () => T): Seen<T> {
  try {
    return { ok: true, value: read() }
  } catch (error) {
    return { ok: false, error }
  }
}

function compare<T>(before: Seen<T> | undefined, now: Seen<T>): Comparison {
  if (before === undefined || before.ok !== now.ok) return 'different'
  // Two errors: the component is on its way out.
  return before.ok && now.ok ? compareValues(before.value, now.value) : 'same'
}
