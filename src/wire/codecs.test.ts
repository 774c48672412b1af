// Every codec of this folder under the same three demands: what is encoded is decoded, bytes that end too soon
// are refused at every length, and whatever arrives nothing but a TenbinError escapes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Ip4, type Ip6, macFromBytes } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { decodeArp, encodeArp } from './arp.ts'
import type { Decoded } from './decode.ts'
import { decodeEthernet, encodeEthernet } from './ethernet.ts'
import { decodeIcmp, encodeIcmp } from './icmp.ts'
import { decodeIpv4, encodeIpv4 } from './ipv4.ts'
import { decodeIpv6, encodeIpv6, ipv6Next } from './ipv6.ts'
import { decodeExtension, decodeFragment, encodeExtension, encodeFragment } from './ipv6-extension.ts'
import { decodeTcp, encodeTcp } from './tcp.ts'
import { decodeUdp, encodeUdp } from './udp.ts'

const record = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true })
const u8 = fc.nat(0xff)
const u16 = fc.nat(0xffff)
const u32 = fc.nat(0xffffffff)
const ip = u32.map((value) => value as Ip4)
const ip6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value) => value as Ip6)
const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macFromBytes(bytes))
const options = fc.nat(10).chain((words) => fc.uint8Array({ minLength: 4 * words, maxLength: 4 * words }))
const payload = fc.uint8Array({ maxLength: 40 })

interface Codec<Header> {
  /** A header that tells the truth about `payload` bytes behind it. */
  readonly headers: (payload: number) => fc.Arbitrary<Header>
  readonly encode: (header: Header) => Uint8Array
  readonly decode: (bytes: Uint8Array) => Decoded<Header>
  /** The header carries the length of all: cut anywhere, the bytes are too few. */
  readonly knowsLength: boolean
  /** Offset -> byte: what gets random bytes past the first refusals. */
  readonly likely: Readonly<Record<number, number>>
}

const concat = (a: Uint8Array, b: Uint8Array) => Uint8Array.from([...a, ...b])
const invalid = (e: unknown) => e instanceof TenbinError && e.code === 'PACKET_INVALID'

function demand<Header extends object>(name: string, codec: Codec<Header>): void {
  const { headers, encode, decode, knowsLength, likely } = codec
  const pairs = payload.chain((bytes) => fc.tuple(headers(bytes.length), fc.constant(bytes)))

  test(`${name}: header and payload survive a round trip`, () => {
    fc.assert(
      fc.property(pairs, ([header, bytes]) => {
        assert.deepEqual(decode(concat(encode(header), bytes)), { header, payload: bytes })
      }),
      { numRuns: 1_000 },
    )
  })

  test(`${name}: bytes that end too soon are refused at every length`, () => {
    fc.assert(
      fc.property(pairs, ([header, bytes]) => {
        const encoded = encode(header)
        const whole = knowsLength ? concat(encoded, bytes) : encoded
        for (let length = 0; length < whole.length; length++)
          assert.throws(
            () => decode(whole.subarray(0, length)),
            invalid,
            `${length} of ${whole.length} bytes`,
          )
      }),
      { numRuns: 50 },
    )
  })

  test(`${name}: random bytes are decoded or refused, and a decoded header encodes to the same bytes`, () => {
    let decoded = 0
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), fc.boolean(), (bytes, isLikely) => {
        if (isLikely && bytes.length >= 20)
          for (const [at, value] of Object.entries(likely)) bytes[Number(at)] = value
        let result: Decoded<Header>
        try {
          result = decode(bytes)
        } catch (e) {
          assert.ok(invalid(e), String(e))
          return
        }
        decoded++
        const again = encode(result.header)
        assert.deepEqual(again, bytes.slice(0, again.length))
      }),
      { numRuns: 1_000, seed: 7 },
    )
    assert.ok(decoded > 50, `only ${decoded} were decoded`)
  })
}

const tag = record({
  tpid: fc.constantFrom(0x8100, 0x88a8),
  priority: fc.nat(7),
  dropEligible: fc.boolean(),
  id: fc.nat(4095),
})
demand('Ethernet', {
  headers: () =>
    record({
      destination: mac,
      source: mac,
      tags: fc.array(tag, { maxLength: 3 }),
      type: u16.filter((type) => type !== 0x8100 && type !== 0x88a8),
    }),
  encode: encodeEthernet,
  decode: decodeEthernet,
  knowsLength: false,
  likely: {},
})
demand('IPv4', {
  headers: (length) =>
    options.chain((bytes) =>
      record({
        version: fc.constant(4),
        ihl: fc.constant(5 + bytes.length / 4),
        dscp: fc.nat(63),
        ecn: fc.nat(3),
        totalLength: fc.constant(20 + bytes.length + length),
        identification: u16,
        reserved: fc.boolean(),
        dontFragment: fc.boolean(),
        moreFragments: fc.boolean(),
        fragmentOffset: fc.nat(0x1fff),
        ttl: u8,
        protocol: u8,
        checksum: u16,
        source: ip,
        destination: ip,
        options: fc.constant(bytes),
      }),
    ),
  encode: encodeIpv4,
  decode: decodeIpv4,
  knowsLength: true,
  likely: { 0: 0x45, 2: 0, 3: 20 },
})
demand('IPv6', {
  headers: (length) =>
    record({
      version: fc.constant(6),
      trafficClass: u8,
      flowLabel: fc.nat(0xfffff),
      payloadLength: fc.constant(length),
      nextHeader: u8,
      hopLimit: u8,
      source: ip6,
      destination: ip6,
    }),
  encode: encodeIpv6,
  decode: decodeIpv6,
  knowsLength: true,
  likely: { 0: 0x65, 4: 0, 5: 0 },
})
for (const [name, kind, unit] of [
  ['IPv6 options', ipv6Next.DSTOPTS, 8],
  ['IPv6 authentication', ipv6Next.AH, 4],
] as const)
  demand(name, {
    headers: () =>
      fc.nat(4).chain((length) =>
        record({
          nextHeader: u8,
          length: fc.constant(length),
          body: fc.uint8Array({ minLength: 6 + unit * length, maxLength: 6 + unit * length }),
        }),
      ),
    encode: encodeExtension,
    decode: (bytes) => decodeExtension(kind, bytes),
    knowsLength: false,
    likely: { 1: 1 },
  })
demand('IPv6 fragment', {
  headers: () =>
    record({
      nextHeader: u8,
      reserved: u8,
      offset: fc.nat(0x1fff),
      reservedBits: fc.nat(3),
      more: fc.boolean(),
      identification: u32,
    }),
  encode: encodeFragment,
  decode: decodeFragment,
  knowsLength: false,
  likely: {},
})
demand('TCP', {
  headers: () =>
    options.chain((bytes) =>
      record({
        source: u16,
        destination: u16,
        sequence: u32,
        acknowledgment: u32,
        dataOffset: fc.constant(5 + bytes.length / 4),
        reserved: fc.nat(15),
        flags: u8,
        window: u16,
        checksum: u16,
        urgent: u16,
        options: fc.constant(bytes),
      }),
    ),
  encode: encodeTcp,
  decode: decodeTcp,
  knowsLength: false,
  likely: {},
})
demand('UDP', {
  headers: (length) =>
    record({ source: u16, destination: u16, length: fc.constant(8 + length), checksum: u16 }),
  encode: encodeUdp,
  decode: decodeUdp,
  knowsLength: true,
  likely: { 4: 0, 5: 8 },
})
demand('ICMP', {
  headers: () => record({ type: u8, code: u8, checksum: u16, rest: u32 }),
  encode: encodeIcmp,
  decode: decodeIcmp,
  knowsLength: false,
  likely: {},
})
demand('ARP', {
  headers: () => record({ operation: u16, senderMac: mac, senderIp: ip, targetMac: mac, targetIp: ip }),
  encode: encodeArp,
  decode: decodeArp,
  knowsLength: false,
  likely: { 0: 0, 1: 1, 2: 8, 3: 0, 4: 6, 5: 4 },
})

test('headers that contradict themselves are refused', () => {
  const ip4 = (...start: number[]) => concat(Uint8Array.from(start), new Uint8Array(60))
  assert.throws(() => decodeIpv4(ip4(0x65, 0, 0, 20)), /version 6/)
  assert.throws(() => decodeIpv4(ip4(0x44, 0, 0, 20)), /header length of 4 words/)
  assert.throws(() => decodeIpv4(ip4(0x46, 0, 0, 20)), /ends within the header/)
  assert.throws(() => decodeIpv6(ip4(0x4f, 0, 0, 0)), /version 4/)
  assert.throws(() => decodeTcp(concat(new Uint8Array(12), Uint8Array.of(0x40, ...new Array(30)))), /4 words/)
  assert.throws(() => decodeUdp(Uint8Array.of(0, 1, 0, 2, 0, 7, 0, 0)), /length 7/)
  assert.throws(() => decodeArp(new Uint8Array(28)), /not for IPv4 over Ethernet/)
})
