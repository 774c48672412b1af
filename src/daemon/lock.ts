// One process at a time works for an instance: its daemon, or `down`. The lock is flock(2) on a file in the
// instance's folder: the kernel frees it when its holder ends, however it ends, so it is never stale, and nobody who
// may not open the file can hold it. The file says who holds it. `down` removes the file while it holds it, so
// whoever got the lock looks whether the file he locked is still the one that has the name.

import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { TenbinError } from '../base/errors.ts'
import { permitted } from '../sys/permitted.ts'
import { isErrno, nativeCall } from '../sys/syscall.ts'
import type { Instance } from './instance.ts'

const flock = nativeCall('flock', 'int', ['int', 'int'])
/** include/uapi/asm-generic/fcntl.h */
const LOCK_EX = 2
const LOCK_NB = 4

/** lockInstance takes the instance's lock until disposal. Throws DAEMON_RUNNING, NOT_PERMITTED. */
export function lockInstance({ name, lock }: Instance): Disposable {
  const fd = permitted('lock', () => lockFile(lock))
  if (fd === undefined) {
    const pid = /^\d+$/.exec(readFileSync(lock, 'utf8').trim())?.[0]
    const who = pid === undefined ? 'another process' : `process ${pid}`
    throw new TenbinError('DAEMON_RUNNING', 'start', { detail: `${who} works for instance ${name}` })
  }
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`, 0)
  return { [Symbol.dispose]: () => closeSync(fd) }
}

/** lockFile: a descriptor of the locked file; undefined if another process has it. */
function lockFile(path: string): number | undefined {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  for (;;) {
    const fd = openSync(path, 'a+', 0o600)
    try {
      flock(fd, LOCK_EX | LOCK_NB)
      if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    } catch (error) {
      closeSync(fd)
      if (isErrno(error, 'EAGAIN', 'EWOULDBLOCK')) return undefined
      throw error
    }
    closeSync(fd)
  }
}
