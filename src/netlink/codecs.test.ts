import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Ip, type Ip4, type Ip6, isIp4, parseIp, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { prefixOf } from '../base/prefix.ts'
import { decodeAddress, encodeAddress } from './addresses.ts'
import {
  attribute,
  decodeAttributes,
  ipAttribute,
  macAttribute,
  nested,
  textAttribute,
  u8Attribute,
  u32Attribute,
} from './attributes.ts'
import { decodeEvents } from './events.ts'
import { decodeLink } from './links.ts'
import { decodeAcknowledgement, decodeMessages, encodeMessage, NLMSG_DONE, NLMSG_ERROR } from './message.ts'
import { decodeNeighbour, encodeManaged } from './neighbours.ts'
import { covers, decodeRoute, decodeRouteChange } from './routes.ts'
import { decodeStaticRoute, encodeRoute } from './static-routes.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const malformed = (run: () => unknown) =>
  assert.throws(run, (error) => error instanceof TenbinError && error.code === 'NETLINK_MALFORMED')
const onlyTenbinErrors = (run: () => unknown): void => {
  try {
    run()
  } catch (error) {
    if (!(error instanceof TenbinError) || error.code !== 'NETLINK_MALFORMED') throw error
  }
}

const ip4 = fc.nat(0xffffffff).map((n) => n as Ip4)
const ip6 = fc.bigInt(0n, (1n << 128n) - 1n).map((n) => n as Ip6)
const ip: fc.Arbitrary<Ip> = fc.oneof(ip4, ip6)

const header = (size: number, write: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.alloc(size)
  write(bytes)
  return bytes
}

const linkMessage = Buffer.concat([
  header(16, (bytes) => {
    bytes.writeInt32LE(7, 4)
    bytes.writeUInt32LE(0x10103, 8)
  }),
  textAttribute(3, 'eth0'),
  macAttribute(1, parseMac('02:00:00:00:00:01')),
  u32Attribute(4, 1500),
  u32Attribute(10, 3),
  nested(18, textAttribute(1, 'veth')),
  nested(43, u8Attribute(2, 1), u32Attribute(4, 99)),
])

const routeMessage = Buffer.concat([
  header(12, (bytes) => {
    bytes.writeUInt8(2, 0)
    bytes.writeUInt8(24, 1)
    bytes.writeUInt8(1, 7)
  }),
  ipAttribute(1, parseIp('192.0.2.0')),
  u32Attribute(4, 7),
  attribute(18, hex('0a00 20010db8000000000000000000000001')),
  ipAttribute(7, parseIp('192.0.2.9')),
])

test('a link is read with its flags, kind, bridge and XDP programs', () => {
  assert.deepEqual(decodeLink(linkMessage), {
    index: 7,
    name: 'eth0',
    mac: '02:00:00:00:00:01',
    mtu: 1500,
    isUp: true,
    isLowerUp: true,
    isLoopback: false,
    isPromiscuous: true,
    master: 3,
    kind: 'veth',
    xdp: [{ mode: 'native', programId: 99 }],
  })
  const both = nested(43, u8Attribute(2, 4), u32Attribute(5, 10), u32Attribute(6, 11))
  const link = Buffer.concat([Buffer.alloc(16), textAttribute(3, 'eth0'), both])
  assert.deepEqual(decodeLink(link)?.xdp, [
    { mode: 'native', programId: 10 },
    { mode: 'generic', programId: 11 },
  ])
  malformed(() => decodeLink(Buffer.alloc(16)))
})

test('what a bridge says of its port is not about the link', () => {
  const bridged = Buffer.from(linkMessage)
  bridged.writeUInt8(7, 0)
  assert.equal(decodeLink(bridged), undefined)
  const event = { type: 17, flags: 0, sequence: 0, port: 0, payload: bridged }
  assert.deepEqual(decodeEvents(encodeMessage(event)), [])
})

test('an address survives a round trip with its lifetime', () => {
  const lifetime = fc.record(
    {
      validS: fc.integer({ min: 1, max: 0xfffffffe }),
      preferredS: fc.nat(0xfffffffe),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(
      ip,
      fc.nat(32),
      fc.option(lifetime, { nil: undefined }),
      fc.boolean(),
      (address, prefix, life, nodad) => {
        const added = { ifindex: 7, address, prefix, nodad, protocol: 9, ...(life && { lifetime: life }) }
        const decoded = decodeAddress(encodeAddress(added))
        const { nodad: _, ...expected } = added
        const flags = { isSecondary: false, isTentative: false, isDuplicate: false, isDeprecated: false }
        assert.deepEqual(decoded, { ...expected, ...flags })
      },
    ),
  )
})

test('a neighbour that is to be managed is written as the kernel wants it', () => {
  const bytes = encodeManaged(7, parseIp('192.0.2.2'), 0)
  assert.deepEqual(
    bytes,
    hex('02 00 0000 07000000 0000 01 00  0800 0100 c0000202  0800 0f00 01000000  0500 0c00 74 000000'),
  )
  const decoded = decodeNeighbour(bytes)
  assert.equal(decoded?.isManaged, true)
  assert.equal(decoded?.state, 'NONE')
})

test('neighbour states go by name, proxies and bridge tables are left out', () => {
  const entry = (family: number, state: number, flags = 0): Buffer =>
    Buffer.concat([
      header(12, (bytes) => {
        bytes.writeUInt8(family, 0)
        bytes.writeUInt16LE(state, 8)
        bytes.writeUInt8(flags, 10)
      }),
      ipAttribute(1, parseIp('192.0.2.2')),
      macAttribute(2, parseMac('02:00:00:00:00:02')),
    ])
  const names = [0, 1, 2, 4, 8, 16, 32, 64, 128].map((state) => decodeNeighbour(entry(2, state))?.state)
  assert.deepEqual(names, [
    'NONE',
    'INCOMPLETE',
    'REACHABLE',
    'STALE',
    'DELAY',
    'PROBE',
    'FAILED',
    'NOARP',
    'PERMANENT',
  ])
  assert.equal(decodeNeighbour(entry(7, 2)), undefined)
  assert.equal(decodeNeighbour(entry(2, 2, 8)), undefined)
})

test('a route is read with a gateway of the other family, and as a change of a prefix', () => {
  assert.deepEqual(decodeRoute(routeMessage), {
    kind: 'unicast',
    ifindex: 7,
    gateway: parseIp('2001:db8::1'),
    source: parseIp('192.0.2.9'),
  })
  assert.deepEqual(decodeRouteChange(routeMessage), { destination: parseIp('192.0.2.0'), prefix: 24 })
  const blackhole = Buffer.from(routeMessage)
  blackhole.writeUInt8(6, 7)
  assert.deepEqual(decodeRoute(blackhole), { kind: 'none', why: 'route of type blackhole' })
  const lying = Buffer.from(routeMessage)
  lying.writeUInt8(33, 1)
  malformed(() => decodeRouteChange(lying))
})

test('a static route survives a round trip, and one of somebody else is not ours', () => {
  const lengths = fc.record({
    length: fc.nat(128),
    metric: fc.option(fc.integer({ min: 1, max: 0xffffffff })),
  })
  fc.assert(
    fc.property(
      fc.oneof(fc.tuple(ip4, ip4, ip4), fc.tuple(ip6, ip6, ip6)),
      lengths,
      (ips, { length, metric }) => {
        const [address, gateway, source] = ips as readonly [Ip, Ip, Ip]
        const to = prefixOf(address, isIp4(address) ? length % 33 : length)
        const route = { ifindex: 7, to, gateway, source, ...(metric !== null && { metric }) }
        const bytes = encodeRoute({ ...route, validS: 9 })
        assert.deepEqual(decodeStaticRoute(bytes), route)
        bytes.writeUInt8(4, 5)
        assert.equal(decodeStaticRoute(bytes), undefined)
      },
    ),
  )
})

test('a route covers the addresses of its prefix, and those alone', () => {
  const within = (destination: string, prefix: number, address: string): boolean =>
    covers({ destination: parseIp(destination), prefix }, parseIp(address))
  assert.ok(within('0.0.0.0', 0, '255.255.255.255'))
  assert.ok(within('192.0.2.0', 24, '192.0.2.255'))
  assert.ok(!within('192.0.2.0', 24, '192.0.3.0'))
  assert.ok(within('192.0.2.1', 32, '192.0.2.1'))
  assert.ok(!within('192.0.2.1', 32, '192.0.2.0'))
  assert.ok(within('128.0.0.0', 1, '255.0.0.1'))
  assert.ok(within('2001:db8::', 32, '2001:db8:1::'))
  assert.ok(!within('2001:db8::', 32, '2001:db9::'))
  assert.ok(!within('::', 0, '192.0.2.1'))
  assert.ok(!within('0.0.0.0', 0, '::1'))
})

const decoders: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  messages: decodeMessages,
  attributes: decodeAttributes,
  link: decodeLink,
  address: decodeAddress,
  neighbour: decodeNeighbour,
  route: decodeRoute,
  'route change': decodeRouteChange,
  'static route': decodeStaticRoute,
  error: (payload) =>
    decodeAcknowledgement({ type: NLMSG_ERROR, flags: 0x200, sequence: 0, port: 0, payload }),
  'capped error': (payload) =>
    decodeAcknowledgement({ type: NLMSG_ERROR, flags: 0x300, sequence: 0, port: 0, payload }),
  done: (payload) => decodeAcknowledgement({ type: NLMSG_DONE, flags: 0x200, sequence: 0, port: 0, payload }),
  events: decodeEvents,
}

const samples: readonly Buffer[] = [
  linkMessage,
  routeMessage,
  encodeManaged(7, parseIp('2001:db8::1'), 0),
  encodeRoute({
    ifindex: 7,
    to: prefixOf(parseIp('192.0.2.0'), 24),
    gateway: parseIp('192.0.2.1'),
    metric: 3,
  }),
  encodeAddress({
    ifindex: 7,
    address: parseIp('192.0.2.1'),
    prefix: 24,
    lifetime: { validS: 9, preferredS: 5 },
  }),
  Buffer.concat([
    hex('efffffff 10000000 1400 0500 01000000 00000000'),
    textAttribute(1, 'words'),
    u32Attribute(2, 3),
  ]),
]
const wrapped = samples.flatMap((payload, index) =>
  [16, 20, 24, 28].map((type) =>
    encodeMessage({ type: type + (index % 2), flags: 0, sequence: 0, port: 0, payload }),
  ),
)

test('nothing but NETLINK_MALFORMED escapes from a decoder, at any length and with any byte changed', () => {
  for (const decode of Object.values(decoders)) {
    for (const sample of [...samples, ...wrapped]) {
      for (let length = 0; length <= sample.length; length++) {
        onlyTenbinErrors(() => decode(sample.subarray(0, length)))
      }
      for (let at = 0; at < sample.length; at++) {
        for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
          const changed = Buffer.from(sample)
          changed.writeUInt8(value, at)
          onlyTenbinErrors(() => decode(changed))
        }
      }
    }
  }
})

test('nothing but NETLINK_MALFORMED escapes from a decoder on random bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
  for (const decode of Object.values(decoders)) {
    fc.assert(
      fc.property(bytes, (random) => onlyTenbinErrors(() => decode(random))),
      { numRuns: 500 },
    )
  }
})

test('a notification that cannot be read asks for a resync, one that is not ours is nothing', () => {
  const link = { type: 16, flags: 0, sequence: 0, port: 0, payload: linkMessage }
  assert.equal(decodeEvents(encodeMessage(link))[0]?.kind, 'link')
  assert.equal(
    decodeEvents(encodeMessage({ ...link, payload: linkMessage.subarray(0, 21) }))[0]?.kind,
    'resync',
  )
  assert.deepEqual(decodeEvents(encodeMessage({ ...link, type: 99 })), [])
})
