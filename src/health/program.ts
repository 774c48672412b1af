// Whether a file is what the kernel can run by itself. execvp(3) hands any other to /bin/sh, which would be a shell that
// nobody asked for.

import { closeSync, constants, openSync, readSync } from 'node:fs'

/** isProgram: it begins as ELF, or with #! and its interpreter. One that cannot be read may be: whoever starts it learns. */
export function isProgram(file: string): boolean {
  const head = Buffer.alloc(4)
  let fd: number | undefined
  try {
    // A pipe would keep us waiting.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const text = head.toString('latin1', 0, readSync(fd, head, 0, head.length, 0))
    return text === '\x7fELF' || text.startsWith('#!')
  } catch {
    return true
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
