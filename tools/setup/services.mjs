// Keeps services of installed packages from running. While packages are installed, Debian's policy-rc.d says no to
// every start; afterwards what they enabled for the next boot is disabled. A policy file that is there already is
// the administrator's and stays; ours carries a mark, so that one left behind by a crash is known and removed.
// Reference: invoke-rc.d(8), deb-systemd-helper(1p).

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { findCommand, run, SetupError, say } from './process.mjs'

const POLICY = '/usr/sbin/policy-rc.d'
const MARK = '# tenbin setup: services of packages that it installs do not start'
/** "action forbidden by policy" */
const FORBIDDEN = 101

const read = (/** @type {string} */ file) => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** removeStalePolicy removes a policy file of ours that a crash left. @param {string} [policy] */
export function removeStalePolicy(policy = POLICY) {
  if (read(policy)?.includes(MARK)) rmSync(policy, { force: true })
}

/**
 * withoutServices runs `install` while no service may start, whatever becomes of it.
 * @template Result @param {() => Promise<Result>} install @param {string} [policy] @returns {Promise<Result>}
 */
export async function withoutServices(install, policy = POLICY) {
  removeStalePolicy(policy)
  if (read(policy) !== undefined) {
    const { status } = await run(policy, ['nginx', 'start', '2'])
    if (status !== FORBIDDEN)
      throw new SetupError(
        `${policy} lets packages start their services: install the packages by hand, or remove it`,
      )
    return install()
  }
  const remove = () => rmSync(policy, { force: true })
  writeFileSync(policy, `#!/bin/sh\n${MARK}\nexit ${FORBIDDEN}\n`, { mode: 0o755, flag: 'wx' })
  process.on('exit', remove)
  try {
    return await install()
  } finally {
    process.off('exit', remove)
    remove()
  }
}

/** servicesOf: units and init scripts among a package's files. @param {string} files one a line */
export function servicesOf(files) {
  const names = (/** @type {RegExp} */ pattern) =>
    [
      ...new Set(
        files
          .split('\n')
          .filter((file) => pattern.test(file))
          .map((file) => basename(file)),
      ),
    ].sort()
  return {
    units: names(/^(\/usr)?\/lib\/systemd\/system\/[^/@]+\.(service|socket|timer|path)$/),
    scripts: names(/^\/etc\/init\.d\/[^/]+$/),
  }
}

/** disableServices: nothing of these packages starts at the next boot either. @param {readonly string[]} packages */
export async function disableServices(packages) {
  if (packages.length === 0) return
  const { output } = await run('dpkg-query', ['-L', ...packages])
  const { units, scripts } = servicesOf(output)
  for (const script of scripts) await run('update-rc.d', [script, 'disable'])
  for (const unit of units)
    if (findCommand('systemctl')) await run('systemctl', ['disable', unit])
    else await run('deb-systemd-helper', ['disable', unit], { env: { DPKG_MAINTSCRIPT_PACKAGE: 'tenbin' } })
  if (units.length + scripts.length > 0)
    say(`not started and not enabled: ${[...new Set([...units, ...scripts])].join(', ')}`)
}
