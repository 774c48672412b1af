// mount(2) and umount2(2), and a lock on a directory that keeps two processes from mounting over each other.
// Left out: moving, binding, mount options as text other than a file system's own.

import { openSync, readFileSync, readlinkSync } from 'node:fs'
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

/**
 * isPrivate: this process sees other mounts than those that it descends from, as under `ip netns exec`: what it mounts
 * is gone when it is (mount_namespaces(7)). The eldest ancestor that may be looked at decides; usually it is process 1.
 */
export function isPrivate(): boolean {
  const own = mountsOf('self')
  let eldest = own
  for (let pid = process.ppid; pid > 0; pid = parentOf(pid)) eldest = mountsOf(pid) ?? eldest
  return eldest !== own
}

/** mountsOf: the mount namespace of a process; undefined: it is gone, or not to be looked at (ptrace(2), access mode). */
function mountsOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`)
  } catch {
    return undefined
  }
}

/** parentOf: 0 where there is none, or none is seen. proc(5): the name may hold spaces and parentheses. */
function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2])
  } catch {
    return 0
  }
}

/** withLockedDirectory runs `run` while no other process runs one for the same directory; waits for its turn. */
export function withLockedDirectory<Result>(path: string, run: () => Result): Result {
  using fd = Fd.own(openSync(path, 'r'))
  flock(fd.number, LOCK_EX)
  return run()
}
