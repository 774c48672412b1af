// Runs a TypeScript program under Linux 6.1 on this machine: Debian's user-mode-linux, a kernel that is a process. The
// host's files are its root, read-only; it runs the host's Node; it is up in two seconds. It has eBPF with the verifier
// of 6.1, test runs and mmapable maps, but no JIT, one CPU, and little truth about time.
// References: Documentation/virt/uml/user_mode_linux_howto_v2.rst.

import { accessSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type GuestRun, makeGuestFolder, runProgram } from '../guest/bundle.ts'
import { runContained } from '../guest/contained.ts'

const KERNEL = '/usr/bin/linux.uml'
const WITHOUT_XSTATE = fileURLToPath(new URL('without-xstate.ts', import.meta.url))
/**
 * Words by which programs leave alone what FXSAVE does not hold: a page fault clears it (without-xstate.ts). Of the C library
 * (glibc.cpu.hwcaps, of 2.33 on), OpenSSL (OPENSSL_ia32cap(3)), and what Node reads text by.
 */
const FXSAVE_ONLY = {
  GLIBC_TUNABLES: `glibc.cpu.hwcaps=${['AVX2', 'AVX512F', 'AVX512VL', 'AVX512BW', 'AVX_Fast_Unaligned_Load'].map((name) => `-${name}`).join(',')}`,
  OPENSSL_ia32cap: '~0x1000000000000000:~0xd0030020',
  SIMDUTF_FORCE_IMPLEMENTATION: 'westmere',
  SIMDJSON_FORCE_IMPLEMENTATION: 'westmere',
}
const exports = Object.entries(FXSAVE_ONLY).map(([name, value]) => `${name}=${value}`)

/** whyNoUml: why this machine cannot run user-mode-linux, or undefined when it can. */
export function whyNoUml(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `user-mode-linux exists for Linux on x86-64 only, this is ${process.platform} on ${process.arch}`
  try {
    accessSync(KERNEL)
    return undefined
  } catch {
    return `${KERNEL} is missing: install user-mode-linux, as npm test does`
  }
}

const init = (modules: readonly string[]) => (path: string) =>
  `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t bpf bpf /sys/fs/bpf
mkdir -p /dev/shm /run/out /run/modules/lib
mount -t tmpfs tmpfs /dev/shm
mount -t hostfs none /run/out -o ${path}/out
ln -s /usr/lib/uml/modules /run/modules/lib/modules
export ${exports.join(' ')}
for module in ${modules.join(' ')}; do /sbin/modprobe -d /run/modules $module; done
${runProgram(path, '/run/out')}
echo o >/proc/sysrq-trigger
sleep 60
`

/**
 * runInUml runs `script` (a TypeScript file of this project, or several) as root inside user-mode-linux, after loading the kernel
 * `modules` named (veth, bridge, 8021q, ip_vs ...), and returns what it left. Rejects when the guest ends without
 * running it to its end within `timeoutMs`. No process and no file of it is left.
 */
export async function runInUml(options: {
  readonly script: string | readonly string[]
  readonly timeoutMs: number
  readonly modules?: readonly string[]
}): Promise<GuestRun> {
  using folder = await makeGuestFolder(options.script, init(options.modules ?? []))
  const { output, timedOut, ms } = await runContained(
    [
      ...[
        ...[process.execPath, '--import', 'tsx', WITHOUT_XSTATE, KERNEL],
        'mem=1G',
        'root=/dev/root',
        'rootfstype=hostfs',
        'rootflags=/',
        'ro',
        `init=${folder.path}/init`,
      ],
      ...['con=null', 'con0=null,fd:1', 'quiet', `uml_dir=${folder.path}/`, 'umid=uml'],
    ],
    options.timeoutMs,
  )
  return folder.outcome(
    output,
    ms,
    `the guest ${timedOut ? `was not done in ${options.timeoutMs} ms` : 'ended early'}`,
  )
}
