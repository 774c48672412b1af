// What a machine must be before anything is installed on it: facts are read in one place, judged in another, so that
// every message can be tested. All problems are told at once. Left out: what single features need of the kernel,
// which tenbin probes itself.

import { readFileSync, statfsSync } from 'node:fs'
import { release } from 'node:os'
import { root } from './process.mjs'

/**
 * @typedef {object} Machine
 * @property {string} platform as process.platform
 * @property {string} node its version, without the v
 * @property {number} uid effective
 * @property {string} kernel as uname -r says
 * @property {bigint} capabilities effective ones (/proc/self/status)
 * @property {boolean} bpf the kernel knows the bpf file system, so it has the bpf system call
 * @property {number} freeBytes where the project lies
 */

/** readMachine reads this machine's facts. @returns {Machine} */
export function readMachine() {
  const text = (/** @type {string} */ file) => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  }
  const space = statfsSync(root)
  return {
    platform: process.platform,
    node: process.versions.node,
    uid: process.geteuid?.() ?? -1,
    kernel: release(),
    capabilities: BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(text('/proc/self/status'))?.[1] ?? '0'}`),
    bpf: /\tbpf$/m.test(text('/proc/filesystems')),
    freeBytes: space.bavail * space.bsize,
  }
}

/** include/uapi/linux/capability.h */
const CAP_NET_ADMIN = 12n
const CAP_SYS_ADMIN = 21n

const older = (/** @type {string} */ version, /** @type {number} */ major, /** @type {number} */ minor) => {
  const [a = 0, b = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return a < major || (a === major && b < minor)
}

/** nodeProblem: why this Node will not do. @param {string} version */
export const nodeProblem = (version) =>
  older(version, 20, 19)
    ? `Node.js 20.19 or newer is needed, this is ${version}: get one from https://nodejs.org/en/download`
    : undefined

/** machineProblems: a sentence for each thing that is missing, with how to get it. @param {Machine} machine */
export function machineProblems(machine) {
  if (machine.platform !== 'linux')
    return [
      `tenbin forwards packets in the Linux kernel, this is ${machine.platform}: use a Linux machine or VM`,
    ]
  const problems = [nodeProblem(machine.node)]
  if (older(machine.kernel, 6, 1))
    problems.push(
      `Linux 6.1 or newer is needed, this is ${machine.kernel}: Debian 12 and Ubuntu 24.04 have it`,
    )
  if (!machine.bpf)
    problems.push(
      `this kernel (${machine.kernel}) has no eBPF, so no XDP: boot one with CONFIG_BPF_SYSCALL, as distributions have it`,
    )
  const has = (/** @type {bigint} */ capability) => ((machine.capabilities >> capability) & 1n) === 1n
  if (machine.uid !== 0)
    problems.push(
      'root is needed, for network namespaces and eBPF: sudo env "PATH=$PATH" npm start (or npm test)',
    )
  else if (!has(CAP_NET_ADMIN) || !has(CAP_SYS_ADMIN))
    problems.push('root has no CAP_NET_ADMIN or CAP_SYS_ADMIN here: start the container with --privileged')
  return problems.filter((problem) => problem !== undefined)
}

const MIB = 2 ** 20

/** spaceProblem: why `needed` more MiB cannot be put there. @param {Machine} machine @param {number} needed */
export const spaceProblem = (machine, needed) =>
  machine.freeBytes < needed * MIB
    ? `${needed} MiB of free disk space are needed, there are ${Math.floor(machine.freeBytes / MIB)}`
    : undefined
