import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { root } from '../../scripts/tools.mjs'
import { contestantVersions } from './bundle-size.mjs'

/**
 * Describes where and with what was measured. The load says whether anybody else was at work.
 *
 * @param {string} browserVersion
 */
export function describeMachine(browserVersion) {
  const processors = cpus()
  const load = loadavg()[0]?.toFixed(1) ?? '?'
  return [
    `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    `${type()} ${release()}`,
    `Chromium ${browserVersion}, headless, cross-origin isolated`,
    `Node ${process.versions.node}`,
    `load ${load} when it began`,
    `Leasehold at ${commit()}`,
    contestantVersions(),
  ].join('; ')
}

function commit() {
  try {
    const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
    const changed = git('status', '--porcelain', '--', 'lib', 'workers') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ', changed' : ''}`
  } catch {
    return 'an unknown commit'
  }
}
