// Why a look failed, in words: `connect: refused`, not `connect: ECONNREFUSED: Connection refused`.

import { TenbinError } from '../base/errors.ts'
import { SyscallError } from '../sys/syscall.ts'
import { bad, type Verdict } from './checker.ts'

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset by the server',
  EPIPE: 'closed by the server',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to the server, or nobody answers for its address',
  ENETUNREACH: 'no route to its network',
  EADDRNOTAVAIL: 'the source address is not on this machine, or has no free port',
  ENODEV: 'the interface is not on this machine',
  EMFILE: 'this process may open no more descriptors',
  ENFILE: 'this machine may open no more descriptors',
  EPERM: 'not permitted here',
  EACCES: 'not permitted here',
}

/** Failures of this machine: they say nothing of the server. */
const ours = ['EADDRNOTAVAIL', 'ENODEV', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EPERM', 'EACCES']

/** errnoVerdict: what an error of a socket says of the server. */
export const errnoVerdict = (doing: string, errno: string): Verdict => ({
  outcome: ours.includes(errno) ? 'none' : 'bad',
  text: `${doing}: ${words[errno] ?? errno}`,
})

/** failureVerdict: what an error says that left a checker. */
export function failureVerdict(doing: string, error: TenbinError): Verdict {
  if (error instanceof SyscallError) return errnoVerdict(doing, error.errno)
  if (error.code === 'CHECK_WAY_MISSING') return { outcome: 'none', text: error.detail ?? error.message }
  return bad(error.detail ?? error.message)
}

/** failed: what a checker throws where its server is wanting; `why` is all that is said. */
export const failed = (why: string): TenbinError => new TenbinError('CHECK_FAILED', 'check', { detail: why })

/** shown: bytes of a server as a message quotes them: one line, printable, short. */
export function shown(bytes: Uint8Array, most = 60): string {
  const text = Buffer.from(bytes.subarray(0, most)).toString('latin1')
  const plain = text
    .replaceAll('\r\n', '\\n')
    .replace(/[^\x20-\x7e]/g, (char) =>
      char === '\n' ? '\\n' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
  return `"${plain}"${bytes.length > most ? '…' : ''}`
}
