import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ip6, parseIp, parseIp4, parseMac } from '../base/addresses.ts'
import { decodeArp } from './arp.ts'
import { checksum, pseudoHeaderSum, sumWords } from './checksum.ts'
import { decodeEthernet } from './ethernet.ts'
import { decodeIcmp } from './icmp.ts'
import { decodeIpv4 } from './ipv4.ts'
import { decodeIpv6, ipv6Next } from './ipv6.ts'
import { decodeExtension, decodeFragment } from './ipv6-extension.ts'
import { arp, ether, extension, fragment, icmp, ipv4, ipv6, packet, tcp, udp } from './packet.ts'
import { decodeTcp, tcpFlag } from './tcp.ts'
import { decodeUdp } from './udp.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const source = '198.51.100.7'
const destination = '192.0.2.10'

test('a frame comes out byte for byte as written down by hand', () => {
  const frame = packet(
    ether({ destination: '02:00:00:00:00:01', source: '02:00:00:00:00:02' }),
    ipv4({ source, destination, identification: 0x1234, dontFragment: true }),
    tcp({ source: 40000, destination: 80, sequence: 1, flags: tcpFlag.SYN, window: 64240 }),
  )
  assert.equal(
    hex(frame),
    [
      '020000000001',
      '020000000002',
      '0800',
      '45000028',
      '12344000',
      '40063c57',
      'c6336407',
      'c000020a',
      '9c400050',
      '00000001',
      '00000000',
      '5002faf0',
      '2c1b0000',
    ].join(''),
  )
})

test('lengths, types and checksums are right in every layer', () => {
  const { header: outer, payload } = decodeEthernet(
    packet(
      ether({ tags: [{ id: 7 }, { tpid: 0x88a8, id: 8 }] }),
      ipv4({ source, destination }),
      tcp(),
      'abc',
    ),
  )
  assert.deepEqual(
    [outer.type, outer.tags.map(({ tpid, id }) => [tpid, id])],
    [
      0x0800,
      [
        [0x8100, 7],
        [0x88a8, 8],
      ],
    ],
  )
  const ip = decodeIpv4(payload)
  assert.equal(ip.header.totalLength, 43)
  assert.equal(sumWords(payload.subarray(0, 20)), 0xffff)
  const pseudo = (protocol: number) =>
    pseudoHeaderSum(ip.header.source, ip.header.destination, protocol, ip.payload.length)
  assert.equal(sumWords(ip.payload, pseudo(6)), 0xffff)
  assert.equal(Buffer.from(decodeTcp(ip.payload).payload).toString(), 'abc')

  const datagram = decodeIpv4(packet(ipv4({ source, destination }), udp({ destination: 53 }), 'abc'))
  assert.equal(datagram.header.protocol, 17)
  assert.equal(decodeUdp(datagram.payload).header.length, 11)
  assert.equal(
    sumWords(datagram.payload, pseudoHeaderSum(parseIp4(source), parseIp4(destination), 17, 11)),
    0xffff,
  )

  const ping = decodeIpv4(packet(ipv4(), icmp({ rest: 0x00010002 }), 'abc'))
  assert.equal(ping.header.protocol, 1)
  assert.equal(sumWords(ping.payload), 0xffff)
  assert.equal(decodeIcmp(ping.payload).header.type, 8)

  assert.equal(decodeIpv4(packet(ipv4(), ipv4(), tcp())).header.protocol, 4)
  assert.equal(sumWords(packet(tcp(), 'abcd')), 0xffff)
})

test('a UDP checksum that computes to zero is sent as 0xffff', () => {
  const fields = { source: 0, destination: 0 }
  // without IPv4 around it the sum is that of length and payload alone: 10 + 0xfff5 = 0xffff
  const bytes = packet(udp(fields), Uint8Array.of(0xff, 0xf5))
  assert.equal(decodeUdp(bytes).header.checksum, 0xffff)
})

const source6 = '2001:db8::7'
const destination6 = '2001:db8:a:b:c:d:e:f'
const sum6 = (protocol: number, bytes: Uint8Array) =>
  sumWords(
    bytes,
    pseudoHeaderSum(parseIp(source6) as Ip6, parseIp(destination6) as Ip6, protocol, bytes.length),
  )

test('an IPv6 frame comes out byte for byte as written down by hand', () => {
  const frame = packet(
    ether(),
    ipv6({ source: source6, destination: destination6, trafficClass: 0xab, flowLabel: 0xcdef1 }),
    extension(ipv6Next.HOPOPTS),
    fragment({ identification: 7 }),
    udp({ source: 53, destination: 40_000, checksum: 0 }),
  )
  assert.equal(
    hex(frame),
    [
      '000000000000',
      '000000000000',
      '86dd',
      '6abcdef1',
      '0018',
      '00',
      '40',
      '20010db8000000000000000000000007',
      '20010db8000a000b000c000d000e000f',
      '2c00010400000000',
      '1100000000000007',
      '00359c4000080000',
    ].join(''),
  )
})

test('lengths, next headers and checksums are right behind extension headers too', () => {
  const ip = ipv6({ source: source6, destination: destination6 })
  const { header: outer, payload } = decodeEthernet(
    packet(
      ether(),
      ip,
      extension(ipv6Next.HOPOPTS, { body: new Uint8Array(14) }),
      extension(ipv6Next.AH, { body: new Uint8Array(22) }),
      fragment(),
      tcp(),
      'abc',
    ),
  )
  assert.equal(outer.type, 0x86dd)
  const { header, payload: first } = decodeIpv6(payload)
  assert.deepEqual([header.nextHeader, header.payloadLength, header.hopLimit], [0, 16 + 24 + 8 + 23, 64])
  const options = decodeExtension(ipv6Next.HOPOPTS, first)
  assert.deepEqual([options.header.nextHeader, options.header.length], [51, 1])
  const authentication = decodeExtension(ipv6Next.AH, options.payload)
  assert.deepEqual([authentication.header.nextHeader, authentication.header.length], [44, 4])
  const atomic = decodeFragment(authentication.payload)
  assert.deepEqual(atomic.header, {
    nextHeader: 6,
    reserved: 0,
    offset: 0,
    reservedBits: 0,
    more: false,
    identification: 0,
  })
  assert.equal(sum6(6, atomic.payload), 0xffff)
  assert.equal(Buffer.from(decodeTcp(atomic.payload).payload).toString(), 'abc')

  const datagram = decodeIpv6(packet(ip, udp({ destination: 53 }), 'abc'))
  assert.equal(datagram.header.nextHeader, 17)
  assert.equal(sum6(17, datagram.payload), 0xffff)
  const ping = decodeIpv6(packet(ip, icmp(), 'abc'))
  assert.equal(ping.header.nextHeader, 58)
  assert.equal(decodeIcmp(ping.payload).header.type, 128)
  assert.equal(sum6(58, ping.payload), 0xffff)
  assert.equal(decodeIpv6(packet(ip, 'abc')).header.nextHeader, 59)
  assert.equal(decodeIpv6(packet(ip, ipv4())).header.nextHeader, 4)
  assert.equal(decodeIpv4(packet(ipv4(), ipv6())).header.protocol, 41)
})

test('an address of the other family, or none, is refused', () => {
  assert.throws(() => packet(ipv6({ source: '192.0.2.1' })), /"192.0.2.1" is not an IPv6 address/)
  assert.throws(() => packet(ipv4({ source: '::1' })), /"::1" is not an IPv4 address/)
})

test('an ARP packet carries its addresses', () => {
  const { header, payload } = decodeEthernet(
    packet(
      ether(),
      arp({ operation: 2, senderMac: '02:00:00:00:00:09', senderIp: source, targetIp: destination }),
    ),
  )
  assert.equal(header.type, 0x0806)
  assert.deepEqual(decodeArp(payload).header, {
    operation: 2,
    senderMac: parseMac('02:00:00:00:00:09'),
    senderIp: parseIp4(source),
    targetMac: parseMac('00:00:00:00:00:00'),
    targetIp: parseIp4(destination),
  })
})

test('options lengthen the header and are counted', () => {
  const bytes = packet(
    ipv4({ options: Uint8Array.of(7, 3, 4, 0) }),
    tcp({ options: Uint8Array.of(2, 4, 5, 0xb4, 1, 1, 1, 0) }),
  )
  const { header, payload } = decodeIpv4(bytes)
  assert.deepEqual([header.ihl, header.totalLength, decodeTcp(payload).header.dataOffset], [6, 52, 7])
})

test('fields that lie are written as they are said', () => {
  const bytes = packet(
    ipv4({ version: 6, ihl: 3, totalLength: 9, checksum: 0xbeef, protocol: 99 }),
    tcp({ dataOffset: 15, checksum: 0x1234 }),
  )
  assert.equal(hex(bytes.subarray(0, 4)), '63000009')
  assert.equal(hex(bytes.subarray(9, 12)), '63beef')
  assert.equal(bytes[32], 0xf0)
  assert.equal(hex(bytes.subarray(36, 38)), '1234')
  // a sound checksum over lying fields
  const lying = packet(ipv4({ totalLength: 9 }), tcp())
  assert.equal(checksum(lying.subarray(0, 20)), 0)
  assert.equal(decodeUdp(packet(udp({ length: 9, checksum: 5 }), 'ab')).payload.length, 1)
  assert.equal(decodeIcmp(packet(icmp({ checksum: 5 }))).header.checksum, 5)
  assert.equal(hex(packet(ether({ type: 0x1234 }), ipv4()).subarray(12, 14)), '1234')
})
