// Clients that keep their server over two listeners of one service, TCP and UDP, on real machines:
//
//            .-- client, client2 .. client6: connections one after the other, and datagrams
//   switch --+-- lb1 10.0.0.100:80, 10.0.0.100:50..59/udp: one service
//            '-- web01..04: nginx, and a server of datagrams on port 53
//
// Each client has one server for all, through an edit and a restart of the daemon. When that server drains, what is open
// stays, and all that is new goes to another one, and stays there.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Lab } from '../../src/lab/held-lab.ts'
import { nodesOf } from '../../src/lab/topology.ts'
import { skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { brokenOf, holdConnections, holdUdpFlows } from './support/flows.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'
import { startUdpServers } from './support/udp.ts'

const SERVICE = '10.0.0.100'
const CONNECTIONS = { address: SERVICE, port: 80, count: 8, everyMs: 0 }

let lab: Lab
let tenbin: Tenbin
const file = (servers: readonly string[]) =>
  tenbinFile(lab.topology, {
    shop: {
      listen: [`${SERVICE}:80`, `${SERVICE}:50..59/udp`],
      servers,
      persistence: { timeout: '10m', network: 32 },
    },
  })
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'ps', servers: 4, clients: 6 })
  await startNginx(lab)
  await startUdpServers(lab, { addresses: [SERVICE], port: 53 })
  tenbin = new Tenbin(lab)
  tenbin.write(file(['web01', 'web02', 'web03']))
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

/** used: ports of clients, with the protocol: what comes from one again is nothing new, and may be remembered. */
const used = new Set<string>()

/** serversOf a client: of new connections and new UDP flows. */
async function serversOf(client: string): Promise<(string | undefined)[]> {
  await using connections = await holdConnections(lab, CONNECTIONS, client)
  await using udp = await holdUdpFlows(lab, { address: SERVICE, port: 53, count: 8 }, client)
  const answers = [
    ...(await connections.ask('report')).map((each) => ({
      ...each,
      from: `${client} tcp ${each.localPort}`,
    })),
    ...(await udp.ask('ask')).map((each) => ({ ...each, from: `${client} udp ${each.localPort}` })),
  ].filter(({ from }) => !used.has(from))
  for (const { from } of answers) used.add(from)
  return [...new Set(answers.map(({ server }) => server))]
}

test('a client has one server, over both listeners, through an edit, a restart and a drain', {
  skip,
}, async () => {
  const clients = nodesOf(lab.topology, 'client').map(({ name }) => name)
  const own = new Map<string, string>()
  for (const client of clients) {
    const servers = await serversOf(client)
    assert.equal(servers.length, 1, `${client}: ${servers.join(', ')}`)
    own.set(client, servers[0]!)
  }
  // of so few clients all may have one server by chance; of so many networks they do not
  const networks = Array.from({ length: 40 }, (_, i) => `10.9.${i}.1`)
  const traces = await Promise.all(networks.map((ip) => tenbin.trace(`${ip}:9`, `${SERVICE}:80`)))
  assert.ok(new Set(traces.map(({ server }) => server)).size > 1, 'clients have several servers')
  await tenbin.apply(file(serverNames(lab.topology)))
  await tenbin.kill()
  await tenbin.start(() => true)
  for (const client of clients) assert.deepEqual(await serversOf(client), [own.get(client)])

  const [client] = clients as [string]
  const server = own.get(client)!
  const traced = await tenbin.trace('10.0.0.200:9', `${SERVICE}:55`, 'udp')
  assert.match(
    traced.steps.join('\n'),
    /10.0.0.100:55\/udp is within listener 10.0.0.100:50..59\/udp of service shop, pool shop/,
  )
  assert.match(
    traced.steps.join('\n'),
    new RegExp(`Client network 10.0.0.200/32 is kept with ${server} for (10|9|8) min`),
  )

  await using open = await holdConnections(lab, CONNECTIONS, client)
  const { code, err } = await tenbin.cli('drain', server)
  assert.equal(code, 0, err)
  const moved = await serversOf(client)
  const [next] = moved
  assert.ok(
    moved.length === 1 && next !== undefined && next !== server,
    `${server}, then ${moved.join(', ')}`,
  )
  for (const each of clients)
    if (own.get(each) !== server) assert.deepEqual(await serversOf(each), [own.get(each)])
  const still = await open.ask('ask')
  assert.deepEqual(brokenOf(still), [])
  assert.ok(still.every((each) => each.server === server))
  await tenbin.cli('undrain', server)
  assert.deepEqual(await serversOf(client), [next])
})
