/**
 * Checks the rules of import-rules.mjs: the direction of imports, import cycles, and what pure files may use.
 *
 *     node scripts/check-imports.mjs
 *
 * A cycle counts if it would exist at run time: edges of `import type` and `export type` are left out of it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'
import { EXEMPT, IMPURE_GLOBALS, IMPURE_MEMBERS, PURE, ROOMS } from './import-rules.mjs'

/**
 * @typedef {{ specifier: string, typeOnly: boolean, line: number }} Import
 * @typedef {Map<string, string>} Sources paths relative to the root, with slashes, and their text
 */

/**
 * Gives one line for each violation, `path:line: what`.
 *
 * @param {Sources} sources
 * @returns {string[]}
 */
export function checkImports(sources) {
  const checked = new Map([...sources].filter(([path]) => !EXEMPT.test(path)))
  const problems = []
  /** @type {Map<string, string[]>} */
  const runtimeEdges = new Map()

  for (const [path, text] of checked) {
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    const room = ROOMS.find(({ files }) => files.test(path))
    if (!room) {
      problems.push(`${path}:1: belongs to no room of scripts/import-rules.mjs`)
      continue
    }
    const edges = []
    for (const { specifier, typeOnly, line } of importsOf(file)) {
      const problem = specifier.startsWith('.')
        ? checkRelative(path, room, specifier, sources)
        : checkPackage(room, specifier)
      if (problem) problems.push(`${path}:${line}: ${problem}`)
      const target = resolve(path, specifier, sources)
      if (target !== undefined && !typeOnly) edges.push(target)
    }
    runtimeEdges.set(path, edges)
    if (PURE.test(path)) problems.push(...impureUses(file).map((use) => `${path}:${use}`))
  }
  return [...problems, ...cyclesOf(runtimeEdges)]
}

/**
 * @param {string} from
 * @param {import('./import-rules.mjs').Room} room
 * @param {string} specifier
 * @param {Sources} sources
 */
function checkRelative(from, room, specifier, sources) {
  const target = resolve(from, specifier, sources)
  const inLibrary = room.room !== 'demo'
  if (inLibrary && !/\.js$/.test(specifier)) return `import '${specifier}' with its .js suffix`
  const path = target ?? posix.join(posix.dirname(from), specifier)
  if (inLibrary && target !== undefined && EXEMPT.test(target)) return `imports ${target}, which is not shipped`
  const other = ROOMS.find(({ files }) => files.test(path.replace(/\.js$/, '.ts')))
  if (other && (other === room || room.rooms.includes(other.room))) return undefined
  return `${room.room} may not import ${other ? `${other.room} ('${specifier}')` : `'${specifier}'`}`
}

/**
 * @param {import('./import-rules.mjs').Room} room
 * @param {string} specifier
 */
function checkPackage(room, specifier) {
  const name = specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? specifier
  if (room.packages === 'any' || room.packages.includes(name)) return undefined
  return `${room.room} may not import the package '${name}'`
}

/**
 * @param {string} from
 * @param {string} specifier
 * @param {Sources} sources
 * @returns {string | undefined} the source file meant, if it is one of `sources`
 */
function resolve(from, specifier, sources) {
  if (!specifier.startsWith('.')) return undefined
  const base = posix.join(posix.dirname(from), specifier)
  const stem = base.replace(/\.js$/, '')
  return [base, `${stem}.ts`, `${stem}.tsx`, `${base}/index.ts`].find((path) => sources.has(path))
}

/**
 * Imports, re-exports, `import()`, `import('…').Type`, and `new URL('./…', import.meta.url)`.
 *
 * @param {ts.SourceFile} file
 */
function importsOf(file) {
  /** @type {Import[]} */
  const found = []
  /** @param {ts.Node | undefined} specifier @param {boolean} typeOnly */
  const add = (specifier, typeOnly) => {
    if (specifier && ts.isStringLiteralLike(specifier))
      found.push({ specifier: specifier.text, typeOnly, line: lineOf(file, specifier) })
  }
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false)
    else if (isUrlOfModule(node)) add(node.arguments?.[0], false)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/**
 * @param {ts.Node} node
 * @returns {node is ts.NewExpression}
 */
function isUrlOfModule(node) {
  if (!ts.isNewExpression(node) || node.expression.getText() !== 'URL') return false
  return node.arguments?.[1]?.getText() === 'import.meta.url'
}

/**
 * Uses of clock, timers and randomness, as `line: what`. `new Date(x)` and `instanceof Date` are none.
 *
 * @param {ts.SourceFile} file
 */
function impureUses(file) {
  /** @type {string[]} */
  const uses = []
  /** @param {ts.Node} node @param {string} name */
  const report = (node, name) => uses.push(`${lineOf(file, node)}: ${name} in a pure file: take it as an argument`)
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isTypeNode(node)) return
    if (ts.isPropertyAccessExpression(node)) {
      const member = node.getText().replace(/^(globalThis|self|window)\??\./, '')
      if (IMPURE_MEMBERS.includes(member)) report(node, member)
      else if (member !== node.getText() && IMPURE_GLOBALS.includes(member)) report(node, member)
      visit(node.expression)
      return
    }
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length)
      report(node, 'new Date()')
    else if (ts.isCallExpression(node) && node.expression.getText() === 'Date') report(node, 'Date()')
    else if (ts.isIdentifier(node) && IMPURE_GLOBALS.includes(node.text) && !isName(node)) report(node, node.text)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return uses
}

/**
 * Whether an identifier only names a property or a member, as in `{ performance: 1 }`.
 *
 * @param {ts.Identifier} node
 */
function isName(node) {
  const { parent } = node
  return (
    (ts.isPropertyAssignment(parent) || ts.isTypeElement(parent) || ts.isClassElement(parent)) && parent.name === node
  )
}

/**
 * Each cycle once, by depth-first search.
 *
 * @param {Map<string, string[]>} edges
 */
function cyclesOf(edges) {
  /** @type {string[]} */
  const problems = []
  /** @type {Set<string>} */
  const done = new Set()
  /** @type {string[]} */
  const trail = []
  /** @param {string} path */
  const visit = (path) => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      problems.push(`${path}:1: import cycle ${[...trail.slice(start), path].join(' -> ')}`)
      return
    }
    if (done.has(path)) return
    trail.push(path)
    for (const next of edges.get(path) ?? []) visit(next)
    trail.pop()
    done.add(path)
  }
  for (const path of edges.keys()) visit(path)
  return problems
}

/** @param {ts.SourceFile} file @param {ts.Node} node */
function lineOf(file, node) {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
}

/** @param {string} root @returns {Sources} */
function readSources(root) {
  /** @type {Sources} */
  const sources = new Map()
  for (const folder of ['lib', 'workers', 'demo']) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue
      const path = join(entry.parentPath, entry.name)
      sources.set(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8'))
    }
  }
  return sources
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const sources = readSources(fileURLToPath(new URL('..', import.meta.url)))
  const problems = checkImports(sources)
  for (const problem of problems) console.error(problem)
  console.log(`imports: ${sources.size} files, ${problems.length} problem(s)`)
  process.exitCode = problems.length > 0 ? 1 : 0
}
