// Which CPUs the calling thread may run on, so that a measurement stays on one. Only this thread is moved: the
// threads of Node's pool and of V8 stay where they are, threads started later inherit.
// Reference: sched_setaffinity(2); the mask has a bit a CPU, in native words of 64 bits.

import { invariant } from '../base/errors.ts'
import { nativeCall } from './syscall.ts'

const setMask = nativeCall('sched_setaffinity', 'int', ['int', 'size_t', 'buffer'])
const getMask = nativeCall('sched_getaffinity', 'int', ['int', 'size_t', 'buffer'])

/** MASK_BYTES: for 8,192 CPUs, the most that Linux can be built for. */
const MASK_BYTES = 1024

/** affinity: the CPUs that this thread may run on, ascending. */
export function affinity(): number[] {
  const mask = Buffer.alloc(MASK_BYTES)
  getMask(0, MASK_BYTES, mask)
  const cpus: number[] = []
  for (let cpu = 0; cpu < MASK_BYTES * 8; cpu++) if (mask[cpu >> 3]! & (1 << (cpu & 7))) cpus.push(cpu)
  return cpus
}

/** setAffinity: this thread runs on these CPUs only. Throws SyscallError (EINVAL: none of them is there). */
export const setAffinity = (cpus: readonly number[]): void => setAffinityOf(0, cpus)

/** setAffinityOf: the same of another thread, or of the first one of a process. Throws SyscallError (ESRCH: it is gone). */
export function setAffinityOf(thread: number, cpus: readonly number[]): void {
  const mask = Buffer.alloc(MASK_BYTES)
  for (const cpu of cpus) {
    invariant(Number.isInteger(cpu) && cpu >= 0 && cpu < MASK_BYTES * 8, `${cpu} is no CPU`)
    mask[cpu >> 3]! |= 1 << (cpu & 7)
  }
  setMask(thread, MASK_BYTES, mask)
}
