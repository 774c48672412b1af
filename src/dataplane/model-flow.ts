// What the model finds in a packet: docs/packet-path.md, steps 6 to 10, F1 to F3 and E1 to E3, on bytes: whose packet it is to
// what, by which protocol; of fragments and errors, what flow they belong to.

import type { Protocol } from '../base/addresses.ts'

/** HEADER: so long is a transport header at least. */
export const HEADER: Readonly<Record<Protocol, number>> = { tcp: 20, udp: 8 }
const IPPROTO_ICMP = 1
const IPPROTO_ICMPV6 = 58
const EXTENSIONS = 6

/** be16, le32: a word of a frame. */
export const be16 = (frame: Uint8Array, at: number): number => frame[at]! * 0x100 + frame[at + 1]!
export const le32 = (frame: Uint8Array, at: number): number =>
  frame[at]! + frame[at + 1]! * 0x100 + frame[at + 2]! * 0x10000 + frame[at + 3]! * 0x1000000

/** The bytes of an extension header of IPv6 that is passed over, if `next` is one. */
function extensionLength(next: number, second: number): number | undefined {
  if (next === 0 || next === 43 || next === 60) return 8 * (second + 1)
  if (next === 44) return 8
  return next === 51 ? 4 * (second + 2) : undefined
}

/** Flow: what steps 6 to 9, or E1 to E3, find: of whom to what, by which protocol. */
export interface Flow {
  readonly protocol: Protocol
  /** Where the client's address is in the frame. */
  readonly client: number
  /** The client's port and the service's, as in a packet of the client. */
  readonly ports: readonly [number, number]
  /** The frame's bytes up to here must be within what the IP header says. */
  readonly end: number
  /** The sender is told nothing when TTL or hop limit has run out. */
  readonly isSilent: boolean
  /** The flags of its segment. */
  readonly flags?: number
  /** It only belongs to the flow: an error about it, or a later fragment. */
  readonly isPeek?: true
  /** Of an error: where the IP header is that it quotes. */
  readonly quoted?: number
  /** A first fragment: the hash by which later ones find it. */
  readonly first?: number
}
type Found = Flow | 'malformed' | 'other-protocol' | Unreadable
/** Unreadable: no ports; `later` is a fragment whose first has not come. */
export type Unreadable = 'truncated' | 'tiny-fragment' | 'fragment' | 'later'
/** Part: a fragment: at which byte of the whole it begins, where its own bytes are, how it is found. */
interface Part {
  readonly offset: number
  readonly at: number
  readonly hash: number
}
/** Protocols: listeners' protocols by number, whether there are IPv4 listeners; what was remembered of fragments. */
export interface Protocols {
  readonly recall: (hash: number) => number
  readonly hash: (words: readonly number[]) => number
  readonly get: (number: number) => Protocol | undefined
  readonly hasIpv4: boolean
}

/** 10: the flow whose transport header is at `at`, which the frame has, or not. */
function flowAt(
  frame: Uint8Array,
  at: number,
  protocol: Protocol,
  client: number,
  isSilent: boolean,
): Flow | 'truncated' {
  const end = at + HEADER[protocol]
  if (frame.length < end) return 'truncated'
  const ports = [be16(frame, at), be16(frame, at + 2)] as const
  return { protocol, client, ports, end, isSilent, ...(protocol === 'tcp' && { flags: frame[at + 13]! }) }
}

/** E3: the flow of an answer that is quoted, with its transport header at `at`. */
function quotedFlow(
  frame: Uint8Array,
  at: number,
  protocol: Protocol | undefined,
  client: number,
  quoted: number,
): Flow | 'other-protocol' {
  if (protocol === undefined || frame.length < at + 8) return 'other-protocol'
  const ports = [be16(frame, at + 2), be16(frame, at)] as const
  return { protocol, client, ports, end: at + 8, isSilent: true, isPeek: true, quoted }
}

const isEqual = (frame: Uint8Array, a: number, b: number, length: number): boolean =>
  frame.subarray(a, a + length).every((octet, i) => octet === frame[b + i])

/** F1 to F3: a fragment, whose transport header would be at `at`. */
function fragmentFlow(
  frame: Uint8Array,
  { offset, at, hash }: Part,
  { get, recall }: Protocols,
  number: number,
  client: number,
): Found {
  const protocol = get(number)
  if (protocol === undefined) return 'other-protocol'
  if (offset === 0) {
    const flow = flowAt(frame, at, protocol, client, true)
    return flow === 'truncated' ? 'tiny-fragment' : { ...flow, first: hash }
  }
  if (protocol === 'tcp' && offset < HEADER.tcp) return 'tiny-fragment'
  const word = recall(hash)
  if (word === 0) return 'later'
  const [a, b, c, d] = [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]
  return {
    protocol,
    client,
    ports: [a * 0x100 + b, c * 0x100 + d],
    end: at + 1,
    isSilent: true,
    isPeek: true,
  }
}

export function flowOf4(frame: Uint8Array, ip: number, protocols: Protocols): Found {
  // 6
  const ihl = frame[ip]! & 0xf
  if (frame[ip]! >> 4 !== 4 || ihl < 5) return 'malformed'

  // 7
  if (frame[ip + 9] === IPPROTO_ICMP && protocols.hasIpv4)
    return quotedFlow4(frame, ip, ip + 4 * ihl, protocols)
  const protocol = protocols.get(frame[ip + 9]!)
  if (protocol === undefined) return 'other-protocol'

  // 8: bit 13 of the word is MF, below it is the offset
  const word = be16(frame, ip + 6)
  if ((word & 0x3fff) !== 0) {
    const id = frame[ip + 4]! + frame[ip + 5]! * 0x100 + frame[ip + 9]! * 0x10000
    const hash = protocols.hash([le32(frame, ip + 12), id, le32(frame, ip + 16)])
    const part = { offset: 8 * (word & 0x1fff), at: ip + 4 * ihl, hash }
    return fragmentFlow(frame, part, protocols, frame[ip + 9]!, ip + 12)
  }

  // 9
  return flowAt(frame, ip + 4 * ihl, protocol, ip + 12, false)
}

function quotedFlow4(frame: Uint8Array, ip: number, at: number, protocols: Protocols): Found {
  // E1
  if ((be16(frame, ip + 6) & 0x3fff) !== 0) return 'other-protocol'
  if (frame.length < at + 28 || ![3, 11, 12].includes(frame[at]!)) return 'other-protocol'

  // E2
  const quoted = at + 8
  const ihl = frame[quoted]! & 0xf
  if (frame[quoted]! >> 4 !== 4 || ihl < 5) return 'other-protocol'
  if ((be16(frame, quoted + 6) & 0x1fff) !== 0) return 'other-protocol'
  if (!isEqual(frame, quoted + 12, ip + 16, 4)) return 'other-protocol'
  return quotedFlow(frame, quoted + 4 * ihl, protocols.get(frame[quoted + 9]!), quoted + 16, quoted)
}

/** Walk: what comes behind extension headers, and where; whether one of them made a fragment of the packet. */
interface Walk {
  readonly next: number
  readonly at: number
  /** Where the header is that did. */
  readonly fragment?: number
  readonly isLater: boolean
}

/** 7 of IPv6: over the extension headers from `at` on. */
function walk(frame: Uint8Array, from: number, first: number): Walk | 'truncated' {
  let [next, at] = [first, from]
  let fragment: Walk['fragment']
  for (let passed = 0; passed < EXTENSIONS && extensionLength(next, 0) !== undefined; passed++) {
    if (frame.length < at + 8) return 'truncated'
    const length = extensionLength(next, frame[at + 1]!)!
    if (next === 44) {
      const word = be16(frame, at + 2)
      if ((word & 0xfff8) !== 0) return { next: frame[at]!, at, fragment: at, isLater: true }
      if ((word & 1) !== 0) fragment = at
    }
    next = frame[at]!
    at += length
  }
  return { next, at, isLater: false, ...(fragment !== undefined && { fragment }) }
}

export function flowOf6(frame: Uint8Array, ip: number, protocols: Protocols): Found {
  // 6
  if (frame[ip]! >> 4 !== 6) return 'malformed'

  // 7, 8
  const found = walk(frame, ip + 40, frame[ip + 6]!)
  if (found === 'truncated') return found
  const { next, at, fragment, isLater } = found
  if (fragment !== undefined) {
    if (isLater && (next === 60 || next === 51)) return 'fragment'
    const hash = protocols.hash([
      ...[8, 12, 16, 20].map((word) => le32(frame, ip + word)),
      le32(frame, fragment + 4),
      ...[24, 28, 32, 36].map((word) => le32(frame, ip + word)),
    ])
    const offset = be16(frame, fragment + 2) & 0xfff8
    return fragmentFlow(frame, { offset, at: isLater ? at + 8 : at, hash }, protocols, next, ip + 8)
  }
  if (next === IPPROTO_ICMPV6) return quotedFlow6(frame, ip, at, protocols)
  const protocol = protocols.get(next)
  return protocol === undefined ? 'other-protocol' : flowAt(frame, at, protocol, ip + 8, at !== ip + 40)
}

function quotedFlow6(frame: Uint8Array, ip: number, at: number, protocols: Protocols): Found {
  // E1
  if (frame.length < at + 48 || frame[at]! < 1 || frame[at]! > 4) return 'other-protocol'

  // E2
  const quoted = at + 8
  if (frame[quoted]! >> 4 !== 6) return 'other-protocol'
  if (!isEqual(frame, quoted + 8, ip + 24, 16)) return 'other-protocol'
  const found = walk(frame, quoted + 40, frame[quoted + 6]!)
  if (found === 'truncated' || found.isLater) return 'other-protocol'
  return quotedFlow(frame, found.at, protocols.get(found.next), quoted + 24, quoted)
}
