// The bpf file system, which keeps programs and maps alive without a process: mounted where it is missing, as systemd
// does it. Fresh virtual machines and containers often lack it.

import { readdirSync, readFileSync } from 'node:fs'
import { run, SetupError, say } from './process.mjs'
import { bootId, readInstalled, writeInstalled } from './record.mjs'

const PLACE = '/sys/fs/bpf'
/** The kernel puts these into a new one (kernel/bpf/preload). */
const KERNEL_OWN = ['maps.debug', 'progs.debug']

/** isMounted: whether `mounts` (/proc/self/mounts) has a bpf file system at its usual place. @param {string} mounts */
export const isMounted = (mounts) =>
  mounts.split('\n').some((line) => / \/sys\/fs\/bpf bpf /.test(` ${line}`))

const mounted = () => isMounted(readFileSync('/proc/self/mounts', 'utf8'))

/** mountBpffs mounts it where it is missing, and records that. */
export async function mountBpffs() {
  if (mounted()) return
  say(`mounting the bpf file system at ${PLACE}`)
  writeInstalled({ ...readInstalled(), bpffs: bootId() })
  const { status, output } = await run('mount', ['-t', 'bpf', 'bpf', PLACE])
  if (status !== 0)
    throw new SetupError(`the bpf file system cannot be mounted at ${PLACE}: ${output.trim()}`)
}

/** unmountBpffs takes away the mount that setup made, unless somebody keeps something in it. */
export async function unmountBpffs() {
  const record = readInstalled()
  if (record.bpffs !== bootId() || !mounted()) return
  if (process.geteuid?.() !== 0) throw new SetupError(`root is needed to unmount ${PLACE}`)
  const kept = readdirSync(PLACE).filter((name) => !KERNEL_OWN.includes(name))
  if (kept.length > 0) return say(`${PLACE} stays mounted: it holds ${kept.join(', ')}`)
  const { status, output } = await run('umount', [PLACE])
  if (status !== 0) return say(`${PLACE} stays mounted: ${output.trim()}`)
  say(`unmounted ${PLACE}`)
}
