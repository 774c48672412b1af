// A file that one process at a time holds: flock(2), which the kernel undoes when its holder ends, however it ends. The file
// stays.

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno, nativeCall } from './syscall.ts'

const flock = nativeCall('flock', 'int', ['int', 'int'])
/** include/uapi/asm-generic/fcntl.h */
const [LOCK_EX, LOCK_NB] = [2, 4]

/** holdFile until disposal; undefined: another process holds it. Makes it, and its folder. Throws what fs throws. */
export function holdFile(path: string): Disposable | undefined {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fd = openSync(path, 'a', 0o600)
  try {
    flock(fd, LOCK_EX | LOCK_NB)
    return { [Symbol.dispose]: () => closeSync(fd) }
  } catch (error) {
    closeSync(fd)
    if (isErrno(error, 'EAGAIN', 'EWOULDBLOCK')) return undefined
    throw error
  }
}
