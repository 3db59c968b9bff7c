import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import type { Plugin } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A block of code in a document. */
export interface Block {
  readonly document: string
  readonly line: number
  /** What it says after the fence: `ts`, `tsx`, `ts fragment`, … */
  readonly info: string
  readonly code: string
  /** What its first line says that it is a file of, `// NAME: …`. */
  readonly file: string | undefined
}

/** The README and what stands in docs/, as paths from the root. */
export const documents: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort(),
]

export function blocksOf(document: string): Block[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm)].map(({ index, 1: info = '', 2: code = '' }) => ({
    document,
    line: text.slice(0, index).split('\n').length + 1,
    info,
    code,
    file: /^\/\/ (\S+\.tsx?): /.exec(code)?.[1],
  }))
}

const PREFIX = 'docs:'
const RESOLVED = `\0${PREFIX}`

/**
 * Lets tests run the code of the documentation: `import('docs:todos.worker')` gives the block that is a file of that name, and
 * blocks import each other as the files that they are.
 */
export function docBlocks(): Plugin {
  const blocks = documents.filter((document) => document !== 'README.md').flatMap(blocksOf)
  return {
    name: 'doc-blocks',
    enforce: 'pre',
    resolveId(id, importer) {
      if (id.startsWith(PREFIX)) return `\0${id}`
      if (importer?.startsWith(RESOLVED) && id.startsWith('./')) return RESOLVED + id.slice(2)
      return undefined
    },
    load(id) {
      if (!id.startsWith(RESOLVED)) return undefined
      const name = `${id.slice(RESOLVED.length)}.ts`
      const block = blocks.find(({ file }) => file === name)
      if (block === undefined) throw new Error(`No block of the documentation is a file named ${name}.`)
      // Only files are known to the transforms of the test runner; and Node 20 has no `await using`.
      const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
      return ts.transpileModule(block.code, { compilerOptions }).outputText
    },
  }
}
