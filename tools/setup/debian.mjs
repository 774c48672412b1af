// Debian packages: those whose commands are missing are installed, and only those that setup installed are ever
// purged. A command counts wherever it comes from, so other distributions work once the commands are there. Downloads
// can be interrupted; dpkg cannot, so Ctrl-C waits for it. Left out: anything but apt.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findCommand, run, SetupError, say, untilDone } from './process.mjs'
import { readInstalled, setupFolder, writeInstalled } from './record.mjs'
import { disableServices, removeStalePolicy, withoutServices } from './services.mjs'

/** commandOf: package -> the command, or the file by its full name, that shows that it is there.
 * @type {Readonly<Record<string, string>>} */
export const commandOf = {
  bpftool: 'bpftool',
  'busybox-static': 'busybox',
  curl: 'curl',
  'dnsmasq-base': 'dnsmasq',
  dnsperf: 'dnsperf',
  'etcd-server': 'etcd',
  ethtool: 'ethtool',
  haproxy: 'haproxy',
  iproute2: 'ip',
  ipvsadm: 'ipvsadm',
  keepalived: 'keepalived',
  kmod: 'modprobe',
  'libnginx-mod-stream': '/usr/lib/nginx/modules/ngx_stream_module.so',
  'mariadb-server-core': 'mariadbd',
  nftables: 'nft',
  'nginx-light': 'nginx',
  opensmtpd: 'smtpd',
  'postgresql-15': '/usr/lib/postgresql/15/bin/postgres',
  procps: 'sysctl',
  prometheus: 'promtool',
  'qemu-system-x86': 'qemu-system-x86_64',
  'redis-server': 'redis-server',
  tcpdump: 'tcpdump',
  tshark: 'tshark',
  'user-mode-linux': 'linux.uml',
  'util-linux': 'nsenter',
  vsftpd: 'vsftpd',
  wrk: 'wrk',
}

const isThere = (/** @type {string} */ name) => {
  const sign = commandOf[name] ?? name
  return sign.startsWith('/') ? existsSync(sign) : findCommand(sign) !== undefined
}

/** missingPackages: those whose command is not on this machine. @param {readonly string[]} packages */
export const missingPackages = (packages) => packages.filter((name) => !isThere(name))

/** parsePlan: what `apt-get -s install` would do: new packages, and ones that it would upgrade. @param {string} output */
export function parsePlan(output) {
  /** @type {{ added: string[], upgraded: string[] }} */
  const plan = { added: [], upgraded: [] }
  for (const [, name, old] of output.matchAll(/^Inst (\S+) (\[)?/gm))
    plan[old ? 'upgraded' : 'added'].push(String(name))
  return plan
}

const unknown = /Unable to locate package|has no installation candidate|404 +Not Found/
const noNetwork =
  /Temporary failure resolving|Could not (resolve|connect)|Unable to connect|timed out|unreachable/i
const environment = {
  DEBIAN_FRONTEND: 'noninteractive',
  APT_LISTCHANGES_FRONTEND: 'none',
  NEEDRESTART_SUSPEND: '1',
  LC_ALL: 'C.UTF-8',
}

const apt = (
  /** @type {readonly string[]} */ args,
  /** @type {{ log?: string, detached?: boolean }} */ options = {},
) =>
  run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', ...args], {
    env: environment,
    ...options,
  })

const failed = (/** @type {string} */ what, /** @type {string} */ output) =>
  new SetupError(
    `${what}${noNetwork.test(output) ? ': no network, or no way to the Debian mirror' : ''}\n  ${output
      .trim()
      .split('\n')
      .filter((line) => /^(E|W|Err|dpkg)/.test(line))
      .slice(-4)
      .join('\n  ')}`,
  )

/** refreshing runs an apt command; where apt does not know a package or its file is gone, the lists are fetched first. */
async function refreshing(/** @type {readonly string[]} */ args) {
  const first = await apt(args)
  if (first.status === 0 || !unknown.test(first.output)) return first
  say('fetching the package lists (apt-get update)')
  const update = await apt(['update'])
  const second = await apt(args)
  return second.status === 0 ? second : { ...second, output: `${update.output}\n${second.output}` }
}

/** debianPackages installs what is missing of `packages`. @param {readonly string[]} packages */
export async function debianPackages(packages) {
  removeStalePolicy()
  const missing = missingPackages(packages)
  if (missing.length === 0) return
  if (!findCommand('apt-get'))
    throw new SetupError(
      `commands are missing (${missing.map((name) => commandOf[name]).join(', ')}), and there is no apt-get: install what Debian calls ${missing.join(' ')}`,
    )
  const folder = setupFolder()
  const underWay = join(folder, 'installing')
  if (existsSync(underWay))
    await untilDone(() => run('dpkg', ['--configure', '-a'], { env: environment, detached: true }))

  const install = ['install', '-y', '--no-install-recommends', ...missing]
  const simulated = await refreshing(['-s', ...install])
  if (simulated.status !== 0)
    throw failed(`Debian packages cannot be installed (${missing.join(' ')})`, simulated.output)
  const { added, upgraded } = parsePlan(simulated.output)
  const more = added.filter((name) => !missing.includes(name))
  say(`installing Debian packages: ${missing.join(' ')}${more.length > 0 ? ` (with ${more.join(' ')})` : ''}`)
  if (upgraded.length > 0) say(`upgrading, as they need it: ${upgraded.join(' ')}`)
  say('their services are neither started nor enabled; npm run test:clean removes all this again')

  // The downloaded files lie here, so that none stays in apt's own store.
  const store = join(folder, 'archives')
  mkdirSync(join(store, 'partial'), { recursive: true })
  const archives = ['-o', `Dir::Cache::archives=${store}`, '-o', 'APT::Sandbox::User=root']
  const download = await refreshing([...archives, '--download-only', ...install])
  if (download.status !== 0) throw failed('Debian packages cannot be downloaded', download.output)

  const log = join(folder, 'apt.log')
  const conffiles = ['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold']
  const installing = () =>
    apt([...archives, ...conffiles, '--no-download', ...install], { log, detached: true })
  await untilDone(async () => {
    const before = readInstalled()
    writeInstalled({ ...before, packages: [...before.packages, ...added] })
    writeFileSync(underWay, '')
    try {
      const { status } = await withoutServices(installing)
      if (status !== 0)
        throw failed(`Debian packages cannot be installed (all of it: ${log})`, readFileSync(log, 'utf8'))
    } finally {
      const present = await installedAmong(added)
      writeInstalled({ ...before, packages: [...before.packages, ...present] })
      await disableServices(present)
      rmSync(store, { recursive: true, force: true })
      rmSync(underWay, { force: true })
    }
  })
  const still = missingPackages(missing)
  if (still.length > 0)
    throw new SetupError(
      `installed, but their commands are missing: ${still.map((name) => commandOf[name]).join(', ')}`,
    )
}

/** installedAmong: which of `packages` dpkg holds, configuration files alone included. @param {readonly string[]} packages */
async function installedAmong(packages) {
  if (packages.length === 0) return []
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills these in.
  const format = '${Package} ${db:Status-Status}\n'
  const { output } = await run('dpkg-query', ['-W', '-f', format, ...packages])
  const held = new Set()
  for (const [, name, status] of output.matchAll(/^(\S+) (\S+)$/gm))
    if (status !== 'not-installed') held.add(name)
  return packages.filter((name) => held.has(name))
}

/** purgePackages purges what setup installed and nothing else; says which ones others need by now, and keeps those. */
export async function purgePackages() {
  removeStalePolicy()
  const record = readInstalled()
  const present = await installedAmong(record.packages)
  if (present.length === 0) return
  if (process.geteuid?.() !== 0) throw new SetupError(`root is needed to purge ${present.join(' ')}`)
  say(`purging Debian packages: ${present.join(' ')}`)
  const { output } = await untilDone(() =>
    run('dpkg', ['--purge', ...present], { env: environment, detached: true }),
  )
  const kept = await installedAmong(present)
  writeInstalled({ ...record, packages: kept })
  if (kept.length > 0) throw failed(`kept, because dpkg refuses: ${kept.join(' ')}`, output)
}
