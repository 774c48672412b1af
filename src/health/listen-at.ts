// A Unix socket that main alone may connect to, in place of one that nobody listens on any more.

import { chmodSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'

/** listenAt a path resolves when main can connect. Rejects with what net says (EACCES, ENOENT). */
export function listenAt(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      chmodSync(path, 0o600)
      resolve()
    })
  })
}
