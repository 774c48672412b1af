// Whether a script may be run: there, what the kernel can run, and nobody's to change but root's, since whoever writes one
// decides what it does.

import { statSync } from 'node:fs'
import { isProgram } from './program.ts'

/** scriptFault: what is wrong with it, `is not executable`; undefined: nothing. */
export function scriptFault(file: string): string | undefined {
  let stat: ReturnType<typeof statSync>
  try {
    stat = statSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'is not there' : `cannot be looked at: ${code}`
  }
  if (!stat!.isFile()) return 'is no file'
  if ((stat!.mode & 0o111) === 0) return 'is not executable'
  if (stat!.uid !== 0) return 'is not owned by root'
  if ((stat!.mode & 0o022) !== 0) return 'can be written by others than root'
  return isProgram(file) ? undefined : 'begins neither with #! nor as a program'
}
