// The packet path in plain TypeScript: docs/packet-path.md, step by step, on one frame at a time. It is the oracle
// that the generated program is compared with, so it shares nothing with it but Shape, Tables, the hash and the layout
// of records. It is written to be read beside that page. Left out: which CPU counts.

import { isIp4, macBytes, type Protocol } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { hashWords, mixWords, scaleHash, splitMultipliers } from '../schedule/hash.ts'
import { updateChecksum } from '../wire/checksum.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { CLASH_STEP, CLASH_TRIES } from './answer-record.ts'
import { secondShift } from './flow-clock.ts'
import { type Asked, createDecide, type Decide, type FlowKind, FlowMemory } from './flow-decision.ts'
import { flowKeys } from './flow-keys.ts'
import { resetFrame } from './flow-reset.ts'
import { FlowSchedules } from './flow-schedule.ts'
import { flowsOf, memoryOf, timeOf, usesNat } from './memory.ts'
import { exceeded } from './model-exceeded.ts'
import { createListeners } from './model-listeners.ts'
import { PacketMemory } from './model-memory.ts'
import { createNetworkOf } from './model-network.ts'
import { createNat, type NatModel, type Refused } from './nat-model.ts'
import type { OutcomeName } from './outcomes.ts'
import {
  currentOf,
  HASH_KEYS,
  KEY_MIX,
  type Shape,
  SLOT_RECORDS,
  STATELESS,
  slotWord,
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
export interface Model {
  (frame: Uint8Array): Outcome
  /** Where some service has nat. */
  readonly nat: NatModel | undefined
}

const ETH_P_IP = 0x0800
const ETH_P_IPV6 = 0x86dd
const ETH_P_8021Q = 0x8100
const ETH_P_8021AD = 0x88a8
const IPPROTO: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 }
const HEADER: Readonly<Record<Protocol, number>> = { tcp: 20, udp: 8 }
const IPPROTO_ICMP = 1
const IPPROTO_ICMPV6 = 58
const EXTENSIONS = 6
const EXCEEDED_PER_SECOND = 100
const HELD_PER_SECOND = 500
const HELD_BYTES = { usual: 2_040, jumbo: 10_232 }

const isTag = (type: number): boolean => type === ETH_P_8021Q || type === ETH_P_8021AD
const be16 = (frame: Uint8Array, at: number): number => frame[at]! * 0x100 + frame[at + 1]!
const le32 = (frame: Uint8Array, at: number): number =>
  frame[at]! + frame[at + 1]! * 0x100 + frame[at + 2]! * 0x10000 + frame[at + 3]! * 0x1000000

/** The bytes of an extension header of IPv6 that is passed over, if `next` is one. */
function extensionLength(next: number, second: number): number | undefined {
  if (next === 0 || next === 43 || next === 60) return 8 * (second + 1)
  if (next === 44) return 8
  return next === 51 ? 4 * (second + 2) : undefined
}

/** Flow: what steps 6 to 9, or E1 to E3, find: of whom to what, by which protocol. */
interface Flow {
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
type Unreadable = 'truncated' | 'tiny-fragment' | 'fragment' | 'later'
/** Part: a fragment: at which byte of the whole it begins, where its own bytes are, how it is found. */
interface Part {
  readonly offset: number
  readonly at: number
  readonly hash: number
}
/** Protocols: listeners' protocols by number, whether there are IPv4 listeners; what was remembered of fragments. */
interface Protocols {
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

function flowOf4(frame: Uint8Array, ip: number, protocols: Protocols): Found {
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

function flowOf6(frame: Uint8Array, ip: number, protocols: Protocols): Found {
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

/** kindOf a segment by its flags. */
function kindOf(flags: number): FlowKind {
  if (flags & (tcpFlag.FIN | tcpFlag.RST)) return 'end'
  return (flags & (tcpFlag.SYN | tcpFlag.ACK)) === tcpFlag.SYN ? 'syn' : 'segment'
}

/** createFlows: the memory that a shape's flows need; undefined where none is tracked. */
export function createFlows(shape: Shape): FlowMemory | undefined {
  const flows = flowsOf(shape)
  const { scheduling } = memoryOf(shape)
  return flows && new FlowMemory(flows, scheduling && new FlowSchedules(shape, scheduling))
}

/** ModelMemory: what is kept from packet to packet, and the time. */
export interface ModelMemory {
  readonly packets?: PacketMemory
  readonly flows?: FlowMemory | undefined
}

/**
 * createModel prepares look-ups once. Slots, servers, failed servers and what is in memory may change afterwards, as
 * the program sees them change; listeners and keys are those of now.
 */
export function createModel(
  shape: Shape,
  tables: Tables,
  { packets: memory = new PacketMemory(), flows = createFlows(shape) }: ModelMemory = {},
): Model {
  invariant(tables.keys.length === HASH_KEYS, `${tables.keys.length} hash keys`)
  invariant(
    shape.pools.every((slots, pool) => tables.slots[pool]?.length === slots),
    'every pool has its slots',
  )
  const own = macBytes(shape.mac)
  const shift = secondShift(timeOf(shape))
  const pick = (keys: BigUint64Array, ...which: number[]) =>
    splitMultipliers(BigUint64Array.from(which, (i) => keys[i]!))
  const multipliers = pick(tables.keys, 0, 1, 2, 6, 7, 8, KEY_MIX)
  const byNumber = new Map(shape.listeners.map(({ protocol }) => [IPPROTO[protocol], protocol]))
  const clock = timeOf(shape)
  const tick = () => Math.floor(memory.jiffies / 2 ** clock.shift) & 0xff
  const fragments4 = pick(tables.keys, 0, 1, 2, 4)
  const fragments6 = pick(tables.keys, 0, 1, 6, 7, 8, 2, 10, 11, 12, 13)
  const protocols: Protocols = {
    get: (number) => byNumber.get(number),
    recall: (hash) => memory.recall(hash, tick()),
    hash: (words) => hashWords(words.length === 3 ? fragments4 : fragments6, 0, words),
    hasIpv4: shape.listeners.some(({ address }) => isIp4(address)),
  }
  const hasIpv6 = shape.listeners.some(({ address }) => !isIp4(address))
  const listening = createListeners(shape)
  const room = shape.jumbo ? HELD_BYTES.jumbo : HELD_BYTES.usual
  /** F4: what becomes of a later fragment whose first has not come. */
  const hold = (frame: Uint8Array): OutcomeName => {
    if (own.every((octet, i) => frame[6 + i] === octet)) return 'fragment-lost'
    if (!memory.atMost(memory.held, HELD_PER_SECOND, shift) || frame.length > room) return 'fragment'
    return 'fragment-held'
  }
  const decide = flows && createDecide(shape, tables, flows, memoryOf(shape))
  flows?.schedules?.fill(tables)
  const nat = flows && usesNat(shape) ? createNat(shape, tables, flows) : undefined
  const others = flowKeys(tables.keys)
  const otherTcp = pick(others, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
  const otherUdp = pick(others, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9)
  const networkOf = createNetworkOf(shape, tables.keys)

  const model = (frame: Uint8Array): Outcome => {
    const end = (outcome: OutcomeName): Outcome => ({ outcome, frame })
    // N4: what is for no listener may be an answer
    const unserved = (): Outcome => {
      const answer = nat?.answer(frame, own)
      if (answer === undefined || answer === 'ttl') return end(answer ?? 'no-listener')
      return { outcome: 'answered', frame: answer }
    }
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

    // 4
    if (length < ip + 20) return end('short')
    const isIpv6 = type === ETH_P_IPV6 && hasIpv6
    if (type !== ETH_P_IP && !isIpv6) return end('not-ip')
    if (isIpv6 && length < ip + 40) return end('short')

    // 5
    if (own.some((octet, i) => frame[i] !== octet)) return end('other-host')

    // 6 to 9
    const here = listening(frame, ip + (isIpv6 ? 24 : 16), isIpv6 ? 16 : 4)
    const flow = (isIpv6 ? flowOf6 : flowOf4)(frame, ip, protocols)
    if (flow === 'malformed' || flow === 'other-protocol') return end(flow)
    if (typeof flow === 'string') {
      if (!here) return unserved()
      return end(flow === 'later' ? hold(frame) : flow)
    }
    const { client, protocol } = flow

    // 11
    const listener = here?.(protocol, flow.ports[1])
    if (listener === undefined) return unserved()

    // 12: IPv4's total length, or what it would be
    const bytes = isIpv6 ? be16(frame, ip + 4) + 40 : be16(frame, ip + 2)
    if (bytes < flow.end - ip || bytes > length - ip) return end('bad-length')

    // 13
    const hops = isIpv6 ? ip + 7 : ip + 8
    if (frame[hops]! <= 1) {
      const isTold = !flow.isSilent && memory.atMost(memory.exceeded, EXCEEDED_PER_SECOND, shift)
      const answer = isTold ? exceeded(frame, ip, isIpv6, own) : undefined
      return answer ? { outcome: 'time-exceeded', frame: answer } : end('ttl')
    }

    const portsWord = le32(Uint8Array.from(flow.ports.flatMap((port) => [port >> 8, port & 0xff])), 0)
    if (flow.first !== undefined) memory.remember(flow.first, portsWord, tick())

    // 14
    const { service, pool } = listener
    const { track, hash: hashed, nat: translates } = shape.services[service] ?? STATELESS
    const words = isIpv6 ? [0, 4, 8, 12] : [0]
    const [first, ...rest] = words.map((word) => le32(frame, client + word)) as [number, ...number[]]
    const hash = mixWords(multipliers, 0, [first, hashed === 'source' ? 0 : portsWord, ...rest], 6)
    const slot = scaleHash(hash, shape.pools[pool]!)
    const word = tables.slots[pool]![slot]!
    const kind = protocol === 'udp' ? 'udp' : kindOf(flow.flags ?? 0)
    let id: ReturnType<Decide> = currentOf(word)
    let asked: Asked | undefined
    if (decide && (track === 'all' || (track === 'changes' && (word & SLOT_RECORDS) !== 0))) {
      const destination = isIpv6 ? ip + 24 : ip + 16
      const [to, ...toRest] = words.map((word) => le32(frame, destination + word)) as [number, ...number[]]
      const peek = flow.isPeek === true
      const other = hashWords(kind === 'udp' ? otherUdp : otherTcp, 0, [
        first,
        portsWord,
        to,
        ...rest,
        ...toRest,
      ])
      const network = networkOf(service, [first, ...rest])
      const recorded = translates !== undefined
      asked = { hash, other, kind, service, pool, word, peek, recorded, ...(network && { network }) }
      id = decide(asked)
    }
    if (id === 'reset') {
      const answer = flow.isPeek ? undefined : resetFrame(frame, own)
      return answer ? { outcome: 'reset', frame: answer } : end('no-server')
    }

    // N1 to N3: to the server's address; a new flow whose place is taken tries other servers
    const sent = new Uint8Array(frame)
    if (nat && decide && asked && translates) {
      const at = flow.end - HEADER[protocol]
      const sentTo = (server: number): Refused | 'no-server' | undefined => {
        if (!tables.servers[server]?.usable) return 'no-server'
        const packet = { frame: sent, ip, isIpv6, service, server }
        if (flow.isPeek) return nat.follow({ ...packet, quoted: flow.quoted })
        return nat.request({ ...packet, at, kind })
      }
      if (typeof id !== 'number') return end('no-room')
      let refused = sentTo(id)
      for (let tries = 0; refused === 'taken' && tries < CLASH_TRIES; tries++) {
        const next = scaleHash((Math.imul(hash, CLASH_STEP) + tries) >>> 0, shape.pools[pool]!)
        const other = currentOf(tables.slots[pool]![next]!)
        refused = sentTo(other)
        if (refused === 'no-server') refused = 'taken'
        if (refused !== undefined) continue
        decide({ ...asked, word: slotWord(other, other), moves: true })
        id = other
      }
      if (refused) return end(refused === 'taken' ? 'clash' : refused)
    }
    if (typeof id !== 'number') return end('no-room')
    const server = tables.servers[id]
    if (!server?.usable) return end('no-server')

    // 15
    sent.set(macBytes(server.mac), 0)
    sent.set(own, 6)
    sent[hops]! -= 1
    if (!isIpv6) {
      const checksum = updateChecksum(be16(sent, ip + 10), be16(frame, ip + 8), be16(sent, ip + 8))
      sent[ip + 10] = checksum >> 8
      sent[ip + 11] = checksum & 0xff
    }
    return { outcome: 'forwarded', frame: sent, service, server: id, bytes }
  }
  return Object.assign(model, { nat })
}
