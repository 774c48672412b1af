// The program at the veth of checks through service addresses, in a test run: whom it sends packets to, and what it keeps.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { BpfMap } from '../kernel/map.ts'
import { type BpfProgram, loadProgram } from '../kernel/program.ts'
import { testRun } from '../kernel/test-run.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import type { Layer } from '../wire/layer.ts'
import { arp, ether, extension, icmp, ipv4, ipv6, packet, tcp, udp } from '../wire/packet.ts'
import { turnKey, turnValue } from './turn.ts'
import { turnOut } from './turn-out.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root'
const [DROP, REDIRECT] = [1, 4]
const own = parseMac('02:00:00:00:00:02')
const [web1, web2] = [parseMac('02:00:00:00:00:11'), parseMac('02:00:00:00:00:12')]
const gateway = parseMac('02:00:00:00:00:01')
const veth = parseMac('02:00:00:00:00:99')
let home: NetworkNamespace
let machine: NetworkNamespace
let map: BpfMap
let program: BpfProgram

const ip = (words: string): void => void execFileSync('ip', words.split(' '))

before(() => {
  if (skip !== false) return
  home = NetworkNamespace.current()
  machine = NetworkNamespace.create()
  machine.enter()
  ip(`link add eth0 address ${own} type veth peer name other`)
  ip('link add checks type veth peer name inner')
  for (const nic of ['eth0', 'other', 'checks', 'inner', 'lo']) ip(`link set ${nic} up`)
  ip('addr add 10.0.0.2/24 dev eth0')
  ip('addr add 2001:db8::2/64 dev eth0 nodad')
  ip('addr add 10.0.0.100/32 dev eth0')
  ip(`neigh add 10.0.0.11 lladdr ${web1} dev eth0`)
  ip(`neigh add 10.0.0.12 lladdr ${web2} dev eth0`)
  ip(`neigh add 2001:db8::11 lladdr ${web1} dev eth0`)
  // a router for all that is nobody's: nothing of the checks is for it
  for (const router of ['10.0.0.1', '2001:db8::1']) {
    ip(`neigh add ${router} lladdr ${gateway} dev eth0`)
    ip(`route add default via ${router}`)
  }
  for (const family of ['ipv4', 'ipv6']) writeFileSync(`/proc/sys/net/${family}/conf/checks/forwarding`, '1')
  using network = new KernelNetwork()
  const built = turnOut(network.getLink('checks')!.index)
  map = BpfMap.create(built.spec.maps[0]!)
  program = loadProgram(built.spec, new Map([['turns', map]])).program
  for (const [port, server] of [
    [61_440, '10.0.0.11'],
    [61_441, '10.0.0.12'],
    [65_535, '2001:db8::11'],
    [61_443, '10.0.0.13'],
  ] as const)
    map.update(turnKey(port), turnValue(parseIp(server)))
})
after(() => {
  if (skip !== false) return
  program[Symbol.dispose]()
  map[Symbol.dispose]()
  home.enter()
  machine[Symbol.dispose]()
  home[Symbol.dispose]()
})

const four = ipv4({ source: '10.0.0.2', destination: '10.0.0.100', ttl: 2 })
const six = ipv6({ source: '2001:db8::2', destination: '2001:db8::100', hopLimit: 2 })
const from = (port: number): Layer => tcp({ source: port, destination: 80 })
const frame = (...layers: readonly Layer[]): Uint8Array =>
  packet(ether({ destination: veth, source: veth }), ...layers)
/** sent: the frame as it leaves for a server, from the NIC's own MAC; nothing else of it is changed. */
const sent = (mac: typeof web1, ...layers: readonly Layer[]) => ({
  verdict: REDIRECT,
  packet: packet(ether({ destination: mac, source: own }), ...layers),
})
const run = (bytes: Uint8Array) => {
  const { verdict, packet: left } = testRun(program, { packet: bytes })
  return { verdict, packet: new Uint8Array(left) }
}

test('a packet goes to the server of its source port, whatever address it is for', { skip }, () => {
  assert.deepEqual(run(frame(four, from(61_440))), sent(web1, four, from(61_440)))
  assert.deepEqual(run(frame(four, from(61_441))), sent(web2, four, from(61_441)))
  assert.deepEqual(run(frame(six, from(65_535))), sent(web1, six, from(65_535)))
  const datagram = udp({ source: 61_441, destination: 53 })
  assert.deepEqual(run(frame(four, datagram, 'a question')), sent(web2, four, datagram, 'a question'))
})

test('all else stays', { skip }, () => {
  for (const [what, bytes] of Object.entries({
    'a port that is nobody’s': frame(four, from(61_442)),
    'a port below them': frame(four, from(61_439)),
    'a port with the same lower bits': frame(four, from(0x7000)),
    'a server whose MAC is not known': frame(four, from(61_443)),
    'a port that is nobody’s, IPv6': frame(six, from(61_442)),
    'a server of the other family': frame(six, from(61_440)),
    'a server of the other family, IPv4': frame(four, from(65_535)),
    'a fragment': frame(ipv4({ source: '10.0.0.2', moreFragments: true }), from(61_440)),
    options: frame(ipv4({ source: '10.0.0.2', options: Uint8Array.of(0xf0, 0, 1, 1) }), from(61_440)),
    'an extension header': frame(
      six,
      extension(60, { body: Uint8Array.of(0xff, 0, 0, 0, 0, 0) }),
      from(65_535),
    ),
    icmp: frame(four, icmp({}), 'echo'),
    ARP: frame(arp({})),
    'a cut frame': frame(four, from(61_440)).subarray(0, 36),
  }))
    assert.equal(run(bytes).verdict, DROP, what)
})
