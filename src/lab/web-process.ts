// The process that is all web servers of a lab. It lives in the switch's namespace and makes each listening socket
// inside that server's namespace: a socket belongs to the namespace it was made in, and so do the connections
// it accepts. One process for 50 servers starts in a fraction of a second and is one thing to end. Says "ready" on
// descriptor 3 when all listen; told there to `stop`, `begin`, `freeze` or `thaw` one (web-hand.ts), it does and says "done".
// It goes on when nobody is there to tell it any more.

import { once } from 'node:events'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { openNamed } from '../sys/named-namespace.ts'
import { type WebOrder, webServer } from './web-server.ts'

/** WebProcessOptions: the argument. */
export interface WebProcessOptions {
  readonly port: number
  readonly servers: readonly { readonly name: string; readonly namespace: string }[]
}

const { port, servers } = JSON.parse(process.argv[2]!) as WebProcessOptions
const all = new Map(servers.map(({ name, namespace }) => [name, { ...webServer(name), namespace }]))

async function begin(name: string): Promise<void> {
  const { server, namespace } = all.get(name)!
  using place = openNamed(namespace)
  // Without an address listen() makes its socket before it returns, so still inside the namespace.
  const listening = once(server, 'listening')
  place.run(() => server.listen({ port, backlog: 4096 }))
  await listening
}

const orders: Readonly<Record<WebOrder, (name: string) => Promise<void> | void>> = {
  begin,
  stop: (name) => {
    const { server } = all.get(name)!
    server.close()
    server.closeAllConnections()
  },
  freeze: (name) => all.get(name)!.freeze(),
  thaw: (name) => all.get(name)!.thaw(),
}

await Promise.all(servers.map(({ name }) => begin(name)))
const hand = new Socket({ fd: 3 })
hand.on('error', () => undefined)
createInterface({ input: hand }).on('line', (line) => {
  const [order, name] = line.split(' ') as [WebOrder, string]
  void Promise.resolve(orders[order](name)).then(() => hand.write('done\n'))
})
hand.write('ready\n')
