// What a packet of an attack looks like, as plain data: a frame, which of its bits are random in each packet, and what its
// checksums add up from. The program that sends them (attack-program.ts) is made of it. Left out: attacks that are
// connections (slow-attack.ts).
//
// Sources are of the networks for benchmarks (RFC 2544: 198.18.0.0/15; RFC 5180: 2001:2::/48), which nobody has: the first half
// of them is nobody's, and what is answered there ends at the switch; of the second half some are the attacker's own.

import { formatIp, type Ip, isIp4, parseIp } from '../base/addresses.ts'
import { foldSum, pseudoHeaderSum, sumWords } from '../wire/checksum.ts'
import { ipProtocol } from '../wire/ipv4.ts'
import type { Layer } from '../wire/layer.ts'
import { ether, ipv4, ipv6, packet, tcp, udp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'

/** FLOODS: attacks of packets, by the words of the command. */
export const FLOODS = ['syn', 'syn-spoofed', 'udp', 'ack', 'carpet'] as const
export type Flood = (typeof FLOODS)[number]

/** Sources: of an attack; `bits` of the address, from its end, are random. */
export interface Sources {
  readonly address: string
  readonly bits: number
}

/** NOBODYS: sources that are nobody's: 65,536, and 2^79. OWN: what the attacker has: 256 of each family. */
export const NOBODYS: Readonly<Record<4 | 6, Sources>> = {
  4: { address: '198.18.0.0', bits: 16 },
  6: { address: '2001:2::', bits: 79 },
}
export const OWN: Readonly<Record<4 | 6, Sources>> = {
  4: { address: '198.19.0.0', bits: 8 },
  6: { address: '2001:2:0:8000::', bits: 8 },
}

/** ownAddresses: so many of the attacker's own, 255 at most. */
export const ownAddresses = (family: 4 | 6, count: number): string[] =>
  Array.from({ length: count }, (_, i) => formatIp(plus(parseIp(OWN[family].address), i + 1)))

const plus = (ip: Ip, more: number): Ip => (isIp4(ip) ? ip + more : ip + BigInt(more)) as Ip

/** Shape: of the packets. Absent: what a Linux client would send, from the attacker's own addresses. */
export interface Shape {
  readonly flood: Flood
  /** TCP's; absent = 64240. */
  readonly window?: number
  /** noOptions: of TCP; a SYN has MSS, SACK permitted, timestamps and a window scale otherwise. */
  readonly noOptions?: boolean
  /** spoof: from addresses that are nobody's; syn-spoofed and carpet always. */
  readonly spoof?: boolean
  /** sources: instead of both. */
  readonly sources?: Sources
  /** Bytes of UDP's payload; absent = 64. */
  readonly payload?: number
}

/** Target: `address`, `port`: of the service; MACs: from whom, to whom. */
export interface Target {
  readonly address: string
  readonly port: number
  readonly from: string
}

/** Varied: 16 bits of the frame, from an even offset on, of which those of `mask` (as on the wire) are random. */
export interface Varied {
  readonly at: number
  readonly mask: number
}

/** Sum: a checksum of the frame: where it is, what all that is not random adds up to, and where what it covers begins. */
export interface Sum {
  readonly at: number
  readonly start: number
  readonly covers: (at: number) => boolean
}

/** AttackFrame: random bits and checksums are 0 in `frame`, and so is the MAC that it goes to, its first 6 bytes. */
export interface AttackFrame {
  readonly frame: Uint8Array
  readonly varied: readonly Varied[]
  readonly sums: readonly Sum[]
}

/** Where headers begin, and fields in them (RFC 791, RFC 8200, RFC 9293, RFC 768). */
const IP = 14
const [IP_CHECKSUM, SOURCE, SOURCE6] = [IP + 10, IP + 12, IP + 8]
const [SEQUENCE, ACKNOWLEDGMENT, TCP_CHECKSUM, UDP_CHECKSUM] = [4, 8, 16, 6]
/** Of a Linux client's SYN: MSS 1460, SACK permitted, timestamps, window scale 7. */
const OPTIONS = Uint8Array.of(2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7)
/** CARPET: random bits of the destination and of its port: all of a /24, ports below 1024. */
const CARPET = { addressBits: 8, portMask: 0x03ff } as const

/** attackFrame: of an attack on a target. Throws ADDRESS_INVALID. */
export function attackFrame(shape: Shape, target: Target): AttackFrame {
  const { address, port, from } = target
  const destination = parseIp(address)
  const family = isIp4(destination) ? 4 : 6
  const isCarpet = shape.flood === 'carpet'
  const sources = sourcesOf(shape, family)
  const upper = upperLayer(shape, isCarpet ? 0 : port)
  const aimed = isCarpet ? cleared(destination, CARPET.addressBits) : destination
  const source = cleared(parseIp(sources.address), sources.bits)
  const ip: Layer =
    family === 4
      ? ipv4({ source: formatIp(source), destination: formatIp(aimed), checksum: 0 })
      : ipv6({ source: formatIp(source), destination: formatIp(aimed) })
  const payload = shape.flood === 'udp' ? new Uint8Array(shape.payload ?? 64) : ''
  const frame = packet(ether({ source: from }), ip, upper, payload)
  const [start, sourceAt] = family === 4 ? [IP + 20, SOURCE] : [IP + 40, SOURCE6]
  const addressBytes = family === 4 ? 4 : 16
  const isTcp = shape.flood !== 'udp'
  const checksumAt = start + (isTcp ? TCP_CHECKSUM : UDP_CHECKSUM)
  const randomWords = isTcp ? [SEQUENCE, SEQUENCE + 2] : []
  const acknowledged = shape.flood === 'ack' ? [ACKNOWLEDGMENT, ACKNOWLEDGMENT + 2] : []
  const varied = [
    ...lowBits(sourceAt, addressBytes, sources.bits),
    ...(isCarpet ? lowBits(sourceAt + addressBytes, addressBytes, CARPET.addressBits) : []),
    { at: start, mask: 0xffff },
    ...(isCarpet ? [{ at: start + 2, mask: CARPET.portMask }] : []),
    ...[...randomWords, ...acknowledged].map((at) => ({ at: start + at, mask: 0xffff })),
  ]
  const segment = frame.subarray(start)
  const protocol = isTcp ? ipProtocol.TCP : ipProtocol.UDP
  const sums: readonly Sum[] = [
    ...(family === 4
      ? [
          {
            at: IP_CHECKSUM,
            start: sumWords(frame.subarray(IP, start)),
            covers: (at: number) => at < start,
          },
        ]
      : []),
    {
      at: checksumAt,
      start: foldSum(pseudoHeaderSum(source, aimed, protocol, segment.length) + sumWords(segment)),
      covers: () => true,
    },
  ]
  return { frame, varied, sums }
}

/** sourcesOf: where the packets seem to come from. */
export function sourcesOf({ flood, spoof, sources }: Shape, family: 4 | 6): Sources {
  const isSpoofed = spoof ?? (flood === 'syn-spoofed' || flood === 'carpet')
  return sources ?? (isSpoofed ? NOBODYS : OWN)[family]
}

function upperLayer({ flood, window = 64_240, noOptions = false }: Shape, port: number): Layer {
  const ends = { source: 0, destination: port, checksum: 0 }
  switch (flood) {
    case 'udp':
      return udp(ends)
    case 'ack':
      return tcp({ ...ends, window, flags: tcpFlag.ACK })
    case 'syn':
    case 'syn-spoofed':
    case 'carpet':
      return tcp({ ...ends, window, flags: tcpFlag.SYN, ...(!noOptions && { options: OPTIONS }) })
    default:
      return flood satisfies never
  }
}

/** cleared: an address whose last bits are 0. */
const cleared = (ip: Ip, bits: number): Ip =>
  (isIp4(ip)
    ? Number((BigInt(ip) >> BigInt(bits)) << BigInt(bits))
    : (ip >> BigInt(bits)) << BigInt(bits)) as Ip

/** lowBits: the last bits of a field, as the words that have any of them. */
function lowBits(at: number, length: number, bits: number): readonly Varied[] {
  const words: Varied[] = []
  for (let left = bits, end = at + length - 2; left > 0; left -= 16, end -= 2)
    words.push({ at: end, mask: 2 ** Math.min(16, left) - 1 })
  return words
}
