import { expect, test } from 'vitest'
import type { Weakness } from './fixtures/planted-weakness.js'
import { fuzzWeakened } from './fixtures/planted-weakness.js'

/* The fuzzer itself is put to the test: each weakness is planted in the sources, and has to be found. */

interface Planted extends Weakness {
  /** What the fuzzer says of it. */
  readonly shows: RegExp
}

const onPage: Planted[] = [
  {
    what: 'what Comlink knows besides calls',
    shows: /prototype was changed|code of a message/,
    file: 'lib/protocol/endpoint.ts',
    from: "if (message.type !== 'APPLY') throw new TypeError('it is no call')\n      onCall(",
    to: "if (message.type === 'SET' || message.type === 'GET') deliverCall?.({ data: message })\n      else if (message.type === 'APPLY') onCall(",
  },
  {
    what: 'arguments of any size',
    shows: /a text of more than/,
    file: 'lib/protocol/wire-arguments.ts',
    from: 'return value.length <= MAX_ID_LENGTH',
    to: 'return true',
  },
  {
    what: 'paths through the prototype of an array',
    shows: /prototype was changed/,
    file: 'lib/state/draft-replay.ts',
    from: 'if (!isContainer(at) || (Array.isArray(at) && !isIndex(key, at.length))) return undefined\n  return entryOf(at, key)',
    to: 'return Object(at)[key as string]',
  },
  {
    what: 'any key for an object',
    shows: /not valid|prototype was changed/,
    file: 'lib/state/values.ts',
    from: "return key === '__proto__' || key === 'prototype' || key === 'constructor'",
    to: 'return false',
  },
  {
    what: 'values are taken as they are',
    shows: /not valid|the state is/,
    file: 'lib/state/draft-replay.ts',
    from: 'const fresh = ready.adoptable.has(value as object) ? value : copyIn(value, path)',
    to: 'const fresh = value',
  },
  {
    what: 'a fence by holder, not by epoch',
    shows: /does not hold|leases are held|not valid/,
    file: 'lib/store/worker-leases.ts',
    from: 'const lease = this.#held.get(epoch)\n    if (again !== undefined) again()\n    else if (lease !== undefined && office.holds(epoch))',
    to: 'const lease = [...this.#held.values()][0]\n    if (again !== undefined) again()\n    else if (lease !== undefined)',
  },
  {
    what: 'a batch out of its order',
    shows: /was due|leases are held/,
    file: 'lib/store/worker-leases.ts',
    from: 'if (sequence !== lease.sequence || lease.isApplying) {',
    to: 'if (false as boolean) {',
  },
  {
    what: 'a batch outside of its scope',
    shows: /not valid \(a field\)/,
    file: 'lib/store/worker-leases.ts',
    from: 'const { scope } = lease\n',
    to: 'const scope = undefined\n',
  },
  {
    what: 'ahead of the line without having been revoked',
    shows: /ahead of the line/,
    file: 'lib/store/worker-leases.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the source
    from: 'if (revoked?.run !== run) throw new TypeError(`request: no lease ${again} of this run was revoked`)\n      this.#revoked.delete(again)\n      revocations = revoked.revocations',
    to: 'this.#revoked.delete(again)\n      revocations = revoked?.revocations ?? 0',
  },
  {
    what: 'undeclared fields',
    shows: /not valid \(a (new )?field\)/,
    file: 'lib/state/draft-replay.ts',
    from: '    assertField(holder, key)\n',
    to: '',
  },
  {
    what: 'a lease that outlives its run',
    shows: /leases are held|does not hold|waits in the line/,
    file: 'lib/store/worker-connection.ts',
    from: '    this.#leases.endRun(run)\n    run.settled(payload)',
    to: '    run.settled(payload)',
  },
  {
    what: 'half a batch',
    shows: /not valid/,
    file: 'lib/state/draft-replay.ts',
    from: 'named(mutation, first + index, () => perform(root, mutation, given))',
    to: 'try { perform(root, mutation, given) } catch { return }',
  },
  {
    what: 'values that unfold without end',
    shows: /stuck|out of memory/,
    file: 'lib/state/values.ts',
    from: '    if (before >= HEAVY || this.#weight < HEAVY) return\n',
    to: '    return\n',
  },
]

const inWorker: Planted[] = [
  {
    what: 'a batch that is said to be applied, and makes no sense',
    shows: /unhandled/,
    file: 'workers/lease-client.ts',
    from: '      fail(error)\n      throw error\n',
    to: '      void Promise.reject(error)\n      return\n',
  },
  {
    what: 'runs that outlive their worker',
    shows: /do not end/,
    file: 'workers/serve-tasks.ts',
    from: '      leases.close(error)\n',
    to: '',
  },
]

const timeout = 120_000
const stuckMs = 10_000
const SEEDS = [1, 2, 3, 4, 5]

/** What a fuzzer says of weakened sources, with the first seed that shows it. */
async function found(entry: string, run: string, weakness: Planted): Promise<string> {
  let problems = ''
  for (const seed of SEEDS) {
    problems = (await fuzzWeakened(entry, run, weakness, { seed, messages: 20_000 }, stuckMs)).join('\n')
    if (problems !== '') break
  }
  return problems
}

test.concurrent.each(onPage)('the fuzzer of the page finds: $what', { timeout }, async (weakness) => {
  expect(await found('lib/store/fixtures/fuzz-page.ts', 'fuzzPage', weakness)).toMatch(weakness.shows)
})

test.concurrent.each(inWorker)('the fuzzer of the worker finds: $what', { timeout }, async (weakness) => {
  expect(await found('lib/store/fixtures/fuzz-worker.ts', 'fuzzWorker', weakness)).toMatch(weakness.shows)
})
