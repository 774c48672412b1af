// Who asks, in words, for what is kept of changes: `alice as root`, `root`, `user 1000`.

import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { peerCredentials } from '../sys/peer-credentials.ts'

/** askerOf a connection to the daemon's socket. */
export function askerOf(socket: Socket | undefined): string {
  const found = socket && peerCredentials(socket)
  if (!found) return 'somebody'
  const users = userNames()
  const name = (uid: number): string => users.get(uid) ?? `user ${uid}`
  const { uid, login } = found
  return login === undefined || login === uid ? name(uid) : `${name(login)} as ${name(uid)}`
}

function userNames(): ReadonlyMap<number, string> {
  const users = new Map<number, string>()
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid] = line.split(':')
    if (user && uid && !users.has(Number(uid))) users.set(Number(uid), user)
  }
  return users
}
