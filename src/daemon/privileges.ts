// What the daemon must be allowed to do, looked at before anything is begun: a process that may not attach a program
// would otherwise wait for its interface and fail much later. Reference: capabilities(7), linux/capability.h.

import { readFileSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'

const CAP_NET_ADMIN = 12n
const CAP_SYS_ADMIN = 21n
const CAP_PERFMON = 38n
const CAP_BPF = 39n

/** missingCapabilities: of those needed, given /proc/PID/status; CAP_SYS_ADMIN includes the two of bpf(2). */
export function missingCapabilities(status: string): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  const has = (capability: bigint) => ((effective >> capability) & 1n) === 1n
  return [
    ...(has(CAP_NET_ADMIN) ? [] : ['CAP_NET_ADMIN']),
    ...(has(CAP_BPF) || has(CAP_SYS_ADMIN) ? [] : ['CAP_BPF']),
    ...(has(CAP_PERFMON) || has(CAP_SYS_ADMIN) ? [] : ['CAP_PERFMON']),
  ]
}

/** requirePrivileges of this process. Throws NOT_PERMITTED with what is missing. */
export function requirePrivileges(op: string): void {
  const missing = missingCapabilities(readFileSync('/proc/self/status', 'utf8'))
  if (missing.length === 0) return
  throw new TenbinError('NOT_PERMITTED', op, { detail: `this process lacks ${missing.join(', ')}` })
}
