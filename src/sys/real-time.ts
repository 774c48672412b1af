// A process that must not be late: its code stays in memory, others wait for it, and it is the last to go when memory is
// short. Each may be refused; the caller says so and goes on. What this process starts inherits the last alone, unless it is
// started within `unprotected`. Left out: the heap, which cannot be locked, since V8 ends the process where the kernel
// refuses to take back what it gave (madvise(2): EINVAL for locked pages); that it is not swapped is the service manager's
// to see to (MemorySwapMax=0).
// References: mlock2(2), sched_setscheduler(2), proc(5).

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { nativeCall } from './syscall.ts'

const mlock2 = nativeCall('mlock2', 'int', ['address', 'size_t', 'int'])
const setScheduler = nativeCall('sched_setscheduler', 'int', ['int', 'int', 'buffer'])

const OOM_SCORE_ADJ = '/proc/self/oom_score_adj'
const MLOCK_ONFAULT = 1
const SCHED_RR = 2
/** Children are ordinary. */
const SCHED_RESET_ON_FORK = 0x40000000

/**
 * lockCode: pages of programs and libraries that are mapped now stay once they are there; the kernel would drop them first
 * when memory is short, and read them from disk at the next advert. Throws SyscallError (ENOMEM, EPERM: a limit).
 */
export function lockCode(): void {
  for (const line of readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) r.{3} [0-9a-f]+ [0-9a-f:]+ [1-9]\d* +\//.exec(line) ?? []
    if (start === undefined || end === undefined) continue
    const address = Number.parseInt(start, 16)
    mlock2(address, Number.parseInt(end, 16) - address, MLOCK_ONFAULT)
  }
}

/**
 * runFirst: the threads that this process has now before all ordinary ones, this one by `priority` 2..99, the others by one less
 * (SCHED_RR): whoever changes what is mapped keeps the others from it, and an ordinary one may wait for a CPU meanwhile. Throws
 * SyscallError (EPERM).
 */
export function runFirst(priority: number): void {
  const param = Buffer.alloc(4)
  for (const thread of readdirSync('/proc/self/task').map(Number)) {
    param.writeInt32LE(thread === process.pid ? priority : priority - 1)
    setScheduler(thread, SCHED_RR | SCHED_RESET_ON_FORK, param)
  }
}

/** surviveShortage: -1000 (never) .. 1000: whether the kernel ends this process when memory is short. Throws what fs throws. */
export function surviveShortage(oomScoreAdj: number): void {
  writeFileSync(OOM_SCORE_ADJ, `${oomScoreAdj}`)
}

/** unprotected runs `body`: what it starts is no better than others when memory is short, whoever protects this process. */
export function unprotected<Result>(body: () => Result): Result {
  const before = Number(readFileSync(OOM_SCORE_ADJ, 'latin1'))
  if (before >= 0) return body()
  surviveShortage(0)
  try {
    return body()
  } finally {
    try {
      surviveShortage(before)
    } catch {
      // Refused since it was protected: it is as others are, and what was started counts all the same.
    }
  }
}
