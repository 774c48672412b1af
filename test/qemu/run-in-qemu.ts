// Runs a TypeScript program under Debian's kernel with its JIT, in qemu's emulation. An initramfs of ours loads the
// modules for 9p, mounts the host's files read-only as root, and runs the program on the host's Node; only the out/
// folder of the run can be written. Emulated: slow (a minute or two), and useless for measuring.
// Reference: qemu(1) -fsdev, Documentation/filesystems/9p.rst.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GuestRun, makeGuestFolder, runProgram } from '../guest/bundle.ts'
import { runContained } from '../guest/contained.ts'
import { type CpioEntry, cpio } from './cpio.ts'
import type { Kernel } from './debian-kernel.ts'

const KERNEL_MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'veth']
/** 9p asks for 512 kB at a time: the emulated processor is slower than any round trip. */
const NINE_P = 'trans=virtio,version=9p2000.L,msize=524288'

/** The first process, in the initramfs. */
const first = (modules: readonly string[], path: string): string => `#!/bin/busybox sh
for module in ${modules.join(' ')}; do /bin/busybox insmod /modules/$module; done
/bin/busybox mount -t 9p -o ${NINE_P},ro,cache=loose host /root
/bin/busybox chroot /root /bin/sh ${path}/init
/bin/busybox poweroff -f
`

/** The second one, in the host's files. */
const second = (path: string): string => `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /run
mount -t bpf bpf /sys/fs/bpf
mkdir -p /dev/shm /run/out
mount -t tmpfs tmpfs /dev/shm
mount -t 9p -o ${NINE_P} out /run/out
${runProgram(path, '/run/out')}
sync
`

/** The host's busybox and, where it is linked dynamically, its libraries. */
function busybox(): readonly CpioEntry[] {
  const { stdout } = spawnSync('ldd', ['/bin/busybox'], { encoding: 'utf8' })
  return ['/bin/busybox', ...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => {
    const path = typeof match === 'string' ? match : match[1]!
    return { path: path.slice(1), content: readFileSync(path), executable: true }
  })
}

/** runInQemu runs `script` as root and returns what it left; rejects when the guest does not run it to its end. */
export async function runInQemu(options: {
  readonly kernel: Kernel
  readonly script: string
  readonly timeoutMs: number
}): Promise<GuestRun> {
  using folder = await makeGuestFolder(options.script, second)
  const modules = options.kernel.modules(KERNEL_MODULES)
  const name = (file: string): string => file.split('/').at(-1) ?? ''
  const initramfs = join(folder.path, 'initramfs')
  writeFileSync(
    initramfs,
    cpio([
      { path: 'init', content: Buffer.from(first(modules.map(name), folder.path)), executable: true },
      { path: 'root' },
      ...modules.map((file) => ({ path: `modules/${name(file)}`, content: readFileSync(file) })),
      ...busybox(),
    ]),
  )
  const share = (id: string, path: string, access: string): readonly string[] => [
    ...['-fsdev', `local,id=${id},path=${path},security_model=none,multidevs=remap${access}`],
    ...['-device', `virtio-9p-pci,fsdev=${id},mount_tag=${id}`],
  ]
  const { output, timedOut, ms } = await runContained(
    [
      ...['qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max', '-m', '1G', '-smp', '1'],
      ...['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-nic', 'none', '-no-reboot'],
      ...['-kernel', options.kernel.image, '-initrd', initramfs],
      ...['-append', 'console=ttyS0 quiet panic=-1 oops=panic mitigations=off'],
      ...share('host', '/', ',readonly=on'),
      ...share('out', join(folder.path, 'out'), ''),
    ],
    options.timeoutMs,
  )
  return folder.outcome(
    output,
    ms,
    `the guest ${timedOut ? `was not done in ${options.timeoutMs} ms` : 'ended early'}`,
  )
}
