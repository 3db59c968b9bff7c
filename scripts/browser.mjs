/**
 * Finds a Chrome or Chromium that starts. Node built-ins only: the setup runs before anything is installed.
 *
 * - `CHROME_PATH` or `CHROME_BIN` goes first, then the PATH, the usual places, and Playwright's downloads.
 * - Existing is not enough: Ubuntu's `chromium-browser`, say, can be a stub that only asks for a snap.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

const { env, platform } = process
const onWindows = platform === 'win32'

function fromEnvironment() {
  return [env.CHROME_PATH, env.CHROME_BIN].filter((path) => path !== undefined)
}

function fromPath() {
  const names = ['chromium', 'google-chrome-stable', 'google-chrome', 'chromium-browser', 'chrome', 'microsoft-edge']
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.flatMap((folder) => names.map((name) => join(folder, onWindows ? `${name}.exe` : name)))
}

function fromUsualPlaces() {
  if (platform === 'darwin') {
    const apps = ['Google Chrome', 'Chromium', 'Microsoft Edge']
    return apps.map((app) => `/Applications/${app}.app/Contents/MacOS/${app}`)
  }
  if (!onWindows) return []
  const roots = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter((root) => root !== undefined)
  const tails = ['Google/Chrome/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe']
  return roots.flatMap((root) => tails.map((tail) => join(root, tail)))
}

function playwrightFolder() {
  if (env.PLAYWRIGHT_BROWSERS_PATH) return env.PLAYWRIGHT_BROWSERS_PATH
  if (platform === 'darwin') return join(homedir(), 'Library/Caches/ms-playwright')
  if (onWindows) return join(env.LOCALAPPDATA ?? '', 'ms-playwright')
  return join(homedir(), '.cache/ms-playwright')
}

function fromPlaywright() {
  const root = playwrightFolder()
  if (!existsSync(root)) return []
  const programs = onWindows
    ? ['chrome.exe', 'chrome-headless-shell.exe', 'headless_shell.exe']
    : [
        'chrome',
        'chrome-headless-shell',
        'headless_shell',
        'Chromium.app/Contents/MacOS/Chromium',
        'Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
      ]
  const builds = readdirSync(root).filter((name) => /^chromium(_headless_shell)?-\d+$/.test(name))
  return builds
    .sort()
    .reverse()
    .flatMap((build) =>
      readdirSync(join(root, build)).flatMap((folder) => programs.map((name) => join(root, build, folder, name))),
    )
}

/** @param {string} path */
function starts(path) {
  if (!existsSync(path)) return false
  // On Windows `chrome.exe --version` opens a window instead of answering.
  return onWindows || spawnSync(path, ['--version'], { timeout: 20_000 }).status === 0
}

/**
 * Gives the path of a browser that starts, or `undefined`.
 *
 * @returns {string | undefined}
 */
export function findChrome() {
  for (const source of [fromEnvironment, fromPath, fromUsualPlaces, fromPlaywright]) {
    const found = source().find(starts)
    if (found !== undefined) return found
  }
  return undefined
}
