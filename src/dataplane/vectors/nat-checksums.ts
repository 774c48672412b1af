// Checksums of what nat sends: sound ones stay sound, whatever they are; wrong ones stay as wrong; those that are absent
// stay absent. Payloads are chosen so that sums fall on 0x0000 and 0xffff before or after.

import { PORT, targets, targets6 } from './nat-fixtures.ts'
import { made } from './nat-flows.ts'
import type { NatStory } from './nat-story.ts'
import { ack, datagram, six, syn } from './story-words.ts'
import { frameOf, type Parts } from './vector.ts'

const zeros = new Uint8Array(2)
/** Two bytes of payload with which a packet's checksum is `wanted`; `from` and `to` as it is summed. */
function filling(parts: Parts, wanted: number): Uint8Array {
  const frame = frameOf({ ...parts, payload: zeros })
  const at = (parts.ip6 ? 54 : 34) + (parts.udp ? 6 : 16)
  const held = frame[at]! * 0x100 + frame[at + 1]!
  // what has to be added to the sum, in ones' complement
  const missing = ((~wanted & 0xffff) + (held & 0xffff)) % 0xffff || 0xffff
  return Uint8Array.of(missing >> 8, missing & 0xff)
}

/** The client's packet as the server gets it: the one whose checksum is to come out so. */
const arriving = (parts: Parts, port: number): Parts => ({
  ...parts,
  ...(parts.ip6
    ? { ip6: { ...parts.ip6, destination: targets6[0] } }
    : { ip: { ...parts.ip, destination: targets[0] } }),
  ...(parts.udp
    ? { udp: { ...parts.udp, destination: port } }
    : { tcp: { ...parts.tcp, destination: port } }),
})

interface Case {
  readonly what: string
  readonly fixture: NatStory['fixture']
  readonly send: Parts
  readonly port: number
}
const cases: readonly Case[] = [
  { what: 'TCP', fixture: 'nat-port', send: ack(), port: PORT },
  { what: 'TCP, the port kept', fixture: 'nat', send: ack(), port: 80 },
  { what: 'UDP', fixture: 'nat-udp', send: datagram(), port: PORT },
  { what: 'TCP over IPv6', fixture: 'nat-six', send: six(ack()), port: PORT },
  { what: 'UDP over IPv6', fixture: 'nat-six-udp', send: six(datagram()), port: 53 },
]
const values = [0x0001, 0xfffe, 0x7fff, 0x8000, 0x00ff]

const sums = cases.flatMap(({ what, fixture, send, port }) => [
  ...[...values, send.udp ? 0xffff : 0x0000].flatMap((value): NatStory[] => {
    const before = { ...send, payload: filling(send, value) }
    const after = { ...send, payload: filling(arriving(send, port), value) }
    const hex = value.toString(16).padStart(4, '0')
    return [
      {
        name: `nat: ${what}: a checksum of 0x${hex} on its way in`,
        fixture,
        steps: [{ send: before, to: 1, port, events: made }],
      },
      {
        name: `nat: ${what}: a checksum that becomes 0x${hex}`,
        fixture,
        steps: [{ send: after, to: 1, port, events: made }],
      },
    ]
  }),
])

/** A checksum that is wrong by `by` before and after. */
function wrong(parts: Parts, port: number, by: number): readonly [number, number] {
  const sumOf = (what: Parts) => {
    const frame = frameOf(what)
    const at = (what.ip6 ? 54 : 34) + (what.udp ? 6 : 16)
    return frame[at]! * 0x100 + frame[at + 1]!
  }
  const moved = (sum: number) => (sum + by) % 0xffff
  return [moved(sumOf(parts)), moved(sumOf(arriving(parts, port)))]
}

const [wrongBefore, wrongAfter] = wrong(ack(), PORT, 0x1234)
const [udpBefore, udpAfter] = wrong(datagram(), PORT, 0x1234)

/** natChecksumStories. */
export const natChecksumStories: readonly NatStory[] = [
  ...sums,
  {
    name: 'nat: a TCP checksum that is wrong stays wrong by as much',
    fixture: 'nat-port',
    steps: [
      {
        send: ack({ tcp: { checksum: wrongBefore, flags: 0x10 } }),
        to: 1,
        port: PORT,
        leaves: { tcp: { checksum: wrongAfter } },
        events: made,
      },
    ],
  },
  {
    name: 'nat: a UDP checksum that is wrong stays wrong by as much',
    fixture: 'nat-udp',
    steps: [
      {
        send: datagram({ udp: { checksum: udpBefore } }),
        to: 1,
        port: PORT,
        leaves: { udp: { checksum: udpAfter } },
        events: made,
      },
    ],
  },
  {
    name: 'nat: a UDP checksum of 0 stays 0, both ways',
    fixture: 'nat-udp',
    steps: [
      { send: datagram({ udp: { checksum: 0 }, payload: 'x' }), to: 1, port: PORT, events: made },
      { answer: { udp: { source: PORT, checksum: 0 }, payload: 'y' }, to: 'client' },
    ],
  },
  {
    name: 'nat: a UDP checksum of 0 over IPv6 stays 0, both ways (RFC 6936)',
    fixture: 'nat-six-udp',
    steps: [
      { send: six(datagram({ udp: { checksum: 0 }, payload: 'x' })), to: 1, events: made },
      { answer: six({ udp: { checksum: 0 }, payload: 'y' }), to: 'client' },
    ],
  },
  ...[0, 1, 0x00ff, 0xff00, 0xfffe].map(
    (identification): NatStory => ({
      name: `nat: an IPv4 header’s checksum follows address and TTL, identification ${identification}`,
      fixture: 'nat',
      steps: [
        { send: syn({ ip: { identification } }), to: 1, events: made },
        { answer: { ip: { identification } }, to: 'client' },
      ],
    }),
  ),
  ...[1, 2, 3, 1_459].map(
    (length): NatStory => ({
      name: `nat: ${length} bytes of payload, both ways`,
      fixture: 'nat',
      steps: [
        { send: ack({ payload: 'a'.repeat(length) }), to: 1, events: made },
        { answer: { payload: 'b'.repeat(length) }, to: 'client' },
      ],
    }),
  ),
]
