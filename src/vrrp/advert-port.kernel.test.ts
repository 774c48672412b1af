// What a port reads beside floods of what is not for it, on a link of its own: more of them than a queue holds, and nobody reads
// meanwhile, so that whatever is not left out by the kernel pushes out the advert that comes behind.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { formatIp, type Ip, isIp4, parseIp } from '../base/addresses.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { Reactor } from '../sys/reactor.ts'
import { etherType } from '../wire/ethernet.ts'
import { ipProtocol } from '../wire/ipv4.ts'
import { ether, ipv4, ipv6, packet } from '../wire/packet.ts'
import { encodeVrrp, vrrpGroup } from '../wire/vrrp.ts'
import { AdvertPort, FrameSocket } from './advert-port.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'
const DEADLINE_MS = 10_000
/** MANY: more than a socket's queue holds. */
const MANY = 2000
const VRID = 51
const ip = (line: string): string => execFileSync('ip', line.split(' '), { encoding: 'utf8' })

let namespace: NetworkNamespace
let reactor: Reactor
let frames: FrameSocket
let [here, there] = [0, 0]
let mac = ''

before(async () => {
  if (skip) return
  namespace = NetworkNamespace.create()
  namespace.enter()
  ip('link add eth0 type veth peer name eth1')
  ip('addr add 10.0.0.2/24 dev eth0')
  ip('addr add fd00::2/64 dev eth0 nodad')
  for (const name of ['eth0', 'eth1']) ip(`link set ${name} up`)
  const [link, far] = ['eth0', 'eth1'].map((name) => JSON.parse(ip(`-j link show ${name}`))[0])
  ;[here, there, mac] = [link.ifindex, far.ifindex, link.address]
  reactor = new Reactor()
  frames = new FrameSocket()
  for (const deadline = Date.now() + DEADLINE_MS; !ip('-j link show eth0').includes('LOWER_UP'); )
    if (Date.now() > deadline) throw new Error('no sign of a carrier')
    else await delay(10)
})
after(() => {
  if (skip) return
  frames[Symbol.dispose]()
  reactor[Symbol.dispose]()
  namespace[Symbol.dispose]()
})

interface Sent {
  readonly source: Ip
  readonly destination: Ip
  readonly ttl?: number
  readonly vrid?: number
}

/** send an advert with this priority from the other end of the link. */
function send({ source, destination, ttl = 255, vrid = VRID }: Sent, priority: number): void {
  const ends = { source: formatIp(source), destination: formatIp(destination) }
  const addresses = [isIp4(source) ? parseIp('10.0.0.100') : parseIp('fe80::100')]
  const advert = encodeVrrp(
    { version: 3, vrid, priority, maxAdverCs: 100, addresses },
    { source, destination },
  )
  const header = isIp4(source)
    ? ipv4({ ...ends, ttl, protocol: ipProtocol.VRRP })
    : ipv6({ ...ends, hopLimit: ttl, nextHeader: ipProtocol.VRRP })
  const type = isIp4(source) ? etherType.IP : etherType.IPV6
  frames.send(packet(ether({ source: '02:00:00:00:00:03', destination: mac, type }), header, advert), there)
}

/** readUntil an advert with this priority has come: the priorities that were read. */
async function readUntil(port: AdvertPort, priority: number): Promise<number[]> {
  const read: number[] = []
  for (const deadline = Date.now() + DEADLINE_MS; !read.includes(priority); await delay(5)) {
    read.push(...port.read().map(({ bytes }) => bytes[2]!))
    if (Date.now() > deadline) throw new Error(`not read: ${priority}; the last: ${read.slice(-5)}`)
  }
  return read
}

const WORLDS = [
  { family: 4, self: parseIp('10.0.0.2'), peer: parseIp('10.0.0.3'), stranger: parseIp('198.51.100.9') },
  { family: 6, self: parseIp('fd00::2'), peer: parseIp('fd00::3'), stranger: parseIp('2001:db8::9') },
] as const

for (const { family, self, peer, stranger } of WORLDS) {
  const group = vrrpGroup[family]
  const open = (more: { readonly self: Ip | undefined; readonly minTtl?: number }): AdvertPort =>
    new AdvertPort({
      ...{ reactor, frames, nic: { name: 'eth0', index: here }, family, self: more.self },
      hearing: {
        vrids: [7, VRID],
        peers: more.self === undefined ? [] : [{ ip: peer, minTtl: more.minTtl ?? 255 }],
      },
      onReady: () => undefined,
    })

  test(`over IPv${family} adverts to the group are read, whatever is sent to the node, to others, or from afar`, {
    skip,
  }, async () => {
    using port = open({ self: undefined })
    for (let count = 0; count < MANY; count++) {
      send({ source: stranger, destination: self, ttl: 10 }, 1)
      send({ source: peer, destination: group, vrid: 52 }, 2)
      send({ source: peer, destination: group, ttl: 254 }, 3)
    }
    send({ source: peer, destination: group }, 100)
    assert.deepEqual(new Set(await readUntil(port, 100)), new Set([3, 100]))
    // Of what is odd many wait, and one is read now and then.
    port.read()
    assert.deepEqual(port.read(), [])
    port.hear({ vrids: [52], peers: [] })
    send({ source: peer, destination: group }, 101)
    send({ source: peer, destination: group, vrid: 52 }, 102)
    assert.deepEqual(
      (await readUntil(port, 102)).filter((priority) => priority > 100),
      [102],
    )
  })

  test(`over IPv${family} adverts of peers are read, whatever strangers send, or who has a peer's address from afar`, {
    skip,
  }, async () => {
    using port = open({ self, minTtl: 250 })
    for (let count = 0; count < MANY; count++) {
      send({ source: stranger, destination: self }, 1)
      send({ source: stranger, destination: self, vrid: 52 }, 2)
      send({ source: peer, destination: self, ttl: 249 }, 3)
      send({ source: peer, destination: group }, 4)
    }
    send({ source: peer, destination: self, ttl: 250 }, 100)
    send({ source: peer, destination: self, vrid: 52 }, 101)
    const read = await readUntil(port, 101)
    assert.deepEqual(
      read.filter((priority) => priority >= 100),
      [100, 101],
    )
    const odd = read.find((priority) => priority < 100)
    assert.ok(odd === 1 || odd === 3, `${read}`)
  })
}

test('what waits is read at once, however much it is', { skip }, async () => {
  const [{ peer }] = WORLDS
  const options = {
    ...{ reactor, frames, nic: { name: 'eth0', index: here }, self: undefined },
    ...{ family: 4 as const, hearing: { vrids: [VRID], peers: [] }, onReady: () => undefined },
  }
  using port = new AdvertPort(options)
  using witness = new AdvertPort(options)
  for (let priority = 1; priority <= 101; priority++)
    send({ source: peer, destination: vrrpGroup[4] }, priority)
  await readUntil(witness, 101)
  const read = port.read().map(({ bytes }) => bytes[2]!)
  assert.ok(read.length >= 100, `${read.length}`)
})

test('a NIC whose queue has no room has none now, which is no failure', { skip }, () => {
  const frame = packet(ether({ source: mac, destination: mac, type: etherType.IP }), new Uint8Array(50))
  execFileSync('tc', ['qdisc', 'add', 'dev', 'eth1', 'root', 'bfifo', 'limit', '1'])
  assert.equal(frames.send(frame, there), false)
  execFileSync('tc', ['qdisc', 'del', 'dev', 'eth1', 'root'])
  assert.equal(frames.send(frame, there), true)
})
