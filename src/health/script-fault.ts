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
  if (by && !mayExecute(stat, by)) return `cannot be run by ${by.user}: it is executable for others alone`
  return folderFault(dirname(realpathSync(file)), by)
}

/** folderFault: of the folders that it is in. Of a sticky one (/tmp) nobody takes what is another's. */
function folderFault(folder: string, by: RunBy | undefined): string | undefined {
  const stat = statSync(folder)
  const { mode, uid } = stat
  if (uid !== 0 || ((mode & 0o022) !== 0 && (mode & STICKY) === 0))
    return `can be replaced by others than root: ${folder} is theirs to write`
  if (by && !mayExecute(stat, by)) return `cannot be reached by ${by.user}: ${folder} is closed to it`
  return folder === '/' ? undefined : folderFault(dirname(folder), by)
}

/** The first class that fits is the one that counts (path_resolution(7)). */
function mayExecute({ mode, uid, gid }: Stats, by: RunBy): boolean {
  const bit = by.uid === uid ? 0o100 : by.gid === gid ? 0o010 : 0o001
  return (mode & bit) !== 0
}
