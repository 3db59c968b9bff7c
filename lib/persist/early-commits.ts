import type { Mutation } from '../state/mutation.js'
import type { CommitOrigin } from '../store/core.js'
import type { PersistHost } from '../store/persistence.js'

/** As many mutations are kept while storage cannot be read: some 20 MB. */
const MAX_MUTATIONS = 100_000

/** The commits of a store since some version, and the state at that version. */
export class EarlyCommits {
  readonly base: Record<string, unknown>
  readonly commits: (readonly Mutation[])[] = []
  readonly stop: () => void
  /** Who has made them, by name, also where they are not kept any more. */
  readonly origins: Map<string, CommitOrigin> = new Map()
  #count = 0

  constructor(host: PersistHost) {
    this.base = host.hold()
    this.stop = host.onCommit(({ mutations, origin }) => {
      this.origins.set(nameOf(origin), origin)
      if (this.isTooMany) return
      this.#count += mutations.length
      this.commits.push(mutations)
      if (this.isTooMany) {
        this.commits.length = 0
      }
    })
  }

  /** They are not kept any more. */
  get isTooMany(): boolean {
    return this.#count > MAX_MUTATIONS
  }
}

/** Of whoever has made a commit, for people. */
export function nameOf({ kind, name }: CommitOrigin): string {
  return `the ${kind} "${name}"`
}
