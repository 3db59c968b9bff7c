/**
 * Runs before every test file, in Node, jsdom and the browser. A test fails if
 *
 * - something writes to `console.error` or `console.warn` that the test did not announce with `expectConsole`,
 * - something it announced did not happen,
 * - or, in the browser, the file ends with a worker that nobody terminated.
 *
 * Unhandled rejections and uncaught errors fail the run by Vitest itself, unless `expectUncaught` announced them.
 */
import { afterAll, afterEach } from 'vitest'
import { settle, settleFile } from './clean-run.ts'

export { expectConsole, expectUncaught } from './clean-run.ts'

afterEach(settle)
afterAll(settleFile)
