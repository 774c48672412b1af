// Sets this machine up for what the caller is about to do: machine fit, npm packages, Debian packages, bpf file system.
// Its idea: look first (a tenth of a second when all is there), say before what is changed, record it, so that
// `npm run test:clean` takes exactly that away again. It starts and enables no service and asks nothing.

import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountBpffs } from './setup/bpffs.mjs'
import { debianPackages, missingPackages } from './setup/debian.mjs'
import { machineProblems, readMachine, spaceProblem } from './setup/machine.mjs'
import { npmPackages } from './setup/npm.mjs'
import { run, SetupError, say } from './setup/process.mjs'
import { setupFolder } from './setup/record.mjs'

/** labPackages: what a lab needs, and what its hints tell people to type there. */
export const labPackages = ['iproute2', 'ethtool', 'util-linux', 'procps', 'curl', 'tcpdump']
/** testPackages: what the tests need; user-mode-linux is built for x86-64 only, and its tests say so elsewhere, LVS's too. */
export const testPackages = [
  ...labPackages,
  ...['nginx-light', 'wrk', 'dnsmasq-base', 'dnsperf', 'kmod', 'bpftool', 'tshark', 'nftables'],
  // Servers that checks look at.
  ...[
    'haproxy',
    'vsftpd',
    'opensmtpd',
    'redis-server',
    'postgresql-15',
    'mariadb-server-core',
    'etcd-server',
  ],
  // For promtool, which Debian has nowhere else.
  'prometheus',
  // The peer on the link.
  'keepalived',
  ...(process.arch === 'x64' ? ['user-mode-linux', 'ipvsadm'] : []),
]
/** proxyPackages: what the bench `proxy` compares tenbin with, and by. */
export const proxyPackages = [...labPackages, 'nginx-light', 'wrk', 'haproxy', 'libnginx-mod-stream']
/** floodPackages: the same of the bench `flood`. */
export const floodPackages = [...labPackages, 'nginx-light', 'nftables']
/** qemuPackages: what `npm run test:qemu` needs beside the lab's. */
export const qemuPackages = ['kmod', 'qemu-system-x86', 'busybox-static']

/** MiB that the npm packages and all Debian packages need. */
const NEEDED_MIB = 960

/** identity: a process by its number and start time, since numbers come again after a boot; empty if it is gone.
 * @param {string | number} pid */
function identity(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return `${pid} ${stat.slice(stat.lastIndexOf(')')).split(' ')[20]}`
  } catch {
    return ''
  }
}

/** locked keeps two setups of one checkout apart; one whose process is gone holds nothing.
 * @param {() => Promise<void>} work @param {string} [folder] */
export async function locked(work, folder = setupFolder()) {
  const lock = join(folder, 'lock')
  const mine = `${lock}.${process.pid}`
  const holder = () => {
    try {
      return readFileSync(lock, 'utf8')
    } catch {
      return undefined
    }
  }
  const unlock = () => rmSync(lock, { force: true })
  writeFileSync(mine, identity(process.pid))
  try {
    // A link is there with its content or not at all.
    for (let told = false; !linked(mine, lock); ) {
      const held = holder()
      if (held === undefined) continue
      const [pid = ''] = held.split(' ')
      if (held === '' || identity(pid) !== held) unlock()
      else if (!told) {
        told = true
        say(`waiting for the setup of process ${pid}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  } finally {
    rmSync(mine, { force: true })
  }
  process.on('exit', unlock)
  try {
    await work()
  } finally {
    process.off('exit', unlock)
    unlock()
  }
}

/** @param {string} file @param {string} name */
function linked(file, name) {
  try {
    linkSync(file, name)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
}

/** devices: the lab's kind of network, made and gone with its namespace. */
async function devices() {
  const script = 'ip link add dev v0 type veth peer name v1 && ip link add dev b0 type bridge'
  const { status, output } = await run('unshare', ['--net', 'sh', '-c', script])
  if (status !== 0)
    throw new SetupError(
      `this machine cannot make namespaces with veth and bridge devices: ${output.trim()} (kernel: CONFIG_NET_NS, CONFIG_VETH, CONFIG_BRIDGE)`,
    )
}

/** setup makes the machine ready, or throws a SetupError that says what is missing. @param {readonly string[]} packages */
export async function setup(packages) {
  const machine = readMachine()
  const problems = machineProblems(machine)
  if (problems.length > 0) throw new SetupError(problems.join('\ntenbin: '))
  await locked(async () => {
    const space = missingPackages(packages).length > 0 ? spaceProblem(machine, NEEDED_MIB) : undefined
    if (space) throw new SetupError(space)
    await npmPackages()
    await debianPackages(packages)
    await mountBpffs()
  })
  await devices()
}
