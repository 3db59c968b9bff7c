import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/**
 * Counts the tests of a run.
 *
 * - The count is the very last line of the output: it is printed when the process exits.
 * - With `TEST_SUMMARY=path` it goes to that file instead, as JSON, for a script that has more to add.
 * - An error outside of a test (a file that can't be loaded, a failing hook, an unhandled rejection) counts as a failed test.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      const before = count.failed
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') count.passed += 1
        else if (state === 'failed') count.failed += 1
        else count.skipped += 1
      }
      if (module.state() === 'failed' && count.failed === before) count.failed += 1
    }
    const file = process.env.TEST_SUMMARY
    if (file) writeFileSync(file, JSON.stringify(count))
    else process.once('exit', () => console.log(summaryLine(count)))
  }
}

function summaryLine(count: { passed: number; failed: number; skipped: number }): string {
  return `tests: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`
}
