// TTL and hop limit that have run out: who is told, by which frame, and who is not.

import { ipv6Next } from '../../wire/ipv6.ts'
import type { Layer } from '../../wire/layer.ts'
import { ether, extension, fragment, icmp, ipv4, ipv6, packet } from '../../wire/packet.ts'
import { client, client6, own, router, vip, vip6 } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { cut, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const zeros = (length: number) => new Uint8Array(length)
const tag = { tags: [{ id: 7, priority: 3 }] }
const two = { tags: [{ tpid: 0x88a8, id: 100 }, { id: 7 }] }

/** tells: the frame is answered by a time exceeded from where it was going; `length` bytes of the packet are quoted. */
function tells(name: string, parts: Parts, fixture: FixtureName, length?: number): Vector {
  const frame = frameOf(parts)
  const start = 14 + 4 * (parts.ether?.tags?.length ?? 0)
  const { ip, ip6 } = parts
  const link = ether({ ...parts.ether, source: own, destination: parts.ether?.source ?? router })
  const headers: Layer[] = ip6
    ? [ipv6({ source: ip6.destination ?? vip6, destination: ip6.source ?? client6 }), icmp({ type: 3 })]
    : [
        ipv4({
          source: ip?.destination ?? vip,
          destination: ip?.source ?? client,
          dscp: 48,
          dontFragment: true,
        }),
        icmp({ type: 11 }),
      ]
  const quoted = frame.slice(start, length === undefined ? undefined : start + length)
  const answer = packet(link, ...headers, quoted)
  return { name, fixture, frame, expected: { outcome: 'time-exceeded', frame: answer } }
}

const tells4 = (name: string, parts: Parts, fixture: FixtureName = 'one') =>
  tells(`time exceeded: ${name}`, { ...parts, ip: { ttl: 1, ...parts.ip } }, fixture, 28)
const tells6 = (name: string, parts: Parts = {}, fixture: FixtureName = 'six') =>
  tells(`IPv6 time exceeded: ${name}`, { ...parts, ip6: { hopLimit: 1, ...parts.ip6 } }, fixture)
const silent4 = (name: string, parts: Parts, fixture: FixtureName = 'one') =>
  keeps('ttl', `TTL 1, nobody is told: ${name}`, { ...parts, ip: { ttl: 1, ...parts.ip } }, fixture)
const silent6 = (name: string, parts: Parts, fixture: FixtureName = 'six') =>
  keeps(
    'ttl',
    `hop limit 1, nobody is told: ${name}`,
    { ...parts, ip6: { hopLimit: 1, ...parts.ip6 } },
    fixture,
  )

const from4 = (source: string): Parts => ({ ip: { source } })
const from6 = (source: string): Parts => ({ ip6: { source } })
const several = Array.from({ length: 12 }, (_, i) => i)

/** exceededVectors. */
export const exceededVectors: readonly Vector[] = [
  tells4('a SYN', {}),
  tells4('TTL 0', { ip: { ttl: 0 } }),
  tells4('with data', { payload: 'GET / HTTP/1.1\r\n\r\n' }),
  tells4('1,514 bytes', { payload: zeros(1_460) }),
  tells4('UDP', { udp: {} }, 'udp'),
  tells4('UDP with data', { udp: {}, payload: 'who is it' }, 'udp'),
  tells4('UDP without a checksum', { udp: { checksum: 0 }, payload: 'x' }, 'udp'),
  tells4('a segment whose checksum is wrong', { tcp: { checksum: 0x1234 } }),
  tells4('a header whose checksum is wrong', { ip: { checksum: 0x1234 } }),
  tells4('fields that are all set', {
    ip: { dscp: 63, ecn: 3, identification: 0xffff, dontFragment: true },
  }),
  tells4('padding behind it', { trailer: zeros(6) }),
  tells4('a tag', { ether: tag }),
  tells4('two tags', { ether: two }),
  tells4('where nobody is in the slots', {}, 'nobody'),
  tells4('where the server has lost its MAC', {}, 'unusable'),
  tells4('jumbo', {}, 'jumbo'),
  tells4('the last of 70 listeners', { ip: { destination: '203.0.113.30' } }, 'seventy'),
  tells4('where all are known', {}, 'dual'),
  tells4('where all are known, UDP', { udp: {} }, 'dual'),
  ...['1.0.0.0', '10.0.0.1', '126.255.255.255', '128.0.0.0', '223.255.255.255'].map((source) =>
    tells4(`to ${source}`, from4(source)),
  ),
  ...several.map((i) =>
    tells4(`sums differ, ${i}`, { tcp: { source: 1 + i * 5_457, sequence: (i * 0x1357_9bdf) >>> 0 } }),
  ),
  ...['0.0.0.0', '0.255.255.255', '127.0.0.1', '224.0.0.1', '239.1.2.3', '240.0.0.1', '255.255.255.255'].map(
    (source) => silent4(`from ${source}`, from4(source)),
  ),
  silent4('options', { ip: { options: zeros(4) } }),
  silent4('from a group’s MAC', { ether: { source: '01:00:5e:00:00:01' } }),
  silent4('from the broadcast’s MAC', { ether: { source: 'ff:ff:ff:ff:ff:ff' } }),
  keeps('bad-length', 'TTL 1 and a lying length', { ip: { ttl: 1, totalLength: 39 } }),
  keeps(
    'no-listener',
    'TTL 1 to nobody, where all are known',
    { ip: { ttl: 1, destination: '192.0.2.99' } },
    'dual',
  ),
  keeps('truncated', 'TTL 1 and a cut header', cut(frameOf({ ip: { ttl: 1 } }), 53)),

  tells6('a SYN'),
  tells6('hop limit 0', { ip6: { hopLimit: 0 } }),
  tells6('with data', { payload: 'GET / HTTP/1.1\r\n\r\n' }),
  tells6('with an odd number of bytes', { payload: 'seven and forty bytes, and one' }),
  tells6('as long as can be quoted whole', { payload: zeros(1_232 - 60) }),
  tells6('UDP', { udp: {} }, 'six-udp'),
  tells6('UDP with data', { udp: {}, payload: 'who is it, again' }, 'six-udp'),
  tells6('a traffic class and a flow label', { ip6: { trafficClass: 0xb9, flowLabel: 0xfedcb } }),
  tells6('a tag', { ether: tag }),
  tells6('two tags', { ether: two }),
  tells6('where nobody is in the slots', {}, 'six-nobody'),
  tells6('jumbo', {}, 'six-jumbo'),
  tells6('a listener in a table', {}, 'six-seventy'),
  tells6('where all are known', {}, 'dual'),
  tells6('where all are known, UDP', { udp: {} }, 'dual'),
  ...['fe80::1', '2000::', '::1:0:0:0:0', 'fec0::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'].map((source) =>
    tells6(`to ${source}`, from6(source)),
  ),
  ...several.map((i) =>
    tells6(`sums differ, ${i}`, {
      tcp: { source: 1 + i * 5_457, sequence: (i * 0x1357_9bdf) >>> 0 },
      ip6: { flowLabel: i * 0x1_2345, trafficClass: i * 21 },
    }),
  ),
  ...['::', '::1', '::192.0.2.1', '::ffff:ffff:ffff:ffff', 'ff02::1', 'ff00::', 'ffff::1'].map((source) =>
    silent6(`from ${source}`, from6(source)),
  ),
  silent6('longer than what is quoted whole', { payload: zeros(1_233 - 60) }),
  silent6('padding behind it', { trailer: zeros(1) }),
  silent6('an extension header', { extensions: [extension(ipv6Next.DSTOPTS)] }),
  silent6('an atomic fragment', { extensions: [fragment()] }),
  silent6('from a group’s MAC', { ether: { source: '33:33:00:00:00:01' } }),
  keeps(
    'bad-length',
    'IPv6: hop limit 1 and a lying length',
    { ip6: { hopLimit: 1, payloadLength: 19 } },
    'six',
  ),
]
