// What comes back through nat beside plain answers, with real clients and servers: a closed port, answers in fragments, and
// a path behind the node with a smaller MTU, which clients hear of.
//
//            .-- client 10.0.1.200 2001:db8:1::200: datagrams, curl
//   switch --+-- lb1 10.0.0.2 2001:db8::2: tenbin, services on 10.0.0.100 and 2001:db8::100
//            '-- web01..03 10.0.0.11..13 2001:db8::11..13: datagrams on port 53, nothing on port 9; default route by lb1
//                  '-- behind web01, which answers ARP and neighbour discovery for it: far 10.0.0.21 2001:db8::21, by a
//                      link that takes 1,280 bytes

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab } from '../../src/lab/held-lab.ts'
import { batch, type Command, runIn, spawnIn, writeSysctls } from '../../src/lab/run.ts'
import { findNode, type LabNode, namespacePrefix } from '../../src/lab/topology.ts'
import { createNamed, removeNamed } from '../../src/sys/named-namespace.ts'
import type { Layer } from '../../src/wire/layer.ts'
import { ether, fragment, ipv4, ipv6, packet, udp } from '../../src/wire/packet.ts'
import { Capture } from './support/capture.ts'
import { checksums } from './support/checksums.ts'
import { skip } from './support/execute.ts'
import { send } from './support/frames.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { Tenbin } from './support/tenbin.ts'
import { askUdp, startUdpServers } from './support/udp.ts'

const servers = ['web01', 'web02', 'web03']
const [service, service6] = ['10.0.0.100', '2001:db8::100']
const [client, client6] = ['10.0.1.200', '2001:db8:1::200']
const COUNT = 48
const LARGE = 4_000
const PIECE = 1_400
const UPLOAD = 400_000

const file = `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [${service}/24, "${service6}/64"] } }
servers: { web01..03: 10.0.0.11..13, six01..03: 2001:db8::11..13, far: 10.0.0.21, far6: 2001:db8::21 }
defaults: { forward: nat, check: none }
services:
  dns: { listen: "${service}:5353/udp", servers: web01..03, server_port: 53 }
  dns6: { listen: "[${service6}]:53/udp", servers: six01..03 }
  one: { listen: "${service}:5301/udp", servers: web01, server_port: 54 }
  one6: { listen: "[${service6}]:5301/udp", servers: six01, server_port: 54 }
  closed: { listen: "${service}:5454/udp", servers: web01..03, server_port: 9 }
  closed6: { listen: "[${service6}]:9/udp", servers: six01..03 }
  up: { listen: "${service}:8080", servers: far, server_port: 80 }
  up6: { listen: "[${service6}]:80", servers: far6 }
`

let lab: Lab
let tenbin: Tenbin
let far = ''
let counter: ChildProcess | undefined
const macOf = (name: string): string => (findNode(lab.topology, name) as LabNode).mac
const outcomes = async () => (await tenbin.statusNow()).outcomes

before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'nb', servers: servers.length, ipv6: true, forward: 'nat' })
  await startFar()
  // a port for each of two listeners of one server: ports that the client takes again do not meet there
  for (const port of [53, 54]) await startUdpServers(lab, { addresses: ['::'], port })
  tenbin = new Tenbin(lab)
  tenbin.write(file)
  await tenbin.start()
})
after(async () => {
  counter?.kill()
  if (far) removeNamed(far)
  await lab?.[Symbol.asyncDispose]()
})

/** startFar: a server behind web01, which counts the bytes that are sent to it by HTTP. */
async function startFar(): Promise<void> {
  far = `${namespacePrefix(lab.topology.lab)}far`
  createNamed(far)[Symbol.dispose]()
  const router = findNode(lab.topology, 'web01').namespace
  await batch(router, [
    `link add name far mtu 1280 type veth peer name eth0 netns ${far}`,
    'addr add 10.9.0.1/24 dev far',
    'addr add fd00:9::1/64 dev far nodad',
    'link set far up',
    'route add 10.0.0.21/32 via 10.9.0.2',
  ])
  writeSysctls(router, {
    'net/ipv4/ip_forward': '1',
    'net/ipv4/conf/eth0/proxy_arp': '1',
    'net/ipv6/conf/all/forwarding': '1',
    'net/ipv6/conf/eth0/proxy_ndp': '1',
  })
  await batch(far, [
    'link set lo up',
    'addr add 10.9.0.2/24 dev eth0',
    'addr add 10.0.0.21/32 dev eth0',
    'addr add fd00:9::2/64 dev eth0 nodad',
    'addr add 2001:db8::21/128 dev eth0 nodad',
    'link set eth0 up',
    'route add default via 10.9.0.1',
    'route add ::/0 via fd00:9::1',
  ])
  await batch(router, ['route add 2001:db8::21/128 via fd00:9::2', 'neigh add proxy 2001:db8::21 dev eth0'])
  for (const [place, device] of [
    [router, 'far'],
    [far, 'eth0'],
  ] as const)
    await runIn(place, ['ethtool', '-K', device, 'tx', 'off', 'gro', 'off', 'rxvlan', 'off', 'txvlan', 'off'])
  const script = `
    const { createServer } = require('node:http')
    const server = createServer((asked, answer) => {
      let size = 0
      asked.on('data', ({ length }) => { size += length })
      asked.on('end', () => answer.end(String(size)))
    })
    server.listen(80, '::', () => console.log('ready'))`
  counter = spawnIn(far, [process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(counter.stdout!, 'data')
}

for (const [address, port] of [
  [service, 5454],
  [service6, 9],
] as const)
  test(`who asks ${address} at a port that is closed at the server is refused at once`, {
    skip,
  }, async () => {
    const before = await outcomes()
    // few, as kernels tell so many a second
    const answered = await askUdp(lab, { address, port, count: 4 })
    assert.deepEqual(
      answered.map(({ error }) => error),
      ['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED'],
    )
    const now = await outcomes()
    assert.equal(Number(now.answered) - Number(before.answered), 4)
  })

for (const [address, port] of [
  [service, 5353],
  [service6, 53],
] as const)
  test(`answers of ${LARGE} bytes from ${address} arrive whole, in three fragments each, soundly`, {
    skip,
  }, async () => {
    const before = await outcomes()
    await using capture = await Capture.of(lab, 'client', 'lb1')
    const answered = await askUdp(lab, { address, port, count: COUNT, length: LARGE })
    await capture.stop()
    assert.deepEqual(
      answered.filter(({ isWhole }) => !isWhole),
      [],
    )
    assert.deepEqual([...new Set(answered.map(({ server }) => server))].sort(), servers)
    const now = await outcomes()
    assert.equal(Number(now.answered) - Number(before.answered), 3 * COUNT)
    assert.equal(Number(now.forwarded) - Number(before.forwarded), 3 * COUNT)
    const { wrong } = await checksums(lab, capture.file)
    assert.deepEqual(wrong, [])
  })

/** Fragments of tries that were made again. */
let lost = 0

/** answerPieces: the fragments of an answer of web01 to the client's `port`, the last one first. */
function answerPieces(isIpv6: boolean, port: number): Uint8Array[] {
  const link = ether({ destination: macOf('lb1'), source: macOf('web01') })
  const header = (fields: object = {}): Layer =>
    isIpv6
      ? ipv6({ source: '2001:db8::11', destination: client6 })
      : ipv4({ source: '10.0.0.11', destination: client, protocol: 17, identification: port, ...fields })
  const whole = packet(link, header(), udp({ source: 54, destination: port }), new Uint8Array(LARGE))
  const body = whole.subarray(isIpv6 ? 54 : 34)
  const parts: Uint8Array[] = []
  for (let at = 0; at < body.length; at += PIECE) {
    const [more, offset] = [at + PIECE < body.length, at / 8]
    const piece = isIpv6 ? [fragment({ more, offset, identification: port, nextHeader: 17 })] : []
    parts.push(
      packet(
        link,
        header({ moreFragments: more, fragmentOffset: offset }),
        ...piece,
        body.slice(at, at + PIECE),
      ),
    )
  }
  return parts.reverse()
}

for (const isIpv6 of [false, true])
  test(`an answer whose last fragment comes first arrives whole, over IPv${isIpv6 ? 6 : 4}`, {
    skip,
  }, async () => {
    let all: readonly Uint8Array[] = []
    let parts: readonly Uint8Array[] = []
    const kernel = await networkCounters(lab, 'lb1')
    let [before, now] = [await outcomes(), await outcomes()]
    const grown = (name: string) => Number(now[name]) - Number(before[name])
    // A later fragment is held for 20 ms; the first one comes too late where this process is not run in between.
    for (let tries = 0; tries === 0 || (tries < 3 && grown('fragment-lost') > 0); tries++) {
      lost += grown('fragment-lost')
      const asked = await askUdp(lab, { address: isIpv6 ? service6 : service, port: 5301, count: 1 })
      before = await outcomes()
      parts = answerPieces(isIpv6, asked[0]!.localPort)
      await using capture = await Capture.of(lab, 'client', 'lb1')
      send(lab, 'web01', parts)
      const isDone = () => grown('answered') >= parts.length || grown('fragment-lost') > 0
      for (const end = Date.now() + 10_000; !isDone() && Date.now() < end; ) {
        await delay(20)
        now = await outcomes()
      }
      // a moment for one too many
      await delay(100)
      now = await outcomes()
      all = (await capture.stop()).map(({ bytes }) => bytes)
    }
    const from = isIpv6 ? [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(10).fill(0), 1, 0] : [10, 0, 0, 100]
    const at = isIpv6 ? 22 : 26
    const isFromService = (frame: Uint8Array) => from.every((octet, i) => frame[at + i] === octet)
    // the node's kernel answers the client's neighbour probes from the service's address, too: 44 is a Fragment header
    const got = all.filter((frame) => isFromService(frame) && (!isIpv6 || frame[20] === 44))
    assert.equal(got.length, parts.length)
    assert.deepEqual([grown('fragment-copied'), grown('answered')], [parts.length - 1, parts.length])
    // the node's kernel has seen what nobody knew yet, and sent nothing on
    const forwarded = 'Ip.ForwDatagrams'
    assert.deepEqual(pick(await networkCounters(lab, 'lb1'), forwarded), pick(kernel, forwarded))
  })

for (const [address, port] of [
  [service, 8_080],
  [`[${service6}]`, 80],
] as const)
  test(`a client hears that the path to the server of ${address} has a smaller MTU, and ${UPLOAD} bytes arrive`, {
    skip,
  }, async () => {
    await using capture = await Capture.of(lab, 'client', 'lb1')
    const upload: Command = [
      'curl',
      '-g',
      '-sS',
      '-m',
      '20',
      '-H',
      'Expect:',
      '-T',
      '-',
      `http://${address}:${port}/`,
    ]
    assert.equal(await lab.run('client', upload, 'x'.repeat(UPLOAD)), String(UPLOAD))
    await capture.stop()
    const isIpv6 = address !== service
    const route: Command = ['ip', ...(isIpv6 ? ['-6'] : []), 'route', 'get', isIpv6 ? service6 : service]
    assert.match(await lab.run('client', route), / mtu 1280/)
    const counters = await lab.run('client', ['cat', '/proc/net/snmp', '/proc/net/snmp6'])
    assert.match(counters, isIpv6 ? /^Icmp6InPktTooBigs\s+[1-9]/m : /^Icmp: [1-9]/m)
    const told: Command = [
      'tcpdump',
      '-nn',
      '-v',
      '-r',
      capture.file,
      isIpv6 ? 'icmp6 and ip6[40] == 2' : 'icmp[0] == 3',
    ]
    const lines = await lab.run('client', told)
    // told by the router, about a packet to the service
    assert.match(lines, isIpv6 ? /2001:db8::11 > 2001:db8:1::200/ : /10\.0\.0\.11 > 10\.0\.1\.200/)
    // of IPv6 tcpdump does not show the quote, of which the route of above was told
    if (!isIpv6) assert.ok(lines.includes(`> ${service}`), lines)
    const { wrong } = await checksums(lab, capture.file)
    assert.deepEqual(wrong, [])
  })

test('nothing was dropped, and the client’s kernel found no wrong checksum', { skip }, async () => {
  const now = await outcomes()
  for (const name of ['clash', 'no-room', 'no-server', 'ttl', 'bad-length', 'fragment', 'fragment-held'])
    assert.equal(now[name], '0', name)
  assert.equal(Number(now['fragment-lost']), lost)
  const kernel = await networkCounters(lab, 'client')
  const names = ['Icmp.InCsumErrors', 'Udp.InCsumErrors', 'Tcp.InCsumErrors', 'Ip.ReasmFails']
  assert.deepEqual(Object.values(pick(kernel, ...names)), [0, 0, 0, 0])
})
