/**
 * Keeps the account of what a test file says on the console and throws at nobody.
 *
 * - Loaded once for each test file, whoever imports it: it wraps the console and `Worker`.
 * - What a test announced is kept from the output; all else is shown and gathered, for `settle` to throw.
 */

type Method = 'error' | 'warn'
interface Expectation {
  readonly what: Method | 'uncaught'
  readonly pattern: RegExp
  met: boolean
}

const methods: readonly Method[] = ['error', 'warn']
let expected: Expectation[] = []
let unexpected: string[] = []
let stopCatching: (() => void) | undefined

/**
 * Announces a `console.error` or `console.warn` of the running test. It may come any number of times, and has to come once.
 *
 * @param pattern matched against the arguments, as text, joined by spaces
 */
export function expectConsole(method: Method, pattern: RegExp): void {
  expected.push({ what: method, pattern, met: false })
}

/**
 * Announces an uncaught error or unhandled rejection of the running test, which has to come before the test ends.
 *
 * @param pattern matched against the error's name and message, as in `TypeError: x is not a function`
 */
export function expectUncaught(pattern: RegExp): void {
  expected.push({ what: 'uncaught', pattern, met: false })
  stopCatching ??= isNode() ? catchInNode() : catchInBrowser()
}

function isNode(): boolean {
  return typeof process !== 'undefined' && typeof process.versions?.node === 'string'
}

function meet(what: Expectation['what'], text: string): boolean {
  const hits = expected.filter((expectation) => expectation.what === what && expectation.pattern.test(text))
  for (const hit of hits) hit.met = true
  return hits.length > 0
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return `${value.name}: ${value.message}`
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

for (const method of methods) {
  const write = console[method]
  console[method] = (...args: unknown[]) => {
    const text = args.map(toText).join(' ')
    const uncaught = toUncaught(args)
    if (meet(method, text) || (uncaught !== undefined && meet('uncaught', uncaught))) return
    unexpected.push(`console.${method}: ${text}`)
    write.apply(console, args)
  }
}

/** Puts one listener in the place of Vitest's own, and hands on to them what the test did not announce. */
function catchInNode(): () => void {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const restore = events.map((event) => {
    const others = process.rawListeners(event) as ((...args: unknown[]) => void)[]
    const listener = (error: unknown, ...rest: unknown[]) => {
      if (!meet('uncaught', toText(error))) for (const other of others) other.call(process, error, ...rest)
    }
    process.removeAllListeners(event)
    process.on(event as 'uncaughtException', listener)
    return () => {
      process.removeListener(event, listener)
      for (const other of others) process.on(event as 'uncaughtException', other)
    }
  })
  return () => {
    for (const one of restore) one()
  }
}

/**
 * In the browser Vitest leaves uncaught errors to a page that listens for them, and writes them to the console instead,
 * before our listener runs: there the wrapped `console.error` meets them.
 */
function catchInBrowser(): () => void {
  const listener = (event: Event) => event.preventDefault()
  window.addEventListener('error', listener)
  window.addEventListener('unhandledrejection', listener)
  return () => {
    window.removeEventListener('error', listener)
    window.removeEventListener('unhandledrejection', listener)
  }
}

/** What Vitest's listener wrote: a rejection's event, or an error that it made from the message of an error's event. */
function toUncaught([first]: readonly unknown[]): string | undefined {
  if (typeof PromiseRejectionEvent !== 'undefined' && first instanceof PromiseRejectionEvent)
    return toText(first.reason)
  if (first instanceof Error && first.message.startsWith('Uncaught ')) return first.message.slice('Uncaught '.length)
  return undefined
}

const workers = new Set<Worker>()
if (!isNode() && typeof Worker !== 'undefined') {
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options)
      workers.add(this)
    }
    override terminate(): void {
      workers.delete(this)
      super.terminate()
    }
  }
}

/** Throws what has gathered since the last call, and starts anew. */
export function settle(): void {
  stopCatching?.()
  stopCatching = undefined
  const problems = [...unexpected, ...expected.filter(({ met }) => !met).map(toMissing)]
  expected = []
  unexpected = []
  if (problems.length > 0) throw new Error(`This test was not clean:\n${problems.join('\n')}`)
}

/** Like `settle`, for the end of a file: by then every worker is terminated. */
export function settleFile(): void {
  if (workers.size > 0) unexpected.push(`${workers.size} worker(s) never terminated`)
  workers.clear()
  settle()
}

function toMissing({ what, pattern }: Expectation): string {
  return `expected, but it did not come: ${what === 'uncaught' ? 'an uncaught error' : `console.${what}`} ${pattern}`
}
