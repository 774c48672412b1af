// The daemon's own files and sockets may be refused to who is not root: said as such, not as a bug.

import { TenbinError } from '../base/errors.ts'

/** permitted runs `body`; EPERM, EACCES and EROFS of the file system become NOT_PERMITTED. */
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
  const { code, message } = cause as NodeJS.ErrnoException
  if (code !== 'EPERM' && code !== 'EACCES' && code !== 'EROFS') return cause
  return new TenbinError('NOT_PERMITTED', op, { detail: message, cause })
}
