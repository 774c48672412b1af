// Users by name, as the machine knows them in /etc/passwd: for scripts, which run as one without privileges. Left out:
// users of directories (NSS), whose numbers can be written instead.

import { readFileSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'

/** USERS_FILE: where this machine's users are. */
export const USERS_FILE = '/etc/passwd'
/** ID_LIMIT: the largest number that a process here can be started with. */
const ID_LIMIT = 2 ** 31 - 1

/**
 * lookUpUser: a name, or `uid:gid`. Throws CHECK_FAILED, also for root, and for whoever has its number or its group under
 * another name.
 */
export function lookUpUser(name: string, users = USERS_FILE): { readonly uid: number; readonly gid: number } {
  const [uid, gid] = idsOf(name, users)
  const isUsable = [uid, gid].every((id) => Number.isInteger(id) && id > 0 && id <= ID_LIMIT)
  if (!isUsable) refuse(`a script does not run as ${name} (${uid}:${gid})`)
  return { uid, gid }
}

function idsOf(name: string, users: string): readonly [number, number] {
  const numbers = /^(\d{1,10}):(\d{1,10})$/.exec(name)
  if (numbers) return [Number(numbers[1]), Number(numbers[2])]
  const line = readFileSync(users, 'utf8')
    .split('\n')
    .map((each) => each.split(':'))
    .find(([user]) => user === name)
  if (!line) refuse(`this machine knows no user ${name}`)
  return [Number(line[2] || Number.NaN), Number(line[3] || Number.NaN)]
}

function refuse(detail: string): never {
  throw new TenbinError('CHECK_FAILED', 'run script', { detail })
}
