/**
 * What was asked for on the command line.
 *
 * @typedef {{ readonly quick: boolean, readonly cases: readonly string[], readonly headed: boolean }} Options
 */

const HELP = `npm run bench -- [options]

  --case NAME   run this case only; may be given again, and NAME may be the beginning of several names
  --quick       few samples, and no size that takes long
  --headed      with the browser's window
  --list        print the names of the cases`

/**
 * @param {readonly string[]} args
 * @returns {Options | 'help' | 'list'}
 */
export function parseOptions(args) {
  /** @type {string[]} */
  const cases = []
  let quick = false
  let headed = false
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? ''
    if (argument === '--quick') quick = true
    else if (argument === '--headed') headed = true
    else if (argument === '--list') return 'list'
    else if (argument === '--case') {
      index += 1
      const name = args[index]
      if (name === undefined) return 'help'
      cases.push(name)
    } else return 'help'
  }
  return { quick, cases, headed }
}

export function printHelp() {
  console.log(HELP)
}
