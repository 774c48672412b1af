// Which slot an IPv6 packet has: which key multiplies which word, how the sum wraps, and some sums of all keys, done
// in whole numbers of any size. Word 0xc800000a is 0.78125 of 2^32: slot 797 of 1,021.

import { type Ip, isIp4, parseIp } from '../../base/addresses.ts'
import { ipv6Next } from '../../wire/ipv6.ts'
import { extension } from '../../wire/packet.ts'
import { SLOTS, someKeys } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { forwards, type Parts, type Vector } from './vector.ts'

const from = (source: string): Parts => ({ ip6: { source } })
const words = [0, 1, 2, 3]
/** An address of four words, each as it is read from the wire: little-endian. */
const ofWords = (...read: number[]): string =>
  read
    .flatMap((word) => [
      ((word & 0xff) << 8) | ((word >>> 8) & 0xff),
      ((word >>> 8) & 0xff00) | (word >>> 24),
    ])
    .map((group) => group.toString(16))
    .join(':')

/** Word `word` alone decides, whatever the three others are. */
const byWord = words.flatMap((word) => {
  const fixture = `six-s${word}` as FixtureName
  const only = (here: number, others: number) => ofWords(...words.map((i) => (i === word ? here : others)))
  const cases: readonly (readonly [number, number, number])[] = [
    [0xc800000a, 0, 2],
    [0xc800000a, 0xffffffff, 2],
    [0x0a0000c8, 0xc800000a, 1],
    [0, 0xc800000a, 1],
    // slot 797 is where 797/1021 of 2^32 is: words 0xc7d5e069 to 0xc816108c
    [0xc7d5e068, 1, 1],
    [0xc7d5e069, 1, 2],
    [0xc816108c, 0x12345678, 2],
    [0xc816108d, 0x12345678, 1],
    [0xffffffff, 0xc800000a, 1],
  ]
  return cases.map(([here, others, server]) =>
    forwards(
      `word ${word} is 0x${here.toString(16)}, the others 0x${others.toString(16)}`,
      from(only(here, others)),
      {
        fixture,
        server,
      },
    ),
  )
})

/** The slot by the formula of docs/packet-path.md, step 14. */
function slotOf(source: Ip, sourcePort: number, port: number): number {
  const swap = (word: bigint, octets: number): bigint => {
    let swapped = 0n
    for (let i = 0; i < octets; i++) swapped = (swapped << 8n) | ((word >> BigInt(8 * i)) & 0xffn)
    return swapped
  }
  const ports = swap((BigInt(sourcePort) << 16n) | BigInt(port), 4)
  const wordAt = (i: number) => swap((BigInt(source) >> BigInt(96 - 32 * i)) & 0xffffffffn, 4)
  const terms: readonly (readonly [number, bigint])[] = isIp4(source)
    ? [[1, swap(BigInt(source), 4)]]
    : [
        [1, wordAt(0)],
        [6, wordAt(1)],
        [7, wordAt(2)],
        [8, wordAt(3)],
      ]
  const sum = terms.reduce(
    (total, [key, word]) => total + someKeys[key]! * word,
    someKeys[0]! + someKeys[2]! * ports,
  )
  return Number((((sum & 0xffffffffffffffffn) >> 32n) * BigInt(SLOTS)) >> 32n)
}

const clients = [
  '2001:db8:ffff::7',
  '2001:db8:ffff::8',
  '2001:db8:fffe::7',
  '2a00:1450:4001:80b::200e',
  'fe80::fc:feff:fe00:1',
  '::',
  '::1',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  '8000:0:8000:0:8000:0:8000:0',
  '0:1:0:1:0:1:0:1',
  '198.51.100.7',
  '255.255.255.255',
]
/** Servers 1 and 2 in turn from slot to slot. */
const keyed = clients.flatMap((client) =>
  [0, 1, 40_000, 65_535].flatMap((sourcePort): Vector[] => {
    const source = parseIp(client)
    const options = (port: number, service: number) => ({
      fixture: 'six-keyed' as const,
      service,
      server: 1 + (slotOf(source, sourcePort, port) % 2),
    })
    const name = `all keys: from ${client} port ${sourcePort}`
    const tcp = { source: sourcePort }
    if (isIp4(source)) return [forwards(`${name}, IPv4`, { ip: { source }, tcp }, options(80, 2))]
    return [
      forwards(`${name}, TCP`, { ip6: { source }, tcp }, options(80, 0)),
      forwards(`${name}, UDP`, { ip6: { source }, udp: tcp }, options(53, 1)),
    ]
  }),
)

const bySum = (source: string, server: number) =>
  forwards(`the sum of the words of ${source}`, from(source), { fixture: 'six-sum', server })
const byPort = (name: string, parts: Parts, service: number, server: number) =>
  forwards(`IPv6: the slot by source port: ${name}`, parts, { fixture: 'six-by-port', service, server })
const headers = [extension(ipv6Next.AH, { body: new Uint8Array(10).fill(0x11) }), extension(ipv6Next.DSTOPTS)]

/** sixHashVectors. */
export const sixHashVectors: readonly Vector[] = [
  ...byWord,
  ...keyed,
  bySum(ofWords(0xc800000a, 0, 0, 0), 2),
  bySum(ofWords(0xc8000000, 5, 3, 2), 2),
  bySum(ofWords(0x32000003, 0x32000002, 0x32000004, 0x32000001), 2),
  bySum(ofWords(0xffffffff, 0xffffffff, 0xffffffff, 0xc800000d), 2),
  bySum(ofWords(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff), 1),
  bySum(ofWords(0x80000000, 0x80000000, 0xc800000a, 0), 2),
  byPort('0x01c8 over TCP', { ip6: {}, tcp: { source: 0x01c8 } }, 0, 2),
  byPort('0xc801 over TCP', { ip6: {}, tcp: { source: 0xc801 } }, 0, 1),
  byPort('0x01c8 over UDP', { ip6: {}, udp: { source: 0x01c8 } }, 1, 2),
  byPort('0xc801 over UDP', { ip6: {}, udp: { source: 0xc801 } }, 1, 1),
  byPort('0x01c8 over IPv4', { tcp: { source: 0x01c8 } }, 2, 2),
  byPort('0xc801 over IPv4', { tcp: { source: 0xc801 } }, 2, 1),
  byPort('0x01c8 behind two headers', { ip6: {}, extensions: headers, tcp: { source: 0x01c8 } }, 0, 2),
  byPort('0xc801 behind two headers', { ip6: {}, extensions: headers, tcp: { source: 0xc801 } }, 0, 1),
  byPort(
    '0x00c8 over UDP behind two headers',
    { ip6: {}, extensions: headers, udp: { source: 0x00c8 } },
    1,
    2,
  ),
  forwards('IPv6: the slot by the first key alone', from('2001:db8::1'), {
    fixture: 'six-constant',
    server: 2,
  }),
  forwards('IPv6: a product past 2^64', from(ofWords(0, 0, 0, 1)), { fixture: 'six-negative', server: 2 }),
  forwards('IPv6: a product far past 2^64', from(ofWords(9, 9, 9, 0xffffffff)), {
    fixture: 'six-negative',
    server: 2,
  }),
  forwards('IPv6: a product of zero', from(ofWords(1, 1, 1, 0)), { fixture: 'six-negative' }),
  forwards('IPv6: a sum just below 2^64', from(ofWords(1, 1, 0, 1)), { fixture: 'six-wrap', server: 2 }),
  forwards('IPv6: a sum of 2^64', from(ofWords(0, 0, 1, 0)), { fixture: 'six-wrap' }),
  forwards('IPv6: a product of more than 32 bits', from(ofWords(0, 0xc800000a, 0, 0)), {
    fixture: 'six-by-half',
    server: 2,
  }),
  forwards('IPv6: a product of no bits', from(ofWords(0xc800000a, 0, 0xc800000a, 0)), {
    fixture: 'six-by-half',
  }),
  forwards(
    'IPv4’s slot where IPv6 has keys',
    { ip: { source: '10.0.0.200' } },
    {
      fixture: 'dual-by-address',
      server: 2,
    },
  ),
  forwards(
    'IPv4’s other slot where IPv6 has keys',
    { ip: { source: '200.0.0.10' } },
    { fixture: 'dual-by-address' },
  ),
]
