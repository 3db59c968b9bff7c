/*
 * What the documentation shows is true.
 *
 * - A block of code whose first line is `// NAME: …` is a file. In the README it is the file of that name in
 *   docs/examples/counter; elsewhere the blocks of its document may import it by that name.
 * - Every block of `ts` and `tsx` is complete and is compiled, beside the files of docs/examples/counter; a block marked
 *   `ts fragment` is not.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { idle, inlineTasks } from 'leasehold/testing'
import ts from 'typescript'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { PAGE_METHODS, WORKER_METHODS } from '../lib/protocol/messages.js'
import type { Block } from '../scripts/doc-blocks.ts'
import { blocksOf, documents } from '../scripts/doc-blocks.ts'
import counterTasks from './examples/counter/counter.worker'
import { createCounter } from './examples/counter/store'

const root = fileURLToPath(new URL('..', import.meta.url))
const examples = join(root, 'docs/examples/counter')
const isCode = ({ info }: Block) => info === 'ts' || info === 'tsx'

describe('the README', () => {
  const files = blocksOf('README.md').filter(({ file }) => file !== undefined)

  test('shows every file of the example', () => {
    const names = readdirSync(examples).filter((name) => !name.includes('.browser.'))
    expect(files.map(({ file }) => file).sort()).toEqual(names.sort())
  })

  test.each(files.map(({ file, code }) => [file as string, code]))('shows %s as it is', (file, code) => {
    expect(code).toBe(readFileSync(join(examples, file), 'utf8'))
  })
})

describe('the counter of the README, inline', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('X3, T1: counts to its maximum, stops, and starts again', async () => {
    vi.useFakeTimers()
    const store = createCounter(inlineTasks(counterTasks))
    const count = async (): Promise<number> => {
      await idle(store)
      vi.advanceTimersByTime(500)
      return store.state.counter
    }
    store.set.maxCounter(3)
    store.events.toggleRunning()
    expect([await count(), await count(), await count()]).toEqual([1, 2, 3])
    await idle(store)
    expect([store.state.progress, store.state.running, store.backgroundTasks.size]).toEqual([1, false, 0])
    expect(await store.lease((state) => state._nTasks)).toBe(0)
    store.events.clearCounter()
    store.events.toggleRunning()
    expect([await count(), store.state.running]).toEqual([1, true])
    await store.dispose()
  })
})

describe('the documentation', () => {
  /** The part of an address that leads to a heading, as GitHub makes it. */
  const toAnchor = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')

  test('links to what is there', () => {
    const dead: string[] = []
    for (const document of [...documents, 'CHANGELOG.md']) {
      const text = readFileSync(join(root, document), 'utf8')
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https:/.test(target)) continue
        const [path = '', anchor] = target.split('#')
        const file = path === '' ? join(root, document) : join(root, dirname(document), path)
        const headings = existsSync(file) ? [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)] : undefined
        const isThere = anchor === undefined || headings?.some(([, heading = '']) => toAnchor(heading) === anchor)
        if (headings === undefined || !isThere) dead.push(`${document}: ${target}`)
      }
    }
    expect(dead).toEqual([])
  })

  test('lists the messages of the protocol', () => {
    const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
    const listed = [...text.matchAll(/^\| `(\w+)\([^)]*\)` +\|/gm)].map(([, name]) => name)
    expect(listed).toEqual([...PAGE_METHODS, ...WORKER_METHODS])
  })
})

describe('the code of the documentation', () => {
  test('is of known languages', () => {
    const known = ['ts', 'tsx', 'ts fragment', 'sh', 'json', 'text']
    for (const block of documents.flatMap(blocksOf)) {
      expect(known, `${block.document}:${block.line}`).toContain(block.info)
    }
  })

  test('compiles', { timeout: 120_000 }, () => {
    const virtual = new Map<string, Block>()
    for (const document of documents) {
      for (const block of blocksOf(document).filter(isCode)) {
        if (document === 'README.md' && block.file !== undefined) continue // compiled as the file that it is
        const name = block.file ?? `${basename(document, '.md')}-${block.line}.${block.info}`
        const path = join(examples, name).replaceAll('\\', '/')
        expect(virtual.has(path), `${name} is there twice`).toBe(false)
        virtual.set(path, block)
      }
    }
    expect(virtual.size).toBeGreaterThan(10)
    expect(compile(virtual)).toEqual([])
  })
})

/** Compiles blocks as files of the given paths, with the options of the tests; gives what the compiler has against them. */
function compile(virtual: ReadonlyMap<string, Block>): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.test.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: ['vitest.config.ts'] },
    ts.sys,
    root,
  )
  Object.assign(options, { incremental: false, composite: false, tsBuildInfoFile: undefined, noEmit: true })
  options.moduleDetection = ts.ModuleDetectionKind.Force // two blocks may declare one name
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => virtual.has(path) || fileExists(path)
  host.readFile = (path) => virtual.get(path)?.code ?? readFile(path)
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const block = virtual.get(path)
    return block === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, block.code, languageVersion)
  }
  const program = ts.createProgram([...virtual.keys()], options, host)
  return [...virtual].flatMap(([path, { document, line }]) => {
    const source = program.getSourceFile(path)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map(({ start = 0, messageText }) => {
      const at = (source?.getLineAndCharacterOfPosition(start).line ?? 0) + line
      return `${document}:${at} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
  })
}
