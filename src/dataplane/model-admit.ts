// The model's part of defence (docs/packet-path.md, D): whether a listener's packet is let in, step by step.

import type { Ip } from '../base/addresses.ts'
import { isIn, type Prefix } from '../base/prefix.ts'
import { sourceKeys } from './defence-keys.ts'
import { NO_DEFENCE_TABLES } from './defence-shape.ts'
import { perWindow, secondShift, ticksOf } from './flow-clock.ts'
import { timeOf } from './memory.ts'
import { le32 } from './model-flow.ts'
import type { OutcomeName } from './outcomes.ts'
import { createProof, type ProofMemory, proofMemory } from './proof.ts'
import { addressAt, matchesPacket, type RuledPacket } from './rule.ts'
import { type Shape, type Tables, TIMEOUTS } from './shape.ts'
import { MOST, type Source, SourceTable, sourceOf } from './source-table.ts'

/** Window: how often something happened in a second, and in which. */
interface Window {
  second: number
  count: number
}

/** AdmitMemory: what is kept from packet to packet: starts as the maps do, empty. */
export class AdmitMemory {
  readonly windows = new Map<string, Window>()
  readonly sources: SourceTable | undefined
  readonly banned: SourceTable | undefined
  readonly known: SourceTable | undefined
  readonly proof: ProofMemory | undefined
  /** By rule: SYNs without ACK, and all others that it matched. */
  readonly hits: { opening: number; others: number }[]

  constructor(shape: Shape) {
    const { defence } = shape
    this.proof = defence?.proof && proofMemory(shape)
    this.sources = defence?.sources && new SourceTable(defence.sources.entries)
    this.banned = defence?.sources?.ban ? new SourceTable(defence.sources.entries) : undefined
    this.known = defence?.known && new SourceTable(defence.known.flows)
    this.hits = (defence?.rules ?? []).map(() => ({ opening: 0, others: 0 }))
  }
}

/** Knocking: a listener's packet; `client`: where its client's address is in the frame. */
export interface Knocking extends RuledPacket {
  readonly client: number
  readonly service: number
  readonly flags?: number | undefined
}

/** Admit: undefined: it is let in; bytes: the challenge that its client gets. */
export type Admit = (packet: Knocking) => OutcomeName | Uint8Array | undefined

/** By what datagrams, and proofs, of a source are counted apart. */
const [UDP_APART, PROOF_APART] = [0x8000_0000, 0x4000_0000]
const [SYN, RST, ACK] = [0x02, 0x04, 0x10]

/** createAdmit of a shape with a defence; `jiffies`: the time. */
export function createAdmit(
  shape: Shape,
  all: Tables,
  memory: AdmitMemory,
  jiffies: () => number,
): Admit | undefined {
  const { defence } = shape
  const { keys, defence: tables = NO_DEFENCE_TABLES } = all
  if (!defence) return undefined
  const proof = memory.proof && createProof(shape, all, memory.proof)
  const clock = timeOf(shape)
  const ofSources = sourceKeys(keys)
  const second = () => Math.floor(jiffies() / 2 ** secondShift(clock)) >>> 0
  const tick = () => Math.floor(jiffies() / 2 ** clock.shift) >>> 0

  /** One more in this second, where fewer than `most` have been. */
  const isBelow = (name: string, most: number): boolean => {
    const window = memory.windows.get(name) ?? { second: 0, count: 0 }
    memory.windows.set(name, window)
    if (window.second !== second()) Object.assign(window, { second: second(), count: 0 })
    if (window.count >= most) return false
    window.count++
    return true
  }

  /** D1: what the longest prefix says that has the client in it. */
  const listed = (address: Ip): 'allow' | 'deny' | 'ban' | undefined => {
    const isLive = (until: number) => (until - tick() - 1) >>> 0 < 2 ** 31
    const all: (readonly [Prefix, 'allow' | 'deny' | 'ban'])[] = [
      ...tables.bans.filter(({ until }) => isLive(until)).map(({ prefix }) => [prefix, 'ban'] as const),
      ...tables.deny.map((prefix) => [prefix, 'deny'] as const),
      ...tables.allow.map((prefix) => [prefix, 'allow'] as const),
    ]
    const holding = all.filter(([prefix]) => isIn(address, prefix))
    const longest = Math.max(...holding.map(([{ length }]) => length))
    return holding.find(([{ length }]) => length === longest)?.[1]
  }

  /** D2 */
  const ruled = (packet: Knocking): boolean => {
    for (const [index, { match, action, perSecond = 0, services }] of defence.rules.entries()) {
      if (services && !services.includes(packet.service)) continue
      if (!matchesPacket(match, packet)) continue
      const isOpening = packet.transport?.protocol === 'tcp' && ((packet.flags ?? 0) & (SYN | ACK)) === SYN
      memory.hits[index]![isOpening ? 'opening' : 'others']++
      if (action === 'drop') return true
      if (action === 'limit' && !isBelow(`rule ${index}`, perWindow(clock, perSecond))) return true
    }
    return false
  }

  const { prefix = 32, prefix6 = 64 } = defence.sources ?? {}
  const sourceAt = ({ frame, client, isIpv6 }: Knocking): Source =>
    sourceOf(ofSources, addressAt(frame, client, isIpv6), isIpv6 ? prefix6 : prefix)

  /** Whether a source has sent so many a second already, of what is counted apart by `apart`; else this one counts. */
  const isAbove = ({ place, print }: Source, perSecond: number, apart: number): boolean => {
    const source = { place, print: (print ^ apart) >>> 0 }
    return memory.sources!.meter(source, Math.min(MOST, perWindow(clock, perSecond)), second())
  }

  /** D6 for a new flow. */
  const aboveCeiling = (service: number): OutcomeName | undefined => {
    const { ceiling = 0 } = tables.services[service] ?? {}
    if (ceiling > 0 && !isBelow(`service ${service}`, perWindow(clock, ceiling))) return 'service-limit'
    return tables.ceiling > 0 && !isBelow('node', perWindow(clock, tables.ceiling)) ? 'node-limit' : undefined
  }

  /** D6 for a datagram. */
  const newDatagram = (packet: Knocking, at: number, known: SourceTable): OutcomeName | undefined => {
    const { frame, client, isIpv6, service } = packet
    const { ceiling = 0 } = tables.services[service] ?? {}
    if (ceiling === 0 && tables.ceiling === 0) return undefined
    const address = addressAt(frame, client, isIpv6)
    const flow = sourceOf(ofSources, address, isIpv6 ? 128 : 32, { ports: le32(frame, at), service })
    const above = known.isBanned(flow, tick()) ? undefined : aboveCeiling(service)
    if (!above) known.ban(flow, tick(), tick() + ticksOf(clock, TIMEOUTS.udp))
    return above
  }

  return (packet) => {
    const { frame, client, isIpv6, service, transport, flags = 0 } = packet
    const address = addressAt(frame, client, isIpv6)

    const says = listed(address)
    if (says === 'ban') return 'banned'
    if (says === 'deny' || (tables.only && says !== 'allow')) return 'denied'
    const isLimited = says !== 'allow'
    const isBanned = defence.sources?.ban && memory.banned!.isBanned(sourceAt(packet), tick())
    if (isLimited && isBanned) return 'banned'

    if (ruled(packet)) return 'rule'

    const { newPerS = 0, udpPerS = 0, banS = 0 } = tables.sources ?? {}
    if (transport?.protocol === 'udp') {
      const isMetered = defence.sources?.udp && udpPerS > 0 && isLimited
      if (isMetered && isAbove(sourceAt(packet), udpPerS, UDP_APART)) return 'source-limit'
      return memory.known && newDatagram(packet, transport.at, memory.known)
    }
    if (!transport) return undefined

    // D3
    const segment = { frame, ip: packet.ip, at: transport.at, isIpv6 }
    if ((flags & RST) !== 0) {
      if (!proof?.take(segment, service, jiffies())) return undefined
      const source = sourceAt(packet)
      if (defence.sources?.ban && newPerS > 0 && isLimited && isAbove(source, newPerS, PROOF_APART))
        memory.banned!.ban(source, tick(), tick() + ticksOf(clock, banS))
      return 'proven'
    }
    if ((flags & (SYN | ACK)) !== SYN) return undefined
    if (proof?.wanted(segment, service, jiffies())) return proof.challenge(segment, jiffies())

    // D4
    if (defence.sources?.new && newPerS > 0 && isLimited && isAbove(sourceAt(packet), newPerS, 0)) {
      const isAsked = proof && tables.proof && tables.services[service]?.proof !== 'off'
      if (!isAsked || (!defence.sources.ban && proof.standing(segment, jiffies()))) return 'source-limit'
      return proof.challenge(segment, jiffies())
    }

    return defence.ceilings ? aboveCeiling(service) : undefined
  }
}
