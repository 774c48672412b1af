import assert from 'node:assert/strict'
import { test } from 'node:test'
import { macBytes, parseMac } from '../base/addresses.ts'
import { ether, extension, ipv4, ipv6, packet, tcp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { challengeFrame } from './proof-challenge.ts'

const [own, router] = [parseMac('02:1b:3c:5d:7e:9f'), parseMac('00:00:5e:00:01:fe')]
const options = Uint8Array.of(2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7)
const syn = tcp({ source: 40_000, destination: 80, flags: tcpFlag.SYN, sequence: 0xfedcba98, options })
const ack = tcp({
  source: 80,
  destination: 40_000,
  flags: tcpFlag.ACK,
  sequence: 0xfedcba98,
  acknowledgment: 0x12345678,
  window: 0xffff,
})
const answer = (frame: Uint8Array, ip: number, at: number, isIpv6 = false) =>
  challengeFrame({ frame, ip, at, isIpv6 }, macBytes(own), 0x12345678)
const plain = { ttl: 64, dontFragment: true, identification: 0 }
const [client, vip, client6, vip6] = [
  '198.51.100.7',
  '192.0.2.10',
  '2001:db8:ffff::7',
  '2001:db8:a:b:c:d:e:f',
]

test('a SYN comes back as a sound ACK without options, behind the same tags', () => {
  for (const tags of [[], [{ id: 7 }], [{ tpid: 0x88a8, id: 9 }, { id: 7 }]]) {
    const there = ether({ destination: own, source: router, tags })
    const back = ether({ destination: router, source: own, tags })
    const ip = 14 + 4 * tags.length
    assert.deepEqual(
      answer(packet(there, ipv4({ source: client, destination: vip, ttl: 9 }), syn), ip, ip + 20),
      packet(back, ipv4({ source: vip, destination: client, ...plain }), ack),
    )
    assert.deepEqual(
      answer(packet(there, ipv6({ source: client6, destination: vip6 }), syn), ip, ip + 40, true),
      packet(back, ipv6({ source: vip6, destination: client6, hopLimit: 64 }), ack),
    )
  }
})

test('IP options and extension headers are gone', () => {
  const there = ether({ destination: own, source: router })
  const back = ether({ destination: router, source: own })
  const optioned = ipv4({ source: client, destination: vip, options: Uint8Array.of(148, 4, 0, 0) })
  assert.deepEqual(
    answer(packet(there, optioned, syn), 14, 38),
    packet(back, ipv4({ source: vip, destination: client, ...plain }), ack),
  )
  const extended = [ipv6({ source: client6, destination: vip6 }), extension(60)]
  assert.deepEqual(
    answer(packet(there, ...extended, syn), 14, 62, true),
    packet(back, ipv6({ source: vip6, destination: client6, hopLimit: 64 }), ack),
  )
})
