// The npm packages of package-lock.json. Whether they are there is read from node_modules' own lock file, so that no
// stamp can lie: every package of it must be the lock's, and only optional ones (other platforms) may be missing.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, SetupError, say } from './process.mjs'

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} Packages */

/** samePackages: whether what is installed is what the lock asks for. @param {Packages} locked @param {Packages} present */
export function samePackages(locked, present) {
  for (const [name, { version, integrity }] of Object.entries(present))
    if (locked[name]?.version !== version || locked[name]?.integrity !== integrity) return false
  return Object.entries(locked).every(
    ([name, { optional }]) => name === '' || optional || present[name] !== undefined,
  )
}

/** @param {string} file @returns {Packages | undefined} */
const packagesOf = (file) => {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch {
    return undefined
  }
}

const noNetwork =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|network)\b/

/** npmPackages installs the packages where they are missing or others than the lock's. */
export async function npmPackages() {
  const locked = packagesOf('package-lock.json')
  if (locked === undefined)
    throw new SetupError('package-lock.json is missing or damaged: check the project out again')
  const present = packagesOf('node_modules/.package-lock.json')
  if (present !== undefined && samePackages(locked, present)) return
  const count = Object.values(locked).filter(({ optional }) => !optional).length - 1
  say(`installing ${count} npm packages into node_modules/`)
  const npm = process.env.npm_execpath
  const patience = ['--fetch-timeout=60000', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...patience]
  const { status, output } = await (npm?.endsWith('.js')
    ? run(process.execPath, [npm, ...args])
    : run('npm', args))
  if (status === 0) return
  if (status === 127) throw new SetupError('the command npm is missing: install it with Node.js')
  const words = output.split('\n').filter((line) => /^npm (error|ERR!) \S/.test(line))
  throw new SetupError(
    `npm packages could not be installed${noNetwork.test(output) ? ': no network, or no way to the npm registry' : ''}\n  ${words.slice(0, 8).join('\n  ')}`,
  )
}
