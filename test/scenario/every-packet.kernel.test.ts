// Packets that are no plain segments, on the wire: pings, tags, fragments in both orders, TTLs that have run out, and a
// path with a smaller MTU, which a server hears of only if its ICMP errors come through.
//
//            .-- client 10.0.0.200 2001:db8::200, and behind it by a link that it sends 1,280 bytes on: far
//   switch --+-- lb1 10.0.0.2 2001:db8::2: tenbin, services on 10.0.0.100 and 2001:db8::100
//            '-- web01..03: HTTP on port 80, datagrams on port 53; they answer the client directly (dsr)

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab } from '../../src/lab/held-lab.ts'
import { batch } from '../../src/lab/run.ts'
import { findNode, type LabNode } from '../../src/lab/topology.ts'
import { icmp6Type, icmpType } from '../../src/wire/icmp.ts'
import type { Layer } from '../../src/wire/layer.ts'
import { ether, fragment, icmp, ipv4, ipv6, packet, tcp, udp } from '../../src/wire/packet.ts'
import { tcpFlag } from '../../src/wire/tcp.ts'
import { Capture } from './support/capture.ts'
import { skip } from './support/execute.ts'
import { FAR_NETWORK, FarClient } from './support/far-client.ts'
import { type Read, send } from './support/frames.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'
import { askUdp, startUdpServers } from './support/udp.ts'

const servers = ['web01', 'web02', 'web03']
const [service, service6] = ['10.0.0.100', '2001:db8::100']
const [client, client6] = ['10.0.0.200', '2001:db8::200']
const DATAGRAM = 4_000
const PIECE = 1_400

const file = `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [${service}/24, "${service6}/64"] } }
servers: { web01..03: 10.0.0.11..13, six01..03: 2001:db8::11..13 }
defaults: { forward: dsr, check: none }
services:
  dns: { listen: "${service}:53/udp", servers: web01..03 }
  dns6: { listen: "[${service6}]:53/udp", servers: six01..03 }
  www: { listen: "${service}:80", servers: web01..03 }
  www6: { listen: "[${service6}]:80", servers: six01..03 }
`

let lab: Lab
let tenbin: Tenbin
const macOf = (name: string): string => (findNode(lab.topology, name) as LabNode).mac
const outcomes = async () => (await tenbin.statusNow()).outcomes
const link = (): Layer => ether({ destination: macOf('lb1'), source: macOf('client') })

before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'ev', servers: servers.length, ipv6: true })
  await startNginx(lab)
  await startUdpServers(lab, { addresses: [service, service6], port: 53 })
  tenbin = new Tenbin(lab)
  tenbin.write(file)
  await tenbin.start()
  // so that everybody knows everybody's MAC
  await lab.run('client', ['curl', '-sS', '-m', '20', `http://${service}/`])
  await askUdp(lab, { address: service6, port: 53, count: 8 })
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

/** awaited: until it is so, or would have been long ago; what is so then is for who asks. */
async function awaited(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await isSo()) && Date.now() < end; ) await delay(20)
}

/** answers: the frames that the client gets when `frames` are sent from it, until there are `count`, and a moment longer. */
async function answers(
  frames: readonly Uint8Array[],
  wanted: (frame: Read) => boolean,
  count: number,
): Promise<Uint8Array[]> {
  await using capture = await Capture.of(lab, 'client')
  send(lab, 'client', frames)
  const isOne = (frame: Read) => frame.ether.destination === macOf('client') && wanted(frame)
  await awaited(() => capture.soFar().filter(isOne).length >= count)
  await delay(100)
  return (await capture.stop()).filter(isOne).map(({ bytes }) => Uint8Array.from(bytes))
}
const isIp = (frame: Read): boolean => frame.ip !== undefined && frame.tcp === undefined
const isIp6 = ({ bytes }: Read): boolean => bytes[12] === 0x86 && bytes[13] === 0xdd
/** With a Fragment header: nodes ask for each other's MAC by IPv6, too. */
const isPiece6 = (frame: Read): boolean => isIp6(frame) && frame.bytes[20] === 44
const isIcmp6 =
  (type: number) =>
  (frame: Read): boolean =>
    isIp6(frame) && frame.bytes[54] === type

test('a ping of a service address is answered by the node, over IPv4 and IPv6', { skip }, async () => {
  const ping = packet(
    link(),
    ipv4({ source: client, destination: service }),
    icmp({ rest: 0x00470001 }),
    'four',
  )
  const [pong, ...more] = await answers([ping], isIp, 1)
  assert.ok(pong && more.length === 0)
  assert.deepEqual([pong[34], Buffer.from(pong).toString('latin1', 42, 46)], [icmpType.ECHOREPLY, 'four'])
  const ping6 = packet(
    link(),
    ipv6({ source: client6, destination: service6 }),
    icmp({ rest: 0x00470001 }),
    'six!',
  )
  const pongs = await answers([ping6], isIcmp6(icmp6Type.ECHO_REPLY), 1)
  assert.equal(pongs.length, 1)
  assert.equal(Buffer.from(pongs[0]!).toString('latin1', 62, 66), 'six!')
  assert.equal(Buffer.from(pongs[0]!.subarray(6, 12)).toString('hex'), macOf('lb1').replaceAll(':', ''))
})

test('a tagged segment reaches a server with its tags', { skip }, async () => {
  const tags = [{ id: 7 }]
  const syn = packet(
    ether({ destination: macOf('lb1'), source: macOf('client'), tags }),
    ipv4({ source: client, destination: service }),
    tcp({ source: 41_007, destination: 80, flags: tcpFlag.SYN }),
  )
  const traced = await tenbin.trace(`${client}:41007`, `${service}:80`)
  const server = `web${traced.server!.slice(-2)}`
  await using capture = await Capture.of(lab, server, 'client')
  send(lab, 'client', [syn])
  const isTagged = ({ ether }: Read) => ether.tags.length > 0
  await awaited(() => capture.soFar().some(isTagged))
  const tagged = (await capture.stop()).filter(isTagged)
  assert.equal(tagged.length, 1)
  const [{ ether: header }] = tagged as [Read]
  assert.deepEqual([header.tags[0]!.id, header.destination, header.source], [7, macOf(server), macOf('lb1')])
})

test('who sends a packet whose TTL has run out is told by the service address, soundly', {
  skip,
}, async () => {
  const before = await networkCounters(lab, 'client')
  const probe = (ttl: number) => tcp({ source: 41_100 + ttl, destination: 80, flags: tcpFlag.SYN })
  const four = packet(link(), ipv4({ source: client, destination: service, ttl: 1 }), probe(1))
  const [told, ...more] = await answers([four], isIp, 1)
  assert.ok(told && more.length === 0)
  assert.deepEqual([...told.subarray(26, 34)], [10, 0, 0, 100, 10, 0, 0, 200])
  assert.equal(told[34], icmpType.TIME_EXCEEDED)
  assert.deepEqual(told.subarray(42), four.subarray(14, 42))
  const six = packet(link(), ipv6({ source: client6, destination: service6, hopLimit: 1 }), probe(1))
  const told6 = await answers([six], isIcmp6(icmp6Type.TIME_EXCEED), 1)
  assert.equal(told6.length, 1)
  assert.deepEqual(told6[0]!.subarray(62), six.subarray(14))
  // the client's own kernel looks at every checksum
  const now = await networkCounters(lab, 'client')
  assert.equal(now.get('Icmp.InTimeExcds')! - before.get('Icmp.InTimeExcds')!, 1)
  const names = ['Icmp.InCsumErrors', 'Ip.InHdrErrors']
  assert.deepEqual(pick(now, ...names), pick(before, ...names))
  assert.match(await lab.run('client', ['cat', '/proc/net/snmp6']), /^Icmp6InCsumErrors\s+0$/m)
  assert.deepEqual(await outcomes().then((now) => [now['time-exceeded'], now.ttl]), ['2', '0'])
})

/** pieces: the fragments of a datagram to a service's port 53, of which the last is sent first where `turned`. */
function pieces(isIpv6: boolean, source: number, turned: boolean): Uint8Array[] {
  const ends = isIpv6
    ? { source: client6, destination: service6 }
    : { source: client, destination: service, protocol: 17 }
  const header = isIpv6 ? ipv6(ends as { source: string; destination: string }) : ipv4(ends)
  const start = isIpv6 ? 54 : 34
  const whole = packet(link(), header, udp({ source, destination: 53 }), new Uint8Array(DATAGRAM)).subarray(
    start,
  )
  const parts: Uint8Array[] = []
  for (let at = 0; at < whole.length; at += PIECE) {
    const [more, offset] = [at + PIECE < whole.length, at / 8]
    const piece = whole.slice(at, at + PIECE)
    const layers: Layer[] = isIpv6
      ? [
          ipv6({ source: client6, destination: service6 }),
          fragment({ more, offset, identification: source, nextHeader: 17 }),
        ]
      : [ipv4({ ...ends, moreFragments: more, fragmentOffset: offset, identification: source })]
    parts.push(packet(link(), ...layers, piece))
  }
  return turned ? parts.reverse() : parts
}

for (const [isIpv6, turned] of [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const)
  test(`a datagram in fragments, ${turned ? 'the last first' : 'in order'}, over IPv${isIpv6 ? 6 : 4}, is answered`, {
    skip,
  }, async () => {
    const before = await outcomes()
    const parts = pieces(isIpv6, 42_000 + (isIpv6 ? 10 : 0) + (turned ? 1 : 0), turned)
    const got = await answers(parts, isIpv6 ? isPiece6 : isIp, parts.length)
    // the answer repeats the datagram: it comes in fragments too, the server's name in the first
    assert.equal(got.length, parts.length)
    const names = got.map((frame) =>
      Buffer.from(frame)
        .toString('latin1', isIpv6 ? 70 : 42)
        .slice(0, 5),
    )
    assert.equal(names.filter((name) => servers.includes(name)).length, 1, names.join())
    // and the client's port unreachable, as no socket has asked
    let now = before
    const grown = (name: string) => Number(now[name]) - Number(before[name])
    await awaited(async () => {
      now = await outcomes()
      return grown('forwarded') >= parts.length + 1
    })
    assert.equal(grown('forwarded'), parts.length + 1)
    assert.equal(grown('fragment-held'), turned ? parts.length - 1 : 0)
    assert.deepEqual([grown('fragment-lost'), grown('fragment')], [0, 0])
  })

test('a later fragment whose first never comes is dropped, and the node’s kernel never sees it', {
  skip,
}, async () => {
  const before = await outcomes()
  const kernelBefore = await networkCounters(lab, 'lb1')
  send(lab, 'client', pieces(false, 43_000, false).slice(1))
  let now = before
  const grown = (name: string) => Number(now[name]) - Number(before[name])
  await awaited(async () => {
    now = await outcomes()
    return grown('fragment-held') >= 2 && grown('fragment-lost') >= 2
  })
  assert.equal(grown('fragment-held'), 2)
  assert.equal(grown('fragment-lost'), 2)
  const kernelNow = await networkCounters(lab, 'lb1')
  assert.deepEqual(pick(kernelNow, 'Ip.ReasmReqds'), pick(kernelBefore, 'Ip.ReasmReqds'))
})

test('a server hears that the path to a client has a smaller MTU, and its answer arrives', {
  skip,
}, async () => {
  using far = await FarClient.make(lab)
  for (const server of servers)
    await batch(findNode(lab.topology, server).namespace, [`route add ${FAR_NETWORK.ipv4} via ${client}`])

  const before = await networkCounters(lab, 'client')
  const options = ['-sS', '-m', '10', '-r', '0-300000', '-o', '/dev/null', '-w', '%{size_download}']
  const size = await far.run(['curl', ...options, `http://${service}/file`])
  assert.ok(Number(size) > 100_000, size)
  // the router did refuse packets, and a server believed it
  const now = await networkCounters(lab, 'client')
  assert.ok(now.get('Icmp.OutDestUnreachs')! > before.get('Icmp.OutDestUnreachs')!)
  const told = await Promise.all(servers.map((name) => networkCounters(lab, name)))
  assert.ok(told.some((counters) => counters.get('Icmp.InDestUnreachs')! > 0))
})
