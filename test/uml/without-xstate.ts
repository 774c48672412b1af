// Runs a command that ptrace(2) tells nothing of XSAVE: PTRACE_GETREGSET of NT_X86_XSTATE is refused, for it and all it starts
// (seccomp(2)). Its idea: Linux 6.1 as a process keeps 2,696 bytes of its programs' registers, and a CPU with AMX has
// 11,008, of which ptrace takes all or nothing ("ptrace set fp regs failed, errno = 14"); where it learns of no XSAVE at
// all it keeps the 512 bytes of FXSAVE, on every CPU (arch/x86/um/os-Linux/registers.c). What is beyond, the halves of AVX's
// registers and all of AVX-512's, is empty after every page fault, since Linux finds its cause by a signal handler
// (arch/um/os-Linux/skas/process.c): programs must do without, and run-in-uml.ts tells them so.

import { spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { sockFilter, sockFprog } from '../../src/sys/socket-filter.ts'
import { nativeCall } from '../../src/sys/syscall.ts'

/** include/uapi/linux/prctl.h, seccomp.h, audit.h, ptrace.h, elf.h; arch/x86/entry/syscalls/syscall_64.tbl */
const PR_SET_SECCOMP = 22
const SECCOMP_MODE_FILTER = 2
const SECCOMP_RET_ALLOW = 0x7fff_0000
const SECCOMP_RET_ERRNO = 0x0005_0000
const AUDIT_ARCH_X86_64 = 0xc000_003e
const PTRACE = 101
const PTRACE_GETREGSET = 0x4204
const NT_X86_XSTATE = 0x202

/** Where struct seccomp_data has what is looked at: the lower halves of two arguments. */
const [NR, ARCH, REQUEST, ADDRESS] = [0, 4, 16, 32] as const
/** linux/filter.h: BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K */
const [LOAD, EQUAL, RETURN] = [0x20, 0x15, 0x06] as const

const conditions = [
  [ARCH, AUDIT_ARCH_X86_64],
  [NR, PTRACE],
  [REQUEST, PTRACE_GETREGSET],
  [ADDRESS, NT_X86_XSTATE],
] as const

/** All conditions hold: refused. Else what is said last: allowed. */
const instructions = Buffer.concat([
  ...conditions.flatMap(([offset, value], index) => [
    sockFilter(LOAD, offset),
    sockFilter(EQUAL, value, 0, 2 * (conditions.length - index) - 1),
  ]),
  sockFilter(RETURN, SECCOMP_RET_ERRNO | constants.errno.EINVAL),
  sockFilter(RETURN, SECCOMP_RET_ALLOW),
])

const prctl = nativeCall('prctl', 'int', ['int', 'size_t', 'buffer', 'size_t', 'size_t'])
prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, sockFprog(instructions), 0, 0)

const [command, ...args] = process.argv.slice(2)
const { status } = spawnSync(command!, args, { stdio: 'inherit' })
process.exitCode = status ?? 1
