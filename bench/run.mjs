/**
 * The bench: `npm run bench`, or `npm run bench -- --case NAME --quick`. Built-ins only in this file: what it imports later is
 * installed here first.
 */
import { parseOptions, printHelp } from './harness/options.mjs'
import { install } from './harness/prepare.mjs'

const options = parseOptions(process.argv.slice(2))
if (options === 'help') {
  printHelp()
  process.exitCode = 1
} else {
  await install()
  const { runBench, listCases } = await import('./harness/bench.mjs')
  process.exitCode = options === 'list' ? await listCases() : await runBench(options)
}
