// mount(2) and umount2(2), and a lock on a directory that keeps two processes from mounting over each other.
// Left out: moving, binding, mount options as text other than a file system's own.

import { openSync } from 'node:fs'
import { Fd } from './fd.ts'
import { nativeCall } from './syscall.ts'

const mountCall = nativeCall('mount', 'int', ['string', 'string', 'string', 'int64', 'string'])
const umount2 = nativeCall('umount2', 'int', ['string', 'int'])
const flock = nativeCall('flock', 'int', ['int', 'int'])
/** include/uapi/linux/mount.h, include/linux/fs.h, include/uapi/asm-generic/fcntl.h */
const MS_NOSUID = 2
const MS_NODEV = 4
const MS_NOEXEC = 8
const MNT_DETACH = 2
const LOCK_EX = 2

/** mount: a file system of `type` at the directory `target`, nosuid, nodev, noexec. Throws SyscallError. */
export function mount(type: string, target: string, options = ''): void {
  mountCall(type, target, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
}

/** unmount: takes the topmost mount off `target`, at once for new users, later for those who are in it. */
export function unmount(target: string): void {
  umount2(target, MNT_DETACH)
}

/** withLockedDirectory runs `run` while no other process runs one for the same directory; waits for its turn. */
export function withLockedDirectory<Result>(path: string, run: () => Result): Result {
  using fd = Fd.own(openSync(path, 'r'))
  flock(fd.number, LOCK_EX)
  return run()
}
