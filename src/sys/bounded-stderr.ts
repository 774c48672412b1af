// Lines to stderr of a process that runs for years: where that is a file, in memory perhaps (/run), it begins anew when it is
// long. Whoever keeps it longer gives a pipe, as systemd does.

import { fstatSync, ftruncateSync } from 'node:fs'

/** LIMIT: bytes. */
const LIMIT = 2 ** 20

/** writeStderr a line. The file must have been opened for appending, or what is left of it is a hole. */
export function writeStderr(line: string): void {
  try {
    const stat = fstatSync(2)
    if (stat.isFile() && stat.size > LIMIT) ftruncateSync(2)
  } catch {
    // It is closed, or may not be shortened: nobody is served by the end of a process for that.
  }
  process.stderr.write(`${line}\n`)
}
