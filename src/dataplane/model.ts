// The packet path in plain TypeScript: docs/packet-path.md, step by step, on one frame at a time. It is the oracle
// that the generated program is compared with, so it shares nothing with it but Shape, Tables, the hash and the layout
// of records. It is written to be read beside that page. Left out: which CPU counts.

import { type Ip, isIp4, macBytes, type Protocol } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { hashWords, scaleHash, splitMultipliers } from '../schedule/hash.ts'
import { updateChecksum } from '../wire/checksum.ts'
import { ip6Bytes } from '../wire/ipv6.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { createDecide, type FlowKind, FlowMemory } from './flow-decision.ts'
import { flowKeys } from './flow-keys.ts'
import { resetFrame } from './flow-reset.ts'
import { flowsOf, memoryOf } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import {
  currentOf,
  HASH_KEYS,
  type ListenerShape,
  type Shape,
  SLOT_RECORDS,
  STATELESS,
  type Tables,
} from './shape.ts'

/** Outcome: what becomes of a frame. */
export interface Outcome {
  readonly outcome: OutcomeName
  /** The frame afterwards: a new one if it was forwarded or answered, else the very one that came in. */
  readonly frame: Uint8Array
  /** What was counted beside the outcome, if it was forwarded: a service's index, a server's id, IP bytes. */
  readonly service?: number
  readonly server?: number
  readonly bytes?: number
}

/** Model: the packet path of one shape and its tables. */
export type Model = (frame: Uint8Array) => Outcome

const ETH_P_IP = 0x0800
const ETH_P_IPV6 = 0x86dd
const ETH_P_8021Q = 0x8100
const ETH_P_8021AD = 0x88a8
const IPPROTO: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 }
const HEADER: Readonly<Record<Protocol, number>> = { tcp: 20, udp: 8 }
const EXTENSIONS = 6

const isTag = (type: number): boolean => type === ETH_P_8021Q || type === ETH_P_8021AD
const be16 = (frame: Uint8Array, at: number): number => frame[at]! * 0x100 + frame[at + 1]!
const le32 = (frame: Uint8Array, at: number): number =>
  frame[at]! + frame[at + 1]! * 0x100 + frame[at + 2]! * 0x10000 + frame[at + 3]! * 0x1000000

/** An address as text that 4 or 16 bytes of a frame give too; the families differ in length. */
const addressText = (frame: Uint8Array, at: number, length: 4 | 16): string =>
  String.fromCharCode(...frame.subarray(at, at + length))
const listenerText = (address: Ip): string =>
  isIp4(address)
    ? String.fromCharCode(...[24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff))
    : addressText(ip6Bytes(address), 0, 16)

/** What IPv4 addresses have before them in their IPv6 form. */
const MAPPED = '\0\0\0\0\0\0\0\0\0\0\xff\xff'
/** A server's address in 16 bytes. */
const targetText = (address: Ip | undefined): string => {
  if (address === undefined) return '\0'.repeat(16)
  return isIp4(address) ? MAPPED + listenerText(address) : listenerText(address)
}

/** The bytes of an extension header of IPv6 that is passed over, if `next` is one. */
function extensionLength(next: number, second: number): number | undefined {
  if (next === 0 || next === 43 || next === 60) return 8 * (second + 1)
  if (next === 44) return 8
  return next === 51 ? 4 * (second + 2) : undefined
}

/** Transport: steps 6 to 9. What stands before the transport header, and what comes there. */
interface Transport {
  readonly at: number
  readonly protocol: Protocol
}
type Before = Transport | 'malformed' | 'other-protocol' | 'fragment' | 'truncated'

function transportOf4(frame: Uint8Array, ip: number, protocols: ReadonlyMap<number, Protocol>): Before {
  // 6
  const ihl = frame[ip]! & 0xf
  if (frame[ip]! >> 4 !== 4 || ihl < 5) return 'malformed'

  // 7
  const protocol = protocols.get(frame[ip + 9]!)
  if (protocol === undefined) return 'other-protocol'

  // 8: bit 13 of the word is MF, below it is the offset
  if ((be16(frame, ip + 6) & 0x3fff) !== 0) return 'fragment'

  // 9
  return { at: ip + 4 * ihl, protocol }
}

function transportOf6(frame: Uint8Array, ip: number, protocols: ReadonlyMap<number, Protocol>): Before {
  // 6
  if (frame[ip]! >> 4 !== 6) return 'malformed'

  // 7
  let next = frame[ip + 6]!
  let at = ip + 40
  for (let passed = 0; passed < EXTENSIONS && extensionLength(next, 0) !== undefined; passed++) {
    if (frame.length < at + 8) return 'truncated'
    if (next === 44 && (be16(frame, at + 2) & 0xfff9) !== 0) return 'fragment'
    const length = extensionLength(next, frame[at + 1]!)!
    next = frame[at]!
    at += length
  }
  const protocol = protocols.get(next)
  return protocol === undefined ? 'other-protocol' : { at, protocol }
}

/** kindOf a segment by its flags. */
function kindOf(flags: number): FlowKind {
  if (flags & (tcpFlag.FIN | tcpFlag.RST)) return 'end'
  return (flags & (tcpFlag.SYN | tcpFlag.ACK)) === tcpFlag.SYN ? 'syn' : 'segment'
}

/** createFlows: the memory that a shape's flows need; undefined where none is tracked. */
export function createFlows(shape: Shape): FlowMemory | undefined {
  const flows = flowsOf(shape)
  return flows && new FlowMemory(flows)
}

/**
 * createModel prepares look-ups once. Slots, servers, failed servers and what is in `flows` may change afterwards, as
 * the program sees them change; listeners and keys are those of now.
 */
export function createModel(
  shape: Shape,
  tables: Tables,
  flows: FlowMemory | undefined = createFlows(shape),
): Model {
  invariant(tables.keys.length === HASH_KEYS, `${tables.keys.length} hash keys`)
  invariant(
    shape.pools.every((slots, pool) => tables.slots[pool]?.length === slots),
    'every pool has its slots',
  )
  const own = macBytes(shape.mac)
  const pick = (keys: BigUint64Array, ...which: number[]) =>
    splitMultipliers(BigUint64Array.from(which, (i) => keys[i]!))
  const multipliers = pick(tables.keys, 0, 1, 2, 6, 7, 8)
  const protocols = new Map(shape.listeners.map(({ protocol }) => [IPPROTO[protocol], protocol]))
  const hasIpv6 = shape.listeners.some(({ address }) => !isIp4(address))
  // address -> protocol and port -> listener
  const addresses = new Map<string, Map<string, ListenerShape>>()
  for (const listener of shape.listeners) {
    const text = listenerText(listener.address)
    const ports = addresses.get(text) ?? new Map<string, ListenerShape>()
    addresses.set(text, ports.set(`${listener.protocol} ${listener.port}`, listener))
  }
  const decide = flows && createDecide(shape, tables, flows, memoryOf(shape))
  const others = flowKeys(tables.keys)
  const otherTcp = pick(others, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
  const otherUdp = pick(others, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9)

  return (frame) => {
    const end = (outcome: OutcomeName): Outcome => ({ outcome, frame })
    const length = frame.length

    // 1
    if (length < 34) return end('short')

    // 2, 3: where the IP header is, behind up to two tags
    let type = be16(frame, 12)
    let ip = 14
    if (isTag(type)) {
      type = be16(frame, 16)
      ip = 18
      if (isTag(type)) {
        type = be16(frame, 20)
        ip = 22
      }
    }
    const tagged = ip !== 14

    // 4
    if (tagged && length < ip + 20) return end('short')
    const isIpv6 = type === ETH_P_IPV6 && hasIpv6
    if (type !== ETH_P_IP && !isIpv6) return end('not-ip')
    if (isIpv6 && length < ip + 40) return end('short')

    // 5
    if (own.some((octet, i) => frame[i] !== octet)) return end('other-host')

    // 6 to 9
    const ports = addresses.get(isIpv6 ? addressText(frame, ip + 24, 16) : addressText(frame, ip + 16, 4))
    const before = (isIpv6 ? transportOf6 : transportOf4)(frame, ip, protocols)
    if (before === 'malformed' || before === 'other-protocol') return end(before)
    if (before === 'fragment' || before === 'truncated') return end(ports ? before : 'no-listener')
    const { at, protocol } = before

    // 10
    if (length < at + HEADER[protocol]) return end(ports ? 'truncated' : 'no-listener')

    // 11
    const listener = ports?.get(`${protocol} ${be16(frame, at + 2)}`)
    if (listener === undefined) return end('no-listener')

    // 12: from here on the IP header is at 14
    if (tagged) return end('vlan')

    // 13: IPv4's total length, or what it would be
    const bytes = isIpv6 ? be16(frame, 18) + 40 : be16(frame, 16)
    if (bytes < at - 14 + HEADER[protocol] || bytes > length - 14) return end('bad-length')

    // 14
    const hops = isIpv6 ? 21 : 22
    if (frame[hops]! <= 1) return end('ttl')

    // 15
    const { service, pool } = listener
    const { track, hash: hashed } = shape.services[service] ?? STATELESS
    const portsWord = le32(frame, at)
    const source = isIpv6 ? [22, 26, 30, 34].map((place) => le32(frame, place)) : [le32(frame, 26)]
    const [first, ...rest] = source as [number, ...number[]]
    const hash = hashWords(multipliers, 0, [first, hashed === 'source' ? 0 : portsWord, ...rest])
    const slot = scaleHash(hash, shape.pools[pool]!)
    const word = tables.slots[pool]![slot]!
    let id: number | 'reset' = currentOf(word)
    if (decide && (track === 'all' || (track === 'changes' && (word & SLOT_RECORDS) !== 0))) {
      const target = isIpv6 ? [38, 42, 46, 50].map((place) => le32(frame, place)) : [le32(frame, 30)]
      const [to, ...toRest] = target as [number, ...number[]]
      const kind = protocol === 'udp' ? 'udp' : kindOf(frame[at + 13]!)
      const other = hashWords(kind === 'udp' ? otherUdp : otherTcp, 0, [
        first,
        portsWord,
        to,
        ...rest,
        ...toRest,
      ])
      id = decide({ hash, other, kind, service, pool, word })
    }
    if (id === 'reset') {
      const answer = resetFrame(frame, own)
      return answer ? { outcome: 'reset', frame: answer } : end('no-server')
    }
    const server = tables.servers[id]
    if (!server?.usable) return end('no-server')

    // 16: by which interface
    const isOwn = shape.others.length === 0 || server.via === shape.own
    const other = shape.others.find(({ number }) => number === server.via)
    if (!isOwn && !other) return end('no-server')
    const mac = macBytes(server.mac)
    const from = isIpv6 ? addressText(frame, 22, 16) : MAPPED + addressText(frame, 26, 4)
    const isItself = mac.every((octet, i) => frame[6 + i] === octet) && from === targetText(server.address)
    if (isOwn && isItself) return end('hairpin')
    const sent = new Uint8Array(frame)
    sent.set(mac, 0)
    sent.set(isOwn ? own : macBytes(other!.mac), 6)
    sent[hops]! -= 1
    if (!isIpv6) {
      const checksum = updateChecksum(be16(frame, 24), be16(frame, 22), be16(sent, 22))
      sent[24] = checksum >> 8
      sent[25] = checksum & 0xff
    }
    return { outcome: isOwn ? 'forwarded' : 'redirected', frame: sent, service, server: id, bytes }
  }
}
