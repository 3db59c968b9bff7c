/**
 * The house's rules about who may know whom: folder = concern, and imports run one way.
 *
 * - The first room whose `files` match a source file is its room. A file of `lib/` or `workers/` without one is an error.
 * - `rooms` and `packages` list all that a room may import, besides itself. Types count like values.
 * - Tests and fixtures may import anything.
 *
 * @typedef {{ room: string, files: RegExp, rooms: readonly string[], packages: readonly string[] | 'any' }} Room
 */

/** @type {readonly Room[]} */
export const ROOMS = [
  { room: 'errors', files: /^lib\/errors\.ts$/, rooms: [], packages: [] },
  { room: 'state', files: /^lib\/state\//, rooms: ['errors'], packages: [] },
  { room: 'protocol', files: /^lib\/protocol\//, rooms: ['state', 'errors'], packages: ['comlink'] },
  { room: 'store', files: /^lib\/store\//, rooms: ['state', 'protocol', 'errors'], packages: ['mobx'] },
  { room: 'workers', files: /^workers\//, rooms: ['state', 'protocol', 'errors'], packages: [] },
  { room: 'react', files: /^lib\/react\//, rooms: ['store', 'state', 'errors'], packages: ['mobx', 'react'] },
  { room: 'persist', files: /^lib\/persist\//, rooms: ['store', 'state', 'errors'], packages: ['mobx', 'idb-keyval'] },
  { room: 'devtools', files: /^lib\/devtools\//, rooms: ['store', 'state', 'errors'], packages: ['mobx'] },
  {
    room: 'testing',
    files: /^lib\/testing\//,
    rooms: ['persist', 'store', 'workers', 'protocol', 'state', 'errors'],
    packages: ['mobx'],
  },
  { room: 'door', files: /^lib\/index\.ts$/, rooms: ['store', 'protocol', 'state', 'errors'], packages: [] },
  { room: 'demo', files: /^demo\//, rooms: [], packages: 'any' },
]

/** Neither shipped nor bound by the rules. */
export const EXEMPT =
  /\.test\.|\.test-d\.|\/fixtures\/|^(lib|workers)\/.*\.worker\.ts$|\.d\.ts$|^demo\/(vite\.config\.ts|dist\/)/

/** Files that take clock, timers, randomness and ports as arguments, so that a simulation can run them. */
export const PURE =
  /^lib\/state\/|^lib\/protocol\/validate\.ts$|^lib\/store\/(lease-office|lease-timer|line|scope-counts)\.ts$/

/** Globals that no pure file may use. */
export const IMPURE_GLOBALS = [
  'performance',
  'crypto',
  'setTimeout',
  'setInterval',
  'clearTimeout',
  'clearInterval',
  'setImmediate',
  'requestAnimationFrame',
  'requestIdleCallback',
]

/** Members that no pure file may use, of globals that it may. */
export const IMPURE_MEMBERS = ['Date.now', 'Math.random']
