// A recorded packet as floods are judged by: what a client sent to a service. What goes to clients, later fragments and what is
// neither TCP nor UDP say nothing here.

import { TCP_FLAGS } from '../dataplane/rule.ts'
import { isToClient, type RecordedPacket } from '../engine/recorded.ts'
import { type Outline, outlineOf } from '../wire/outline.ts'
import type { Seen } from './facts.ts'

const { syn, ack, rst } = TCP_FLAGS

/**
 * see a packet as it came; undefined: it says nothing. What was recorded when it left has one hop less, and where it went is
 * the server that it is sent to.
 */
export function see(packet: RecordedPacket): Seen | undefined {
  if (isToClient(packet)) return undefined
  const { at, bytes, direction } = packet
  const outline = outlineOf(bytes)
  if (!outline?.ports) return undefined
  const { source, destination, ports, length, hops, tcp } = outline
  const isLeaving = direction === 'out'
  const known = {
    ...{ source, sourcePort: ports.source, length, ttl: isLeaving ? hops + 1 : hops },
    ...(!isLeaving && { destination, port: ports.destination }),
    ...payloadOf(bytes, outline),
  }
  if (!tcp) return { at, isOpening: false, facts: { protocol: 'udp', ...known } }
  const isOpening = (tcp.flags & (syn | ack | rst)) === syn
  const options = tcp.options > 0 ? ('some' as const) : ('none' as const)
  return {
    at,
    isOpening,
    facts: { protocol: 'tcp', ...known, flags: tcp.flags, window: tcp.window, options },
  }
}

/** payloadOf: its first bytes, as far as they are in the packet (Ethernet pads) and were recorded. */
function payloadOf(
  bytes: Uint8Array,
  { ip, length, transport, tcp }: Outline,
): Pick<Seen['facts'], 'head' | 'next'> {
  const start = transport + (tcp ? 20 + tcp.options : 8)
  const end = Math.min(bytes.length, ip + length)
  const word = (at: number) =>
    at + 4 > end ? undefined : Buffer.from(bytes.subarray(at, at + 4)).toString('hex')
  const [head, next] = [word(start), word(start + 4)]
  return { ...(head !== undefined && { head }), ...(next !== undefined && { next }) }
}
