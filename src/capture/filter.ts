// Which recorded packets are asked for: `service www and not server web03`, `client 198.51.100.0/24 flags syn,!ack`. A
// filter is a tree of terms, asked of each packet; filter-parse.ts reads it from text.

import { isIn, type Prefix } from '../base/prefix.ts'
import { outcomes } from '../dataplane/outcomes.ts'
import type { RecordKind } from '../dataplane/record.ts'
import { isToClient, type RecordedPacket } from '../engine/recorded.ts'
import { type Outline, outlineOf } from '../wire/outline.ts'

/** Term: what one word and its value ask. */
export type Term =
  | { readonly word: 'service' | 'server' | 'interface'; readonly name: string }
  /** Whoever talks with the service: the source of what comes in, the destination of what answers. */
  | { readonly word: 'client'; readonly prefix: Prefix }
  | { readonly word: 'port'; readonly port: number }
  /** An outcome, or what XDP does with the frame. */
  | { readonly word: 'verdict'; readonly verdict: string }
  /** Bits of the TCP flags that are set, and that are not. */
  | { readonly word: 'flags'; readonly set: number; readonly clear: number }
  | { readonly word: 'kind'; readonly kind: RecordKind }

/** Filter: a term, or what holds of others. `and` of none is everything. */
export type Filter =
  | Term
  | { readonly all: readonly Filter[] }
  | { readonly any: readonly Filter[] }
  | { readonly not: Filter }

/** EVERYTHING: the filter that no packet fails. */
export const EVERYTHING: Filter = { all: [] }

/** matches: whether a packet is asked for. */
export function matches(filter: Filter, packet: RecordedPacket): boolean {
  let outline: Outline | undefined | 'unread' = 'unread'
  const read = (): Outline | undefined => {
    if (outline === 'unread') outline = outlineOf(packet.bytes)
    return outline
  }
  const holds = (each: Filter): boolean => {
    if ('all' in each) return each.all.every(holds)
    if ('any' in each) return each.any.some(holds)
    if ('not' in each) return !holds(each.not)
    return asks(each, packet, read)
  }
  return holds(filter)
}

function asks(term: Term, packet: RecordedPacket, read: () => Outline | undefined): boolean {
  switch (term.word) {
    case 'service':
    case 'server':
    case 'interface':
      return packet[term.word] === term.name
    case 'client': {
      const outline = read()
      return outline !== undefined && isIn(clientOf(packet, outline), term.prefix)
    }
    case 'port': {
      const ports = read()?.ports
      return ports !== undefined && (ports.source === term.port || ports.destination === term.port)
    }
    case 'verdict':
      return packet.outcome === term.verdict || outcomes[packet.outcome].verdict === term.verdict
    case 'flags': {
      const flags = read()?.tcp?.flags
      return flags !== undefined && (flags & term.set) === term.set && (flags & term.clear) === 0
    }
    case 'kind':
      return packet.kind === term.kind
    default:
      return term satisfies never
  }
}

/** clientOf a packet: an answer's destination, otherwise the source. */
export const clientOf = (packet: RecordedPacket, { source, destination }: Outline) =>
  isToClient(packet) ? destination : source
