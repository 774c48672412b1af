// Listeners of many ports with real clients, in both families: of several around a port the narrowest has it. Each listener
// is a service of its own with one server, so who answers says which listener a port was.
//
//            .-- client 10.0.1.200 2001:db8:1::200: curl, datagrams
//   switch --+-- lb1 10.0.0.2 2001:db8::2: tenbin, services on 10.0.0.100 and 2001:db8::100, by nat
//            '-- web01..03: nginx on port 80, datagrams on port 53

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Lab } from '../../src/lab/held-lab.ts'
import { skip } from './support/execute.ts'
import { brokenOf, holdConnections } from './support/flows.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'
import { askUdp, startUdpServers } from './support/udp.ts'

const [SERVICE, SERVICE6] = ['10.0.0.100', '2001:db8::100']

/** `one`: whether a single port is a listener of its own. */
const file = (one = true) => `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [${SERVICE}/24, "${SERVICE6}/64"] } }
servers: { web01..03: 10.0.0.11..13, six01..03: 2001:db8::11..13 }
defaults: { forward: nat, check: none }
services:
  all:   { listen: "${SERVICE}:*", servers: web01, server_port: 80 }
  some:  { listen: "${SERVICE}:8000..8099", servers: web02, server_port: 80 }
  all6:  { listen: "[${SERVICE6}]:*", servers: six01, server_port: 80 }
  some6: { listen: "[${SERVICE6}]:8000..8099", servers: six02, server_port: 80 }
  names: { listen: "${SERVICE}:*/udp", servers: web01, server_port: 53 }
  more:  { listen: "${SERVICE}:8000..8099/udp", servers: web02, server_port: 53 }
${
  one
    ? `  one:   { listen: "${SERVICE}:8050", servers: web03, server_port: 80 }
  one6:  { listen: "[${SERVICE6}]:8050", servers: six03, server_port: 80 }
  name:  { listen: "${SERVICE}:8050/udp", servers: web03, server_port: 53 }`
    : ''
}
`

/** Whose ports are: all ports, a range, and a port within it. */
const owners: Readonly<Record<string, readonly number[]>> = {
  web01: [1, 80, 7_999, 8_100, 65_535],
  web02: [8_000, 8_049, 8_051, 8_099],
  web03: [8_050],
}

let lab: Lab
let tenbin: Tenbin
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'pr', servers: 3, ipv6: true, forward: 'nat' })
  await startNginx(lab)
  await startUdpServers(lab, { addresses: ['0.0.0.0'], port: 53 })
  await lab.run('client', ['sysctl', '-qw', 'net.ipv4.ip_local_port_range=20000 60999'])
  tenbin = new Tenbin(lab)
  tenbin.write(file())
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

/** Below those that the kernel takes: two flows of one port of the client, to two listeners, clash at their one server. */
let lastPort = 10_000

/** curl: who answers at these ports, in their order, each asked from a port of the client's that nothing else has had. */
async function curl(address: string, ports: readonly number[]): Promise<string[]> {
  const asks = ports.map((port) => {
    const from = ['--local-port', `${++lastPort}`]
    return ['-g', '-sS', '-f', '-m', '20', ...from, `http://${address}:${port}/`]
  })
  const out = await lab.run('client', [
    'curl',
    ...asks.flatMap((ask, at) => (at === 0 ? ask : ['--next', ...ask])),
  ])
  return out.trim().split('\n')
}

for (const address of [SERVICE, `[${SERVICE6}]`])
  test(`each TCP port of ${address} is the narrowest listener’s`, { skip }, async () => {
    for (const [server, ports] of Object.entries(owners))
      assert.deepEqual(await curl(address, ports), Array(ports.length).fill(server), ports.join(', '))
  })

test('each UDP port is the narrowest listener’s', { skip }, async () => {
  for (const [server, ports] of Object.entries(owners))
    for (const port of ports) {
      const from = lastPort + 1
      lastPort += 2
      const answered = await askUdp(lab, { address: SERVICE, port, count: 2, from })
      assert.deepEqual(
        answered.map(({ server }) => server),
        [server, server],
        `${port}`,
      )
    }
})

test('a port that leaves for the range around it, and comes back, breaks no connection of other ports', {
  skip,
}, async () => {
  const at = { address: SERVICE, count: 20, everyMs: 20 }
  await using range = await holdConnections(lab, { ...at, port: 8_049 })
  await using all = await holdConnections(lab, { ...at, port: 80 })
  await tenbin.apply(file(false))
  assert.deepEqual(await curl(SERVICE, [8_049, 8_050, 8_100]), ['web02', 'web02', 'web01'])
  await tenbin.apply(file())
  assert.deepEqual(await curl(SERVICE, [8_049, 8_050, 8_100]), ['web02', 'web03', 'web01'])
  for (const [held, server] of [
    [range, 'web02'],
    [all, 'web01'],
  ] as const) {
    const flows = await held.ask('ask')
    assert.equal(flows.length, at.count)
    assert.deepEqual(brokenOf(flows), [])
    assert.ok(flows.every((flow) => flow.server === server))
  }
})

test('trace says which listener a port is within', { skip }, async () => {
  for (const [port, within] of [
    [8_050, 'is a listener of service one,'],
    [8_051, `is within listener ${SERVICE}:8000..8099 of service some,`],
    [65_535, `is within listener ${SERVICE}:* of service all,`],
  ] as const) {
    const { steps } = await tenbin.trace('10.0.1.200:9', `${SERVICE}:${port}`)
    assert.ok(steps.join('\n').includes(`${SERVICE}:${port}/tcp ${within}`), steps.join('\n'))
  }
})
