// Whether a script may be run: there, what the kernel can run, and nobody's to change or to replace but root's, since
// whoever writes one decides what it does.

import { realpathSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isProgram } from './program.ts'

/** RunBy: who is to run it, with no other group than that. */
export interface RunBy {
  readonly user: string
  readonly uid: number
  readonly gid: number
}

const STICKY = 0o1000

/** scriptFault: what is wrong with it, `is not executable`; undefined: nothing. */
export function scriptFault(file: string, by?: RunBy): string | undefined {
  let stat: Stats
  try {
    stat = statSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'is not there' : `cannot be looked at: ${code}`
  }
  if (!stat.isFile()) return 'is no file'
  if ((stat.mode & 0o111) === 0) return 'is not executable'
  if (stat.uid !== 0) return 'is not owned by root'
  if ((stat.mode & 0o022) !== 0) return 'can be written by others than root'
  if (!isProgram(file)) return 'begins neither with #! nor as a program'
  // Its interpreter reads it.
  if (by && !(may(stat, 1, by) && may(stat, 4, by)))
    return `cannot be read and run by ${by.user}: its mode is ${(stat.mode & 0o777).toString(8)}`
  return folderFault(dirname(realpathSync(file)), by)
}

/** folderFault: of the folders that it is in. Of a sticky one (/tmp) nobody takes what is another's. */
function folderFault(folder: string, by: RunBy | undefined): string | undefined {
  const stat = statSync(folder)
  const { mode, uid } = stat
  if (uid !== 0 || ((mode & 0o022) !== 0 && (mode & STICKY) === 0))
    return `can be replaced by others than root: ${folder} is theirs to write`
  if (by && !may(stat, 1, by)) return `cannot be reached by ${by.user}: ${folder} is closed to it`
  return folder === '/' ? undefined : folderFault(dirname(folder), by)
}

/** The first class that fits is the one that counts (path_resolution(7)). */
function may({ mode, uid, gid }: Stats, bit: 1 | 4, by: RunBy): boolean {
  const shift = by.uid === uid ? 6 : by.gid === gid ? 3 : 0
  return ((mode >> shift) & bit) !== 0
}
