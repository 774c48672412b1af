// Orphans come to this process instead of init, and are reaped here (prctl(2): PR_SET_CHILD_SUBREAPER; wait(2)).

import { nativeCall } from './syscall.ts'

/** include/uapi/linux/prctl.h, include/uapi/linux/wait.h */
const PR_SET_CHILD_SUBREAPER = 36
const WNOHANG = 1

const prctl = nativeCall('prctl', 'int', ['int', 'size_t', 'size_t', 'size_t', 'size_t'])
const waitpid = nativeCall('waitpid', 'int', ['int', 'buffer', 'int'])

/** becomeSubreaper: from now on descendants whose parent ends are children of this process. */
export function becomeSubreaper(): void {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

/** reap a child that has ended, so that nothing is left of it; nothing happens while it has not, or is none. */
export function reap(pid: number): void {
  waitpid.attempt(pid, null, WNOHANG)
}
