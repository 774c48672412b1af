// A vector: a frame in, what becomes of it, the frame out, and what is counted. Expectations are written down or
// built from parts (the frame that leaves is assembled anew, checksum and all), never asked of the model. The same
// vectors go through the model and through the kernel.

import type { Mac } from '../../base/addresses.ts'
import type { EtherFields, Ipv4Fields, Ipv6Fields, Layer, TcpFields, UdpFields } from '../../wire/layer.ts'
import { ether, ipv4, ipv6, packet, tcp, udp } from '../../wire/packet.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import type { Outcome } from '../model.ts'
import type { OutcomeName } from '../outcomes.ts'
import { client, client6, own, router, vip, vip6, web1, web2, web4 } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'

/** Vector: `expected.frame` holds the bytes afterwards, for passed and dropped frames those that came in. */
export interface Vector {
  readonly name: string
  readonly fixture: FixtureName
  readonly frame: Uint8Array
  readonly expected: Outcome
  /** Why the kernel's test run can't take this frame; absent if it can. */
  readonly modelOnly?: string
}

/** Parts of a frame; what is absent is that of a client's SYN to the vip's port 80. */
export interface Parts {
  readonly ether?: EtherFields
  readonly ip?: Ipv4Fields
  /** If there: an IPv6 packet, to the vip6. */
  readonly ip6?: Ipv6Fields
  /** Between IPv6's header and the transport's. */
  readonly extensions?: readonly Layer[]
  readonly tcp?: TcpFields
  /** If there: a UDP datagram, to port 53. */
  readonly udp?: UdpFields
  /** Instead of a transport header. */
  readonly behind?: Layer
  readonly payload?: Uint8Array | string
  /** Bytes behind what the IP header's length covers. */
  readonly trailer?: Uint8Array
}

function transportOf({ tcp: segment, udp: datagram, behind }: Parts): Layer {
  if (behind !== undefined) return behind
  if (datagram) return udp({ source: 40_000, destination: 53, ...datagram })
  return tcp({ source: 40_000, destination: 80, flags: tcpFlag.SYN, ...segment })
}

/** frameOf: the frame as it arrives. */
export function frameOf(parts: Parts): Uint8Array {
  const { ether: outer, ip, ip6, extensions = [], payload = '', trailer } = parts
  const frame = packet(
    ether({ destination: own, source: router, ...outer }),
    ip6
      ? ipv6({ source: client6, destination: vip6, ...ip6 })
      : ipv4({ source: client, destination: vip, ...ip }),
    ...extensions,
    transportOf(parts),
    payload,
  )
  return trailer ? packet(frame, trailer) : frame
}

/** cut: the first `length` bytes; padded with zeros if there are fewer. */
export function cut(frame: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set(frame.subarray(0, length))
  return bytes
}

const macs: Readonly<Record<number, Mac>> = { 1: web1, 2: web2, 4: web4 }

interface Forwarding {
  readonly fixture?: FixtureName
  readonly service?: number
  /** 1, 2 or 4. */
  readonly server?: number
  /** IPv4's fields where they leave otherwise than with TTL - 1 and a sound checksum. */
  readonly leaves?: Ipv4Fields
  /** The MAC of the interface that it leaves by, if that is not our own. */
  readonly by?: Mac
}

/** forwards: the frame leaves for the server's MAC, from our own or that of `by`, its TTL or hop limit one less. */
export function forwards(name: string, parts: Parts, options: Forwarding = {}): Vector {
  const { fixture = 'one', service = 0, server = 1, leaves, by } = options
  const { ip, ip6 } = parts
  const frame = frameOf(parts)
  const after = frameOf({
    ...parts,
    ether: { ...parts.ether, destination: macs[server]!, source: by ?? own },
    ...(ip6
      ? { ip6: { ...ip6, hopLimit: (ip6.hopLimit ?? 64) - 1 } }
      : { ip: { ...ip, ttl: (ip?.ttl ?? 64) - 1, ...leaves } }),
  })
  const said = ip6?.payloadLength === undefined ? ip?.totalLength : ip6.payloadLength + 40
  const start = 14 + 4 * (parts.ether?.tags?.length ?? 0)
  const bytes = said ?? frame.length - start - (parts.trailer?.length ?? 0)
  const outcome = by === undefined ? 'forwarded' : 'redirected'
  return { name, fixture, frame, expected: { outcome, frame: after, service, server, bytes } }
}

export type Kept = Exclude<OutcomeName, 'forwarded' | 'redirected' | 'reset' | 'time-exceeded'>

/** keeps: the frame ends here untouched, passed or dropped. */
export function keeps(
  outcome: Kept,
  name: string,
  what: Parts | Uint8Array,
  fixture: FixtureName = 'one',
): Vector {
  const frame = what instanceof Uint8Array ? what : frameOf(what)
  const vector = { name, fixture, frame, expected: { outcome, frame } }
  return frame.length < 14 ? { ...vector, modelOnly: 'a test run wants an Ethernet header' } : vector
}
