// The process that is all web servers of a lab. It lives in the switch's namespace and makes each listening socket
// inside that server's namespace: a socket belongs to the namespace it was made in, and so do the connections
// it accepts. One process for 50 servers starts in a fraction of a second and is one thing to end. Says "ready" on
// descriptor 3 when all listen.

import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { openNamed } from '../sys/named-namespace.ts'
import { webServer } from './web-server.ts'

/** WebProcessOptions: the argument. */
export interface WebProcessOptions {
  readonly port: number
  readonly servers: readonly { readonly name: string; readonly namespace: string }[]
}

const { port, servers } = JSON.parse(process.argv[2]!) as WebProcessOptions
const listening = servers.map(({ name, namespace }) => {
  using place = openNamed(namespace)
  // Without an address listen() makes its socket before it returns, so still inside the namespace.
  return once(
    place.run(() => webServer(name).listen({ port, backlog: 4096 })),
    'listening',
  )
})
await Promise.all(listening)
writeSync(3, 'ready\n')
