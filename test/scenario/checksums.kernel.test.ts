// No checksum is wrong, neither of what tenbin sends nor within it: tshark works out each of IPv4 and IPv6, TCP and UDP,
// ICMP and ICMPv6, and of the packets that ICMP errors quote, at the client, at every server, and of what lb1 sends.
//
//            .-- client, and behind it by a link of 1,280 bytes: far, for whom it refuses larger packets
//   switch --+-- lb1 10.0.0.100 2001:db8::100
//            '-- web01..03: HTTP, and datagrams; with dsr, and in another lab with nat, to other ports for datagrams
//
// (bulk and dns do the same for much data and for real DNS.)

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lab } from '../../src/lab/held-lab.ts'
import { batch, writeSysctls } from '../../src/lab/run.ts'
import { FORWARDS, findNode, type LabForward, type LabNode } from '../../src/lab/topology.ts'
import type { Layer } from '../../src/wire/layer.ts'
import { ether, icmp, ipv4, ipv6, packet, tcp, udp } from '../../src/wire/packet.ts'
import { Capture } from './support/capture.ts'
import { type Checksums, checksums } from './support/checksums.ts'
import { skip } from './support/execute.ts'
import { FAR_NETWORK, FarClient } from './support/far-client.ts'
import { serverNames } from './support/file.ts'
import { send } from './support/frames.ts'
import { networkCounters } from './support/network-counters.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'
import { askUdp, startUdpServers } from './support/udp.ts'

const [service, service6] = ['10.0.0.100', '2001:db8::100']
const [DATAGRAMS, UNASKED] = [60, 30]
/** Where clients send datagrams; servers listen on 53. */
const PORTS: Readonly<Record<LabForward, number>> = { dsr: 53, nat: 5353 }

const file = (forward: LabForward) => `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [${service}/24, "${service6}/64"] } }
servers: { web01..03: 10.0.0.11..13, six01..03: 2001:db8::11..13 }
defaults: { forward: ${forward}, check: none }
services:
  www: { listen: "${service}:80", servers: web01..03 }
  www6: { listen: "[${service6}]:80", servers: six01..03 }
  dns: { listen: "${service}:${PORTS[forward]}/udp", servers: web01..03${forward === 'nat' ? ', server_port: 53' : ''} }
  dns6: { listen: "[${service6}]:${PORTS[forward]}/udp", servers: six01..03${forward === 'nat' ? ', server_port: 53' : ''} }
`

/** unasked: datagrams from ports where nobody listens: the client's kernel says so to whoever answers them. */
function unasked(lab: Lab, port: number): Uint8Array[] {
  const [client, lb1] = ['client', 'lb1'].map((name) => findNode(lab.topology, name) as LabNode) as [
    LabNode,
    LabNode,
  ]
  const link = ether({ destination: lb1.mac, source: client.mac })
  const headers: Layer[] = [
    ipv4({ source: client.address, destination: service }),
    ipv6({ source: client.address6!, destination: service6 }),
  ]
  return headers.flatMap((header) =>
    Array.from({ length: UNASKED }, (_, at) =>
      packet(link, header, udp({ source: 900 + at, destination: port }), 'unasked'),
    ),
  )
}

test('a wrong checksum of every kind is found', { skip }, async () => {
  await using lab = await Lab.hold({ prefix: 'ckwrong', servers: 1, ipv6: true })
  const link = ether({ destination: '02:00:00:00:00:01', source: '02:00:00:00:00:02' })
  const [from, to] = ['10.0.0.200', '10.0.0.9']
  const headers: readonly Layer[] = [
    ipv4({ source: from, destination: to }),
    ipv6({ source: '2001:db8::200', destination: '2001:db8::9' }),
  ]
  const sound = headers.flatMap((header) => {
    const errors = [tcp({ source: 4000, destination: 80 }), udp({ source: 4000, destination: 53 })]
    return errors.flatMap((transport) => [
      packet(link, header, transport, 'asked'),
      packet(link, header, icmp({ type: 3 }), packet(header, transport, 'quoted')),
    ])
  })
  // The last byte of each is part of what all its checksums but IPv4's are of; the TTL of IPv4's.
  const broken = sound.map((frame) => frame.with(-1, frame.at(-1)! ^ 1))
  const brokenIp = packet(link, headers[0]!, udp({ source: 4000, destination: 53 })).with(22, 9)
  const read = async (frames: readonly Uint8Array[]) => {
    await using capture = await Capture.of(lab, 'client')
    send(lab, 'client', frames)
    await capture.stop()
    return checksums(lab, capture.file)
  }
  assert.deepEqual(await read(sound), { right: 4, rightErrors: 4, wrong: [] })
  const { right, rightErrors, wrong } = await read([...broken, brokenIp])
  assert.deepEqual([right, rightErrors, wrong.length], [0, 0, broken.length + 1])
})

for (const forward of FORWARDS)
  test(`${forward}: no checksum is wrong, at the client, at any server, and in what lb1 sends`, {
    skip,
  }, async () => {
    await using lab = await Lab.hold({ prefix: `ck${forward}`, servers: 3, ipv6: true, forward })
    const download = await startNginx(lab)
    const addresses = forward === 'nat' ? ['::'] : [service, service6]
    await startUdpServers(lab, { addresses, port: 53 })
    using far = await FarClient.make(lab)
    const { address, address6, namespace } = findNode(lab.topology, 'client') as LabNode
    // Of errors about ports it would send one a second.
    writeSysctls(namespace, { 'net/ipv4/icmp_ratelimit': '0', 'net/ipv6/icmp/ratelimit': '0' })
    if (forward === 'dsr')
      for (const name of serverNames(lab.topology))
        await batch(findNode(lab.topology, name).namespace, [
          `route add ${FAR_NETWORK.ipv4} via ${address}`,
          `route add ${FAR_NETWORK.ipv6} via ${address6}`,
        ])
    const tenbin = new Tenbin(lab)
    tenbin.write(file(forward))
    await tenbin.start()

    const servers = serverNames(lab.topology)
    const before = await Promise.all(servers.map((name) => networkCounters(lab, name)))
    const captures = await Promise.all([
      Capture.into(lab, 'lb1'),
      ...['client', ...servers].map((name) => Capture.of(lab, name, 'lb1')),
    ])
    for (const host of [service, `[${service6}]`]) {
      const part = ['curl', '-g', '-sS', '-f', '-m', '20', '-o', '/dev/null', '-r', '0-99999'] as const
      const url = `http://${host}${download.path}`
      for (let i = 0; i < 6; i++) await lab.run('client', [...part, url])
      for (let i = 0; i < 3; i++) await far.run([...part, url])
    }
    for (const to of [service, service6]) {
      const answered = await askUdp(lab, { address: to, port: PORTS[forward], count: DATAGRAMS })
      assert.ok(answered.every(({ server }) => server !== undefined))
    }
    send(lab, 'client', unasked(lab, PORTS[forward]))
    // Their answers, and the errors about these.
    await askUdp(lab, { address: service, port: PORTS[forward], count: 10 })
    for (const capture of captures) await capture.stop()
    const found = await Promise.all(captures.map(({ file }) => checksums(lab, file)))

    assert.deepEqual(
      found.flatMap(({ wrong }) => wrong),
      [],
    )
    const [sent, client, ...atServers] = found as [Checksums, Checksums, ...Checksums[]]
    const total = (of: (one: Checksums) => number) => atServers.reduce((sum, one) => sum + of(one), 0)
    // 18 times 100,000 bytes in segments of 1,448 or fewer bytes, and the datagrams, a question and an answer each.
    const least = 18 * 69 + 2 * (2 * DATAGRAMS + 2 * UNASKED)
    for (const [where, right] of [
      ['client', client.right],
      ['servers', total((one) => one.right)],
    ] as const)
      assert.ok(right > least, `${where}: ${right} of ${least}`)
    assert.ok(sent.right > (forward === 'nat' ? least : least / 5), `lb1: ${sent.right}`)
    // An error each about what nobody asked, one at least for each family about what is too big for far.
    for (const errors of [client.rightErrors, sent.rightErrors, total((one) => one.rightErrors)])
      assert.ok(errors >= 2 * UNASKED + 2, `${errors} errors`)
    // And the servers believed them.
    const now = await Promise.all(servers.map((name) => networkCounters(lab, name)))
    const told = now.reduce(
      (sum, counters, at) =>
        sum + counters.get('Icmp.InDestUnreachs')! - before[at]!.get('Icmp.InDestUnreachs')!,
      0,
    )
    assert.ok(told > UNASKED, `${told} errors over IPv4 came to sockets`)
    for (const counters of now) assert.equal(counters.get('Icmp.InCsumErrors'), 0)
  })
