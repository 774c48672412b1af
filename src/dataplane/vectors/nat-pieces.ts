// Nat on the way back: answers in tagged frames and with extension headers, and answers in fragments, which follow their first.

import { parseIp } from '../../base/addresses.ts'
import { hashWords, splitMultipliers } from '../../schedule/hash.ts'
import { ipv6Next } from '../../wire/ipv6.ts'
import type { EtherFields } from '../../wire/layer.ts'
import { extension, fragment } from '../../wire/packet.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { wordsOfAddress } from '../answer-sources.ts'
import { HELD_PER_SECOND, LIFE } from '../path-fragment.ts'
import { client, own, someKeys } from './fixture.ts'
import { PORT, targets } from './nat-fixtures.ts'
import { made } from './nat-flows.ts'
import type { NatStep, NatStory } from './nat-story.ts'
import { datagram, six, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

const tag: EtherFields = { tags: [{ id: 7 }] }
const tags: EtherFields = { tags: [{ tpid: 0x88a8, id: 7 }, { id: 8 }] }

const open: NatStep = { send: syn(), to: 1, events: made }
const openPort: NatStep = { ...open, port: PORT }
const openUdp: NatStep = { send: datagram(), to: 1, port: PORT, events: made }
const open6: NatStep = { send: six(syn()), to: 1, port: PORT, events: made }
const openUdp6: NatStep = { send: six(datagram()), to: 1, events: made }

const story = (name: string, fixture: NatStory['fixture'], ...steps: readonly NatStep[]): NatStory => ({
  name: `nat, on the way back: ${name}`,
  fixture,
  steps,
})

/** pieces: an answer of UDP or TCP in two parts. */
export function pieces(parts: Parts): readonly [first: Parts, later: Parts] {
  const behind = new Uint8Array(24).fill(0xee)
  const number = parts.udp ? 17 : 6
  if (!parts.ip6)
    return [
      { ...parts, ip: { moreFragments: true, identification: 7 } },
      { ...parts, ip: { fragmentOffset: 185, identification: 7, protocol: number }, behind },
    ]
  const of = (fields: Parameters<typeof fragment>[0]) => [fragment({ identification: 7, ...fields })]
  return [
    { ...parts, extensions: of({ more: true }) },
    { ...parts, extensions: of({ offset: 181, nextHeader: number }), behind },
  ]
}

interface Kind {
  readonly name: string
  readonly fixture: NatStory['fixture']
  readonly asks: NatStep
  readonly answer: Parts
}
const kinds: readonly Kind[] = [
  { name: 'TCP', fixture: 'nat', asks: open, answer: {} },
  { name: 'TCP, jumbo', fixture: 'nat-jumbo', asks: open, answer: {} },
  {
    name: 'TCP at a port of its own',
    fixture: 'nat-port',
    asks: openPort,
    answer: { tcp: { source: PORT } },
  },
  { name: 'UDP', fixture: 'nat-udp', asks: openUdp, answer: { udp: { source: PORT } } },
  { name: 'TCP of IPv6', fixture: 'nat-six', asks: open6, answer: six({ tcp: { source: PORT } }) },
  { name: 'UDP of IPv6', fixture: 'nat-six-udp', asks: openUdp6, answer: six({ udp: {} }) },
  { name: 'TCP among all', fixture: 'nat-mixed', asks: openPort, answer: { tcp: { source: PORT } } },
  {
    name: 'UDP among all',
    fixture: 'nat-mixed',
    asks: { send: datagram(), to: 1, service: 1, events: made },
    answer: { udp: {} },
  },
  {
    name: 'UDP of IPv6 in tables',
    fixture: 'nat-tabled',
    asks: { send: six(datagram()), to: 2, service: 3, port: PORT, events: made },
    answer: six({ udp: { source: PORT } }),
  },
  {
    name: 'TCP of IPv6 in tables',
    fixture: 'nat-tabled',
    asks: { send: six(syn()), to: 2, service: 2, events: made },
    answer: six({}),
  },
]
const fromOf = ({ asks }: Kind) => asks.to as 1 | 2
const again = (parts: Parts): Parts => ({ ...parts, ether: { ...parts.ether, source: own } })

const tagged = kinds.flatMap((kind) =>
  [tag, tags].map((outer) =>
    story(
      `${kind.name}: an answer behind ${outer.tags!.length === 1 ? 'a tag' : 'two tags'}`,
      kind.fixture,
      { ...kind.asks, send: { ...kind.asks.send, ether: outer } },
      {
        at: 1_001,
        answer: { ...kind.answer, ether: outer, payload: 'answer' },
        to: 'client',
        from: fromOf(kind),
      },
    ),
  ),
)

const inFragments = kinds.flatMap((kind) => {
  const [first, later] = pieces(kind.answer)
  const from = fromOf(kind)
  const goes = (answer: Parts, rest: Partial<NatStep> = {}): NatStep => ({
    answer,
    from,
    to: 'client',
    ...rest,
  })
  const copied = (answer: Parts, rest: Partial<NatStep> = {}): NatStep => ({
    ...goes(answer, rest),
    to: 'fragment-copied',
  })
  return [
    story(
      `${kind.name}: a later fragment goes where its first went`,
      kind.fixture,
      kind.asks,
      copied(later),
      goes(first),
      goes(later),
      goes(later, { at: 1_000 + LIFE }),
      copied(later, { at: 1_001 + LIFE }),
    ),
    story(
      `${kind.name}: the daemon runs a later fragment again`,
      kind.fixture,
      kind.asks,
      copied(later),
      { ...goes(again(later)), to: 'no-listener' },
      goes(first),
      goes(again(later)),
    ),
    story(
      `${kind.name}: fragments in tagged frames`,
      kind.fixture,
      kind.asks,
      goes({ ...first, ether: tag }),
      goes({ ...later, ether: tag }),
    ),
  ]
})

const [firstUdp, laterUdp] = pieces({ udp: { source: PORT } })
const [firstTcp, laterTcp] = pieces({ tcp: { source: PORT, flags: tcpFlag.FIN | tcpFlag.ACK } })
const stranger = { source: '10.1.2.99' }
const strangerTo = (parts: Parts): Parts => ({ ...parts, ip: { ...parts.ip, ...stranger } })

/** Identifications by which first fragments of the stranger have the place of the server's: the upper 12 bits of `f`. */
function neighbours(count: number): number[] {
  const multipliers = splitMultipliers(BigUint64Array.from([0, 1, 2, 4], (key) => someKeys[key]!))
  const word = (address: string) => wordsOfAddress(parseIp(address))[0]!
  const placeOf = (source: string, identification: number) => {
    const id = (identification >> 8) | ((identification & 0xff) << 8) | (17 << 16)
    return hashWords(multipliers, 0, [word(source), id, word(client)]) >>> 20
  }
  const place = placeOf(targets[0], 7)
  const all = Array.from({ length: 0x10000 }, (_, id) => id)
  return all.filter((id) => placeOf(stranger.source, id) === place).slice(0, count)
}

const fragments: readonly NatStory[] = [
  story(
    'fragments of whoever is no server push none out',
    'nat-udp',
    openUdp,
    { answer: firstUdp, to: 'client' },
    ...neighbours(2).map(
      (identification): NatStep => ({
        answer: strangerTo({ ...firstUdp, ip: { ...firstUdp.ip, identification } }),
        to: 'no-listener',
      }),
    ),
    { answer: laterUdp, to: 'client' },
  ),
  story(
    'a first fragment refreshes the record, a later one does not',
    'nat-udp',
    openUdp,
    { at: 1_005, answer: firstUdp, to: 'client', kept: ['established 1'] },
    { at: 1_009, answer: laterUdp, to: 'client', kept: ['established 1 @1005'] },
  ),
  story(
    'a first fragment with FIN closes, and the later one follows',
    'nat-port',
    openPort,
    { answer: firstTcp, to: 'client', kept: ['closed 1'] },
    { answer: laterTcp, to: 'client', kept: ['closed 1'] },
  ),
  story(
    'fragments that nobody has asked for pass, and are not copied when their first came first',
    'nat-udp',
    { answer: laterUdp, to: 'fragment-copied' },
    { answer: firstUdp, to: 'no-listener' },
    { answer: laterUdp, to: 'no-listener' },
  ),
  story(
    'fragments of whoever is no server pass, and are not remembered',
    'nat-udp',
    openUdp,
    { answer: strangerTo(laterUdp), to: 'no-listener' },
    { answer: strangerTo(firstUdp), to: 'no-listener' },
    { answer: strangerTo(laterUdp), to: 'no-listener' },
  ),
  story(
    'a later fragment of another datagram does not follow',
    'nat-udp',
    openUdp,
    { answer: firstUdp, to: 'client' },
    { answer: { ...laterUdp, ip: { ...laterUdp.ip, identification: 8 } }, to: 'fragment-copied' },
    { answer: { ...laterUdp, ip: { ...laterUdp.ip, source: targets[1] } }, to: 'fragment-copied' },
  ),
  story(
    'fragments whose TTL has run out',
    'nat-udp',
    openUdp,
    { answer: { ...firstUdp, ip: { ...firstUdp.ip, ttl: 1 } }, to: 'ttl' },
    { answer: { ...laterUdp, ip: { ...laterUdp.ip, ttl: 1 } }, to: 'ttl' },
    { answer: laterUdp, to: 'client' },
  ),
  story('a fragment that starts within a TCP header passes', 'nat-port', openPort, {
    answer: { ...laterTcp, ip: { ...laterTcp.ip, fragmentOffset: 2 } },
    to: 'no-listener',
  }),
  story(
    `${HELD_PER_SECOND} a second are copied`,
    'nat-udp',
    { at: 1_008, send: datagram(), to: 1, port: PORT, events: made },
    ...Array.from({ length: HELD_PER_SECOND }, (): NatStep => ({ answer: laterUdp, to: 'fragment-copied' })),
    { answer: laterUdp, to: 'no-listener' },
    { at: 1_024, answer: laterUdp, to: 'fragment-copied' },
  ),
  story('a later fragment that is longer than the daemon takes is not copied', 'nat-udp', openUdp, {
    answer: { ...laterUdp, behind: new Uint8Array(2_040) },
    to: 'no-listener',
  }),
]

const headers: readonly NatStory[] = [
  story('an answer with extension headers', 'nat-six', open6, {
    answer: six({ tcp: { source: PORT }, extensions: [extension(ipv6Next.DSTOPTS)] }),
    to: 'client',
  }),
  story('an answer with options, of a TTL of its own', 'nat', open, {
    answer: { ip: { options: new Uint8Array(8).fill(1), ttl: 2 } },
    to: 'client',
  }),
  story('a tagged answer whose TTL has run out', 'nat', open, {
    answer: { ip: { ttl: 1 }, ether: tag },
    to: 'ttl',
    at: 1_009,
    kept: ['syn 1 @1000'],
  }),
  story('a tagged FIN closes', 'nat', open, {
    answer: { tcp: { flags: tcpFlag.FIN | tcpFlag.ACK }, ether: tag },
    to: 'client',
    kept: ['closed 1'],
  }),
  story('a tagged answer that nobody knows', 'nat', { answer: { ether: tag }, to: 'no-listener' }),
  story('a tagged answer without UDP checksum', 'nat-udp', openUdp, {
    answer: { udp: { source: PORT, checksum: 0 }, ether: tag },
    to: 'client',
  }),
]

/** natPieceStories. */
export const natPieceStories: readonly NatStory[] = [...tagged, ...inFragments, ...fragments, ...headers]
