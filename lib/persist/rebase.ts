/*
 * Commits that were made on one state, for another: what was done before hydration, on top of what was stored.
 *
 * - What a path names is followed, not its numbers: an element that was added early is the same one wherever it stands, and
 *   what was put at the end of a list goes to the end of the other.
 * - An element of the first list is the one in the same place of the stored list. What has moved out of its place is taken to
 *   be as long on both sides.
 * - A commit that does not fit is left out whole.
 */

import { InvalidMutationError } from '../errors.js'
import { spliceArray } from '../state/containers.js'
import type { ArrangeMutation, Key, MoveMutation, Mutation, Path, SpliceMutation } from '../state/mutation.js'
import { formatPath } from '../state/mutation.js'
import type { StateBeside } from '../store/persistence.js'
import { valueAt } from './entries.js'

/** An element of a list: its first index, or an object of its own where it was added since. */
type Element = number | object

/** A container that commits have reached. */
class Place {
  /** Undefined where it was put there since: it is the same on both sides, with all that is in it. */
  first: Path | undefined
  readonly below: Map<Element | Key, Place> = new Map()
  /** Of a list whose elements have moved: what stands where, on the side of the commits and on the other. */
  mine: Element[] | undefined
  theirs: Element[] = []

  constructor(first: Path | undefined) {
    this.first = first
  }

  elementAt(key: Key): Element | Key {
    return this.mine === undefined ? key : this.mine[key as number]
  }

  under(element: Element | Key): Place {
    let place = this.below.get(element)
    if (place === undefined) {
      const isNew = this.first === undefined || (typeof element === 'object' && element !== null)
      place = new Place(isNew ? undefined : [...(this.first as Path), element as Key])
      this.below.set(element, place)
    }
    return place
  }

  /** Something else stands here from now on. */
  replace(): void {
    this.first = this.mine = undefined
    this.below.clear()
  }
}

export class Rebase {
  readonly #base: object
  readonly #other: object
  readonly #target: StateBeside
  readonly #root = new Place([])
  /** The lists of the other side that the present commit has changed, as they were. */
  readonly #before = new Map<Place, Element[]>()

  /**
   * @param base the state on which the first of the commits was made; it does not change
   * @param target the other state
   */
  constructor(base: object, target: StateBeside) {
    this.#base = base
    this.#other = target.root
    this.#target = target
  }

  /**
   * Applies a commit to the other state. Commits come in their order.
   * @returns what it has come down to
   * @throws InvalidMutationError for one that does not fit: nothing of it is applied
   */
  apply(mutations: readonly Mutation[]): readonly Mutation[] {
    this.#before.clear()
    const problems: unknown[] = []
    const translated: Mutation[] = []
    const attempt = (run: () => void): void => {
      try {
        run()
      } catch (error) {
        problems.push(error) // it goes on, on its own side: later commits build on that
      }
    }
    // Where something is taken from is a place before the commit.
    let from: readonly Mutation[] = mutations
    attempt(() => {
      from = mutations.map((mutation) => this.#translateRefs(mutation))
    })
    for (const mutation of from) attempt(() => this.#translate(mutation, translated))
    attempt(() => {
      if (problems.length > 0) throw problems[0]
      translated.splice(0, translated.length, ...this.#target.apply(translated))
    })
    if (problems.length === 0) return translated
    for (const [place, theirs] of this.#before) place.theirs = theirs
    throw new InvalidMutationError(
      `A commit that was made before hydration does not fit what was stored, and is left out. ${(problems[0] as Error).message}`,
      { cause: problems[0] },
    )
  }

  #translateRefs(mutation: Mutation): Mutation {
    if (!('refs' in mutation) || mutation.refs === undefined) return mutation
    return { ...mutation, refs: mutation.refs.map(({ at, from }) => ({ at, from: this.#there(from) })) }
  }

  #translate(mutation: Mutation, into: Mutation[]): void {
    const { op, path } = mutation
    const place = this.#placeOf(op === 'set' || op === 'delete' ? path.slice(0, -1) : path)
    if (op === 'splice' || op === 'arrange' || op === 'move') {
      if (place.first !== undefined && place.mine === undefined) {
        place.mine = indices(valueAt(this.#base, place.first))
        place.theirs = indices(valueAt(this.#other, place.first))
      }
      if (place.mine !== undefined) {
        this.#translateMoving(mutation, place, place.mine, into)
        return
      }
    }
    let there: Path
    try {
      there = this.#there(path)
    } finally {
      if (op === 'clear') place.replace()
      else if (op === 'delete' || (op === 'set' && (typeof mutation.value === 'object' || mutation.refs))) {
        place.under(place.elementAt(path.at(-1))).replace()
      }
    }
    into.push({ ...mutation, path: there })
  }

  #translateMoving(
    mutation: SpliceMutation | ArrangeMutation | MoveMutation,
    place: Place,
    mine: Element[],
    into: Mutation[],
  ): void {
    let taken: Element[] = []
    let put: Element[] = []
    let index = 0
    const isEqual = mine.length === place.theirs.length && mine.every((element, i) => element === place.theirs[i])
    if (mutation.op === 'arrange') {
      place.mine = mutation.keep.map((at) => (at < 0 ? {} : (mine[at] as Element)))
    } else if (mutation.op === 'move') {
      put = taken = mine.splice(mutation.from, 1)
      index = mutation.at
      mine.splice(index, 0, ...put)
    } else {
      index = mutation.index
      put = mutation.values.map(() => ({}))
      taken = spliceArray(mine, index, mutation.remove, put) as Element[]
    }
    const path = this.#there(mutation.path)
    if (!this.#before.has(place)) this.#before.set(place, place.theirs.slice())
    if (mutation.op === 'arrange') {
      if (!isEqual) fail(mutation.path, 'the list was put in another order, and has other elements here')
      place.theirs = (place.mine as Element[]).slice()
      into.push({ ...mutation, path })
      return
    }
    const { theirs } = place
    for (let i = 0; i < taken.length; ) {
      const at = theirs.indexOf(taken[i] as Element)
      if (at < 0) fail(mutation.path, 'an element is missing')
      let count = 1
      while (i + count < taken.length && theirs[at + count] === taken[i + count]) count++
      theirs.splice(at, count)
      i += count
      if (mutation.op === 'splice') into.push({ op: 'splice', path, index: at, remove: count, values: [] })
      else into.push({ op: 'move', path, from: at, at: placeFor(mine, index, 1, theirs) })
    }
    if (put.length === 0) return
    const at = placeFor(mine, index, put.length, theirs)
    spliceArray(theirs, at, 0, put)
    if (mutation.op === 'splice') into.push({ ...mutation, path, index: at, remove: 0 })
  }

  #placeOf(path: Path): Place {
    return path.reduce<Place>((place, key) => place.under(place.elementAt(key)), this.#root)
  }

  /** The same place on the other side. */
  #there(path: Path): Path {
    let place = this.#root
    return path.map((key) => {
      const element = place.elementAt(key)
      const there = place.mine === undefined ? key : place.theirs.indexOf(element as Element)
      if (there === -1 && place.mine !== undefined) fail(path, 'an element is missing')
      place = place.under(element)
      return there
    })
  }
}

/** Where elements go that stand at an index on one side: before what is behind them, else behind what is before them. */
function placeFor(mine: readonly Element[], index: number, count: number, theirs: readonly Element[]): number {
  const next = mine[index + count]
  const at = next === undefined ? theirs.length : theirs.indexOf(next)
  return at >= 0 ? at : index === 0 ? 0 : theirs.indexOf(mine[index - 1] as Element) + 1
}

function indices(list: unknown): number[] {
  return Array.isArray(list) ? list.map((_, i) => i) : []
}

function fail(path: Path, what: string): never {
  throw new InvalidMutationError(`At ${formatPath(path)} ${what}.`)
}
