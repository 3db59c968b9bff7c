import { expect, it } from 'vitest'
import { expectConsole, expectUncaught, settle } from './clean-run.ts'

it('fails a test that writes to the console unannounced', () => {
  console.warn('disk', 90, { full: true })
  console.error(new TypeError('no'))
  expect(settle).toThrow('console.warn: disk 90 {"full":true}\nconsole.error: TypeError: no')
  expect(settle).not.toThrow()
})

it('lets a test announce what it writes, as often as it comes', () => {
  expectConsole('warn', /^disk/)
  console.warn('disk 90')
  console.warn('disk 91')
})

it('fails a test whose announcement did not come true', () => {
  expectConsole('error', /disk/)
  expectUncaught(/disk/)
  expect(settle).toThrow(/console\.error \/disk\/\n.*an uncaught error \/disk\//)
})

it('lets a test announce an unhandled rejection and an uncaught error', async () => {
  const listeners = process.rawListeners('uncaughtException')
  expectUncaught(/^RangeError: rejected/)
  expectUncaught(/^Error: thrown/)
  void Promise.reject(new RangeError('rejected'))
  setTimeout(() => {
    throw new Error('thrown')
  })
  await afterBoth()
  expect(process.rawListeners('uncaughtException')).not.toEqual(listeners)
  settle()
  expect(process.rawListeners('uncaughtException')).toEqual(listeners)
})

/** A timer set later with a longer delay fires later. */
function afterBoth(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5))
}
