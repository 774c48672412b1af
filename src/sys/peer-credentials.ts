// Who is at the other end of a Unix socket, by the kernel's word: the process that connected, and its user then. Its
// login (audit uid) says who a root shell belongs to, where a login was made at all. Reference: unix(7), SO_PEERCRED;
// include/net/sock.h.

import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { nativeCall } from './syscall.ts'

const getsockopt = nativeCall('getsockopt', 'int', ['int', 'int', 'int', 'buffer', 'buffer'])
const SOL_SOCKET = 1
const SO_PEERCRED = 17
/** No login: (uid_t)-1. */
const UNSET = 0xffff_ffff

/** Credentials: `login`: the user that logged in, if one did and the process is still there. */
export interface Credentials {
  readonly pid: number
  readonly uid: number
  readonly login: number | undefined
}

/** peerCredentials of a connection that a server accepted; undefined once it is closed. Throws SyscallError. */
export function peerCredentials(socket: Socket): Credentials | undefined {
  // net.Socket keeps its descriptor here and nowhere else.
  const fd = (socket as unknown as { readonly _handle: { readonly fd?: number } | null })._handle?.fd
  if (fd === undefined || fd < 0) return undefined
  const ucred = Buffer.alloc(12)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(ucred.length)
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, length)
  const [pid, uid] = [ucred.readInt32LE(0), ucred.readUInt32LE(4)]
  return { pid, uid, login: loginOf(pid) }
}

function loginOf(pid: number): number | undefined {
  try {
    const login = Number(readFileSync(`/proc/${pid}/loginuid`, 'utf8'))
    return login === UNSET ? undefined : login
  } catch {
    return undefined
  }
}
