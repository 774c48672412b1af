// Sources that are asked to prove that they are real: who gets through, and what attackers try instead.

import { isIp4, parseIp } from '../../base/addresses.ts'
import { ip6Bytes } from '../../wire/ipv6.ts'
import type { TcpFields } from '../../wire/layer.ts'
import { ether, extension, ipv4, ipv6, packet, tcp } from '../../wire/packet.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { challengeNumber, cookieOf } from '../proof-cookie.ts'
import { proofSecrets } from '../proof-secrets.ts'
import { client, client6, own, router, vip, vip6 } from './fixture.ts'
import { type FixtureName, fixtures } from './fixtures.ts'
import { PROOF } from './fixtures-proof.ts'
import { at, outcomeAt, type Sequence, type Step } from './sequence.ts'
import { forwards, frameOf, type Parts } from './vector.ts'

const { SYN, ACK, RST, FIN, PSH } = tcpFlag
/** Jiffies: an epoch of cookies, a second and a tick of the fixtures' clock. */
export const [EPOCH, SECOND, TICK] = [1_024, 256, 16]
const HOLD = Math.ceil((PROOF.holdS * 250) / TICK) * TICK
const REMEMBER = Math.ceil((PROOF.rememberS * 250) / TICK) * TICK
/** A second's SYNs, in windows of 256 jiffies. */
const [ABOVE, BELOW] = [PROOF.above, PROOF.below].map((rate) => Math.floor((rate * SECOND) / 250)) as [
  number,
  number,
]
export const START = 7 * EPOCH
/** ASKING: the port of the service that always asks for proof. */
const ASKING = 81
const ISN = 0x9abcdef0

const bytesOf = (address: string): Uint8Array => {
  const ip = parseIp(address)
  return isIp4(ip) ? Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip) : ip6Bytes(ip)
}

/** portsOf parts, and their addresses. */
const facts = ({ ip, ip6, tcp: segment }: Parts) => ({
  source: ip6 ? String(ip6.source ?? client6) : String(ip?.source ?? client),
  destination: ip6 ? String(ip6.destination ?? vip6) : String(ip?.destination ?? vip),
  from: segment?.source ?? 40_000,
  to: segment?.destination ?? 80,
  sequence: segment?.sequence ?? 0,
})

/** numberOf the challenge to a SYN at a time. */
function numberOf(fixture: FixtureName, now: number, parts: Parts): number {
  const { source, destination, from, to, sequence } = facts(parts)
  const { cookie } = proofSecrets(fixtures[fixture].tables.keys)
  const ports = Uint8Array.of(from >> 8, from & 0xff, to >> 8, to & 0xff)
  const opening = { client: bytesOf(source), address: bytesOf(destination), ports }
  return challengeNumber(sequence, cookieOf(cookie, opening, Math.floor(now / EPOCH)))
}

/** challenges: the SYN is answered with the ACK, assembled anew. */
export function challenges(fixture: FixtureName, now: number, parts: Parts): Step {
  const { source, destination, from, to, sequence } = facts(parts)
  const { ether: outer } = parts
  const frame = packet(
    ether({ ...outer, destination: outer?.source ?? router, source: own }),
    parts.ip6
      ? ipv6({ source: destination, destination: source, hopLimit: 64 })
      : ipv4({ source: destination, destination: source, ttl: 64, dontFragment: true, identification: 0 }),
    tcp({
      source: to,
      destination: from,
      sequence,
      acknowledgment: numberOf(fixture, now, parts),
      flags: ACK,
      window: 0xffff,
    }),
  )
  return { now, frame: frameOf(parts), expected: { outcome: 'challenged', frame } }
}

export const syn = (segment: TcpFields = {}, parts: Parts = {}): Parts => ({
  ...parts,
  tcp: { destination: ASKING, sequence: ISN, ...segment },
})
const six = (parts: Parts): Parts => ({ ...parts, ip6: parts.ip6 ?? {} })
/** rst of a client: with the number of the challenge to its SYN at a time. */
export const rst = (fixture: FixtureName, of: number, parts: Parts, segment: TcpFields = {}): Parts => {
  const { options: _, ...rest } = parts.tcp ?? {}
  return {
    ...parts,
    tcp: { ...rest, flags: RST, sequence: numberOf(fixture, of, parts), window: 0, ...segment },
  }
}
export const goes = (fixture: FixtureName, now: number, parts: Parts, service = 1): Step =>
  // what nat makes of it is told elsewhere
  fixture === 'proof-nat'
    ? outcomeAt(now, frameOf(parts), 'forwarded')
    : at(now, forwards('goes', parts, { fixture, service }))
export const refused = (now: number, parts: Parts): Step => outcomeAt(now, frameOf(parts), 'challenged')
export const taken = (now: number, parts: Parts): Step => outcomeAt(now, frameOf(parts), 'proven')

/** handshake: a SYN is challenged, its client's RST taken, its SYN goes to the server. */
export const handshake = (fixture: FixtureName, now: number, parts: Parts): Step[] => [
  challenges(fixture, now, parts),
  taken(now + 1, rst(fixture, now, parts)),
  goes(fixture, now + 3, parts),
]

/** SYNs of other systems: options, and when what was not answered is sent again (seconds). */
const systems: readonly (readonly [name: string, segment: TcpFields, again: number])[] = [
  [
    'Linux',
    { window: 64_240, options: Uint8Array.of(2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7) },
    0.01,
  ],
  ['Windows 11', { window: 64_240, options: Uint8Array.of(2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2) }, 1],
  ['Windows 7', { window: 8_192, options: Uint8Array.of(2, 4, 5, 180, 1, 3, 3, 2, 1, 1, 4, 2) }, 3],
  [
    'macOS',
    {
      window: 65_535,
      flags: SYN | 0xc0,
      options: Uint8Array.of(2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 9, 8, 7, 6, 0, 0, 0, 0, 4, 2, 0, 0),
    },
    1,
  ],
  [
    'FreeBSD',
    { window: 65_535, options: Uint8Array.of(2, 4, 5, 180, 1, 3, 3, 6, 4, 2, 8, 10, 1, 1, 1, 1, 0, 0, 0, 0) },
    1,
  ],
  [
    'OpenBSD',
    {
      window: 16_384,
      options: Uint8Array.of(2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 6, 1, 1, 8, 10, 2, 2, 2, 2, 0, 0, 0, 0),
    },
    1,
  ],
  ['an old system without options', { window: 4_096 }, 3],
]

export const several = (count: number, one: (parts: Parts) => Step): Step[] =>
  Array.from({ length: count }, (_, i) =>
    one({ ip: { source: `198.51.${i >> 8}.${i & 0xff}` }, tcp: { sequence: ISN + i } }),
  )

export const sequence = (name: string, fixture: FixtureName, steps: readonly Step[]): Sequence => ({
  name: `proof: ${name}`,
  fixture,
  steps,
})
const names = Object.keys(fixtures).filter((name) => name.startsWith('proof')) as FixtureName[]
const has = (fixture: FixtureName, family: 4 | 6): boolean =>
  fixtures[fixture].shape.listeners.some(({ address }) => isIp4(address) === (family === 4))

/** proofSequences. */
export const proofSequences: readonly Sequence[] = [
  ...names.flatMap((fixture) =>
    ([4, 6] as const)
      .filter((family) => has(fixture, family))
      .map((family) =>
        sequence(`a client proves itself and connects, IPv${family}, ${fixture}`, fixture, [
          ...handshake(fixture, START, family === 4 ? syn() : six(syn())),
          // from another port, an hour is not over
          goes(fixture, START + 9, family === 4 ? syn({ source: 40_001 }) : six(syn({ source: 40_001 }))),
        ]),
      ),
  ),
  ...systems.map(([name, segment, again]) =>
    sequence(`the SYN of ${name} is challenged, and goes as it is when it comes again`, 'proof', [
      challenges('proof', START, syn(segment)),
      taken(START + 1, rst('proof', START, syn(segment))),
      goes('proof', START + 2 + Math.round(250 * again), syn(segment)),
    ]),
  ),
  ...[[{ id: 7 }], [{ id: 7, tpid: 0x88a8 }, { id: 9 }]].map((tags, i) =>
    sequence(`behind ${i + 1} tags, which stay`, 'proof', [
      ...handshake('proof', START, syn({}, { ether: { tags } })),
      ...handshake('proof', START, six(syn({}, { ether: { tags } }))),
    ]),
  ),
  sequence('IP options and extension headers are gone from the answer', 'proof', [
    challenges('proof', START, syn({}, { ip: { options: Uint8Array.of(148, 4, 0, 0) } })),
    challenges('proof', START, six(syn({}, { extensions: [extension(60)] }))),
  ]),
  sequence('data in a SYN is gone from the answer', 'proof', [
    challenges('proof', START, syn({}, { payload: new Uint8Array(600).fill(7) })),
    challenges('proof', START, six(syn({}, { payload: 'abc', trailer: new Uint8Array(7) }))),
  ]),
  sequence('the answer goes to where the frame came from', 'proof', [
    challenges('proof', START, syn({}, { ether: { source: '02:00:5e:10:20:30' } })),
  ]),
  sequence('a proof is taken in its epoch and in the next', 'proof', [
    refused(START + EPOCH - 1, syn()),
    taken(START + EPOCH, rst('proof', START + EPOCH - 1, syn())),
    goes('proof', START + EPOCH, syn()),
  ]),
  sequence('an old proof replayed is none', 'proof', [
    refused(START, syn()),
    goes('proof', START + 2 * EPOCH, rst('proof', START, syn())),
    refused(START + 2 * EPOCH, syn()),
  ]),
  sequence('a proof of another port, address or service is none', 'proof', [
    refused(START, syn()),
    goes('proof', START, rst('proof', START, syn(), { source: 40_001 })),
    goes('proof', START, { ...rst('proof', START, syn()), ip: { source: '198.51.100.8' } }),
    refused(START, syn({}, { ip: { source: '198.51.100.8' } })),
    goes(
      'proof',
      START,
      { ...rst('proof', START, syn()), ip: {}, tcp: { ...rst('proof', START, syn()).tcp, destination: 80 } },
      0,
    ),
    refused(START, syn()),
  ]),
  sequence('every bit of a guess but the last is right', 'proof', [
    ...Array.from({ length: 31 }, (_, bit) => {
      const number = (numberOf('proof', START, syn()) ^ (1 << bit)) >>> 0
      return goes('proof', START, rst('proof', START, syn(), { sequence: number }))
    }),
    refused(START, syn()),
  ]),
  sequence('the number of a SYN without its client’s own is as good: bit 31 is not the cookie’s', 'proof', [
    taken(
      START,
      rst('proof', START, syn(), { sequence: (numberOf('proof', START, syn()) ^ 0x8000_0000) >>> 0 }),
    ),
  ]),
  sequence('a RST with ACK and data proves as well', 'proof', [
    taken(START, rst('proof', START, syn(), { flags: RST | ACK })),
    goes('proof', START, syn()),
  ]),
  sequence('who is real but not proven any more proves itself again', 'proof', [
    ...handshake('proof', START, syn()),
    goes('proof', START + REMEMBER, syn()),
    refused(START + REMEMBER + 2 * TICK, syn()),
    ...handshake('proof', START + REMEMBER + 3 * TICK, syn()),
  ]),
  sequence('a /64 is proven by any address of it, and no other', 'proof', [
    ...handshake('proof', START, six(syn())),
    goes('proof', START, syn({}, { ip6: { source: '2001:db8:ffff:0:1:2:3:4' } })),
    refused(START, syn({}, { ip6: { source: '2001:db8:ffff:1::7' } })),
    refused(START, syn({}, { ip6: { source: '2001:db8:ffff:400::7' } })),
    refused(START, syn({}, { ip6: { source: '2001:db8:ffff:4::7' } })),
  ]),
  sequence('who is allowed proves itself, who is denied is not asked', 'proof', [
    refused(START, syn({}, { ip: { source: '203.0.113.5' } })),
    outcomeAt(START, frameOf(syn({}, { ip: { source: '198.18.0.5' } })), 'denied'),
    outcomeAt(START, frameOf(rst('proof', START, syn({}, { ip: { source: '198.18.0.5' } }))), 'denied'),
  ]),
  sequence('what opens nothing is not asked, and what does is, whatever its other flags', 'proof', [
    ...[ACK, PSH | ACK, FIN | ACK, SYN | ACK, FIN, 0, RST, RST | ACK, SYN | RST].map((flags) =>
      goes('proof', START, syn({ flags })),
    ),
    ...[SYN, SYN | PSH, SYN | FIN, SYN | 0xc0].map((flags) => challenges('proof', START, syn({ flags }))),
  ]),
  sequence('a SYN in a first fragment is asked; what follows of it is its flow’s', 'proof', [
    refused(START, syn({}, { ip: { moreFragments: true, identification: 5 }, payload: new Uint8Array(12) })),
  ]),
  sequence('a service that never asks asks nobody', 'proof', [
    ...several(3 * ABOVE, (parts) =>
      goes('proof', START, { ...parts, tcp: { ...parts.tcp, destination: 82 } }, 2),
    ),
    goes('proof', START, rst('proof', START, syn({ destination: 82 })), 2),
  ]),
  sequence(
    'a service asks by itself above its threshold, at once, and until its time to hold is over',
    'proof',
    [
      ...several(ABOVE, (parts) => goes('proof', START, parts, 0)),
      challenges('proof', START, { tcp: { sequence: ISN } }),
      // a second with as many as it has to fall below: it goes on
      ...several(BELOW + 1, (parts) => challenges('proof', START + SECOND, parts)),
      challenges('proof', START + SECOND + HOLD - TICK, { tcp: { sequence: ISN } }),
      goes('proof', START + SECOND + HOLD, { tcp: { sequence: ISN } }, 0),
      // the other services are none of its business
      goes('proof', START, { tcp: { destination: 82 } }, 2),
    ],
  ),
  sequence('a second at the threshold is none above it', 'proof', [
    ...[0, 1, 2].flatMap((second) =>
      several(ABOVE, (parts) => goes('proof', START + second * SECOND, parts, 0)),
    ),
  ]),
  sequence('in peace a RST that would prove its source goes to its server', 'proof', [
    goes('proof', START, rst('proof', START, { tcp: { sequence: ISN } }), 0),
  ]),
  sequence('proven sources are not counted: many of them are no flood', 'proof', [
    ...handshake('proof', START, syn()),
    ...Array.from({ length: 3 * ABOVE }, (_, i) => goes('proof', START, { tcp: { source: 1_000 + i } }, 0)),
  ]),
  sequence('a TTL that has run out is told first', 'proof', [
    outcomeAt(START, frameOf(syn({}, { ip: { ttl: 1 } })), 'time-exceeded'),
  ]),
]
