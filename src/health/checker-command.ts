// How the process that looks is started: from its source, or from what was built, whichever this is.

import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** checkerCommand: the command of an instance's checker with these two paths. */
export function checkerCommand(
  socket: string,
  kept: string,
  instance: string,
): readonly [string, ...string[]] {
  const isSource = extname(fileURLToPath(import.meta.url)) === '.ts'
  const entry = fileURLToPath(new URL(`./checker-process.${isSource ? 'ts' : 'js'}`, import.meta.url))
  const loader = isSource ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps']
  return [process.execPath, ...loader, entry, socket, kept, instance]
}
