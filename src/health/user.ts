// Users by name, as the machine knows them in /etc/passwd: for scripts, which run as one without privileges. Left out:
// users of directories (NSS), whose numbers can be written instead.

import { readFileSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'

/** lookUpUser: a name, or `uid:gid`. Throws CHECK_FAILED. */
export function lookUpUser(name: string): { readonly uid: number; readonly gid: number } {
  const numbers = /^(\d{1,10}):(\d{1,10})$/.exec(name)
  if (numbers) return { uid: Number(numbers[1]), gid: Number(numbers[2]) }
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((each) => each.split(':'))
    .find(([user]) => user === name)
  if (!line)
    throw new TenbinError('CHECK_FAILED', 'run script', { detail: `this machine knows no user ${name}` })
  return { uid: Number(line[2]), gid: Number(line[3]) }
}
