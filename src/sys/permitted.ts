// A process's own files and sockets may be refused to who is not root, and disks get full or lost: said as such, not
// as a bug.

import { TenbinError } from '../base/errors.ts'

/** permitted runs `body`; of the file system's errors EPERM, EACCES and EROFS become NOT_PERMITTED, others STATE_UNUSABLE. */
export function permitted<Result>(op: string, body: () => Result): Result {
  try {
    return body()
  } catch (cause) {
    throw refusalOf(op, cause)
  }
}

/** permittedLater is permitted for what answers later. */
export async function permittedLater<Result>(op: string, body: () => Promise<Result>): Promise<Result> {
  try {
    return await body()
  } catch (cause) {
    throw refusalOf(op, cause)
  }
}

function refusalOf(op: string, cause: unknown): unknown {
  const { code, message, errno, syscall } = cause as NodeJS.ErrnoException
  if (cause instanceof TenbinError || errno === undefined || syscall === undefined) return cause
  const isRefused = code === 'EPERM' || code === 'EACCES' || code === 'EROFS'
  return new TenbinError(isRefused ? 'NOT_PERMITTED' : 'STATE_UNUSABLE', op, { detail: message, cause })
}
