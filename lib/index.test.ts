/*
 * The doors of the package, from outside: which names they have, and that the built package can be imported where there is
 * no page: on a server that renders pages, in a script, in a test.
 */

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as page from 'leasehold'
import * as persistence from 'leasehold/persist'
import * as react from 'leasehold/react'
import * as testing from 'leasehold/testing'
import * as worker from 'leasehold/worker'
import { beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest: { exports: Record<string, unknown> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace('.', 'leasehold'))

/** Runs Node on its own, as an app would: without what the test runner has put into the environment. */
function node(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const { NODE_OPTIONS, NODE_ENV, VITEST, ...env } = process.env
  return promisify(execFile)(process.execPath, args, { cwd: root, env, timeout: 60_000 })
}

/** Whether `dist/` is there and no older than what it is built from. */
function isBuilt(): boolean {
  const door = join(root, 'dist/lib/index.js')
  if (!existsSync(door)) return false
  const builtAt = statSync(door).mtimeMs
  return ['lib', 'workers'].every((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).every(
      (entry) =>
        !entry.isFile() ||
        /\.test|fixtures|\.worker\./.test(join(entry.parentPath, entry.name).slice(root.length)) ||
        statSync(join(entry.parentPath, entry.name)).mtimeMs <= builtAt,
    ),
  )
}

describe('the names of', () => {
  test('leasehold', () => {
    expect(Object.keys(page).sort()).toEqual([
      'DirectTaskCallError',
      'ImmutableStateError',
      'InvalidMutationError',
      'LeaseExpiredError',
      'LeaseReleasedError',
      'LeaseRevokedError',
      'LeaseTimeoutError',
      'LeaseholdError',
      'NestedLeaseError',
      'NotCloneableError',
      'OutOfScopeError',
      'StorageError',
      'StoreDisposedError',
      'TaskCrashedError',
      'UnknownTaskError',
      'UnknownTokenError',
      'UnusedSpecError',
      'VersionMismatchError',
      'WorkerLoadError',
      'WorkerStartTimeoutError',
      'createStore',
      'defineEvent',
      'defineState',
      'getStore',
      'getSubstate',
      'modifyState',
      'read',
      'toPlain',
      'transfer',
      'workerTasks',
    ])
  })

  test('leasehold/worker', () => {
    expect(Object.keys(worker).sort()).toEqual([
      'ImmutableStateError',
      'InvalidMutationError',
      'LeaseExpiredError',
      'LeaseReleasedError',
      'LeaseRevokedError',
      'LeaseTimeoutError',
      'LeaseholdError',
      'NestedLeaseError',
      'NotCloneableError',
      'OutOfScopeError',
      'StoreDisposedError',
      'UnknownTaskError',
      'defineTask',
      'getSubstate',
      'read',
      'serveTasks',
      'toPlain',
      'transfer',
    ])
  })

  test('leasehold/react', () => {
    expect(Object.keys(react).sort()).toEqual(['useField', 'useTask', 'useValue'])
  })

  test('leasehold/testing', () => {
    expect(Object.keys(testing).sort()).toEqual([
      'holdLease',
      'idle',
      'inlineTasks',
      'memoryStorage',
      'storageConformance',
    ])
  })

  test('leasehold/persist', () => {
    expect(Object.keys(persistence).sort()).toEqual(['assertExpected', 'idbStorage', 'persist'])
  })

  test('every entry is listed here', () => {
    expect(entries).toEqual([
      'leasehold',
      'leasehold/worker',
      'leasehold/testing',
      'leasehold/persist',
      'leasehold/react',
    ])
  })

  test('every error is described in docs/errors.md, with its code', () => {
    const text = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    const classes = Object.values<unknown>(page).filter((value) =>
      /Error$/.test((value as { name?: string }).name ?? ''),
    )
    expect(classes).toHaveLength(20)
    for (const Class of classes as (new (
      message: string,
    ) => page.LeaseholdError)[]) {
      const { name, code } = new Class('')
      expect(text).toMatch(new RegExp(`^\\| \`${name}\` +\\| \`${code}\` +\\|`, 'm'))
    }
  })
})

describe('the built package', () => {
  beforeAll(async () => {
    if (!isBuilt()) await node('scripts/build.mjs')
  }, 120_000)

  test.each(entries)(
    'X2: %s is imported in bare Node without an error, an output, a global or a thing that lives on',
    { timeout: 30_000 },
    async (entry) => {
      const code = `
      await import('mobx'); await import('react') // peers may do as they like
      const forbidden = ['window', 'document', 'navigator', 'Worker', 'SharedWorker', 'indexedDB', 'localStorage']
      for (const name of forbidden) {
        Object.defineProperty(globalThis, name, { get() { throw new Error(name + ' was touched') } })
      }
      const before = new Set(Reflect.ownKeys(globalThis))
      const names = Object.keys(await import('${entry}'))
      const added = Reflect.ownKeys(globalThis).filter((key) => !before.has(key))
      if (added.length > 0) throw new Error('new globals: ' + added.map(String).join(', '))
      if (names.length === 0) throw new Error('it exports nothing')
    `
      expect(await node('--input-type=module', '-e', code)).toEqual({ stdout: '', stderr: '' })
    },
  )

  test('the sizes in the README are those that npm run size measures', { timeout: 30_000 }, async () => {
    // It ends with an exit code of 1 if a limit is exceeded: a matter of its own.
    const { stdout } = await node('scripts/size.mjs').catch((error: { stdout: string }) => error)
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const table = readme.slice(readme.indexOf('<!-- sizes -->'), readme.indexOf('<!-- /sizes -->'))
    const stated = [...table.matchAll(/^\| `(\S+)` +\| ([\d.]+) kB +\|/gm)]
    expect(stated.map(([, name]) => name)).toEqual([
      'leasehold',
      'leasehold/worker',
      'leasehold/persist',
      'leasehold/react',
    ])
    for (const [, name, size] of stated) {
      const measured = new RegExp(`^${name}\\s+[\\d.]+ kB\\s+([\\d.]+) kB`, 'm').exec(stdout)?.[1]
      expect(Math.abs(Number(measured) - Number(size)), `${name} has ${measured} kB now`).toBeLessThan(0.25)
    }
  })
})
