// One lab command at a time may take names, clean leftovers or remove a lab. The lock is an abstract Unix socket
// (unix(7)): the kernel lets one process bind its name and frees it when that process ends, however it ends, so a lock
// is never stale and there is no file to clean.

import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const LOCK = '\0tenbin-lab'

/** locked runs `body` while this process alone holds the lock; waits for it as long as it takes. */
export async function locked<Result>(body: () => Promise<Result>): Promise<Result> {
  let release = await tryLock()
  while (!release) {
    await delay(20)
    release = await tryLock()
  }
  try {
    return await body()
  } finally {
    await release()
  }
}

function tryLock(): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(LOCK, () => resolve(() => new Promise((done) => server.close(() => done()))))
  })
}
