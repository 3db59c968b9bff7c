import { describe, expect, it } from 'vitest'
import { checkImports } from './check-imports.mjs'

/** A house in order, to plant violations in. */
const house: Record<string, string> = {
  'lib/errors.ts': 'export class LeaseholdError extends Error {}',
  'lib/state/tree.ts': `import { LeaseholdError } from '../errors.js'\nexport const tree = LeaseholdError`,
  'lib/protocol/endpoint.ts': `import { wrap } from 'comlink'\nimport type { tree } from '../state/tree.js'\nexport type T = typeof tree; wrap`,
  'lib/store/store.ts': `import { createAtom } from 'mobx'\nimport { tree } from '../state/tree.js'\ncreateAtom; export { tree }`,
  'lib/react/use-value.ts': `import { useRef } from 'react'\nimport { tree } from '../store/store.js'\nuseRef; export { tree }`,
  'lib/testing/inline.ts': `import { serve } from '../../workers/index.js'\nimport { tree } from '../store/store.js'\nserve; tree`,
  'lib/index.ts': `export { tree } from './store/store.js'`,
  'workers/index.ts': `import { tree } from '../lib/state/tree.js'\nexport const serve = tree`,
  'demo/main.ts': `import { tree } from 'leasehold'\nnew Worker(new URL('./count.worker.ts', import.meta.url), tree)`,
  'demo/count.worker.ts': `import { serve } from 'leasehold/worker'\nserve`,
}

const check = (planted: Record<string, string> = {}) => checkImports(new Map(Object.entries({ ...house, ...planted })))

describe('the import check', () => {
  it('finds nothing in a house in order', () => {
    expect(check()).toEqual([])
  })

  it.each([
    ['state imports store', 'lib/state/x.ts', `import { tree } from '../store/store.js'`, 'state may not import store'],
    ['types count', 'lib/state/x.ts', `import type { T } from '../protocol/endpoint.js'`, 'may not import protocol'],
    ['so do inline types', 'lib/state/x.ts', `type T = import('../protocol/endpoint.js').T`, 'may not import protocol'],
    ['re-exports count', 'lib/protocol/x.ts', `export * from '../store/store.js'`, 'protocol may not import store'],
    ['import() counts', 'lib/store/x.ts', `await import('../react/use-value.js')`, 'store may not import react'],
    ['worker URLs count', 'lib/store/x.ts', `new URL('../../workers/index.js', import.meta.url)`, 'import workers'],
    ['store imports testing', 'lib/store/x.ts', `import '../testing/inline.js'`, 'store may not import testing'],
    ['workers import store', 'workers/x.ts', `import '../lib/store/store.js'`, 'workers may not import store'],
    ['react imports workers', 'lib/react/x.ts', `import '../../workers/index.js'`, 'react may not import workers'],
    ['a room imports the door', 'lib/react/x.ts', `import '../index.js'`, 'react may not import door'],
    ['mobx in state', 'lib/state/x.ts', `import { computed } from 'mobx'`, `state may not import the package 'mobx'`],
    ['mobx in protocol', 'lib/protocol/x.ts', `import 'mobx'`, `protocol may not import the package 'mobx'`],
    ['mobx in workers', 'workers/x.ts', `import 'mobx'`, `workers may not import the package 'mobx'`],
    ['comlink in store', 'lib/store/x.ts', `import 'comlink'`, `store may not import the package 'comlink'`],
    ['a part of a package', 'workers/x.ts', `import 'comlink/dist/esm'`, `may not import the package 'comlink'`],
    ['no suffix', 'lib/store/x.ts', `import '../state/tree'`, 'with its .js suffix'],
    ['a fixture in a source', 'lib/store/x.ts', `import './fixtures/a.js'`, `may not import|not shipped`],
    ['a file without a room', 'lib/helpers.ts', '', 'belongs to no room'],
    ['the demo imports sources', 'demo/x.ts', `import '../lib/index.js'`, 'demo may not import door'],
  ])('%s', (_, path, text, problem) => {
    const planted = { [path]: `\n${text}`, 'lib/store/fixtures/a.ts': '' }
    expect(check(planted)).toEqual([expect.stringMatching(`^${path}:[12]: .*(${problem})`)])
  })

  it('finds cycles, but none of types alone', () => {
    const a = `import { b } from './b.js'\nexport const a = b`
    expect(check({ 'lib/store/a.ts': a, 'lib/store/b.ts': `import { a } from './a.js'\nexport const b = a` })).toEqual([
      'lib/store/a.ts:1: import cycle lib/store/a.ts -> lib/store/b.ts -> lib/store/a.ts',
    ])
    expect(
      check({ 'lib/store/a.ts': a, 'lib/store/b.ts': `import type { a } from './a.js'\nexport type B = a` }),
    ).toEqual([])
  })

  it('leaves tests and fixtures alone', () => {
    const text = `import 'mobx'\nimport '../store/store.js'\nsetTimeout(Date.now)`
    expect(
      check({ 'lib/state/x.test.ts': text, 'lib/state/fixtures/x.ts': text, 'lib/state/x.worker.ts': text }),
    ).toEqual([])
  })

  it.each([
    'Date.now()',
    'const now = Date.now',
    'new Date()',
    'new Date',
    'Date()',
    'performance.now()',
    'setTimeout(() => {}, 1)',
    'globalThis.setTimeout(() => {}, 1)',
    'setInterval(() => {}, 1)',
    'Math.random()',
    'crypto.randomUUID()',
    'const { now } = performance',
    'const clock = { performance }',
  ])('keeps `%s` out of pure files', (use) => {
    for (const path of ['lib/state/x.ts', 'lib/protocol/validate.ts', 'lib/store/lease-office.ts'])
      expect(check({ [path]: `\n${use}` })).toEqual([expect.stringMatching(`^${path}:2: .* in a pure file`)])
    expect(check({ 'lib/store/x.ts': use })).toEqual([])
  })

  it.each([
    'new Date(value)',
    'value instanceof Date',
    'clock.now()',
    'timers.setTimeout(() => {}, 1)',
    'const options = { performance: 1 }',
    'type Clock = typeof performance',
    'interface Timers { setTimeout(callback: () => void): void }',
    'Math.max(1, 2)',
  ])('allows `%s` in pure files', (use) => {
    expect(check({ 'lib/state/x.ts': use })).toEqual([])
  })
})
