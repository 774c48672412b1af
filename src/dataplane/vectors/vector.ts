// A vector: a frame in, what becomes of it, the frame out, and what is counted. Expectations are written down or
// built from parts (the frame that leaves is assembled anew, checksum and all), never asked of the model. The same
// vectors go through the model and through the kernel.

import type { Mac } from '../../base/addresses.ts'
import {
  type EtherFields,
  ether,
  type Ipv4Fields,
  ipv4,
  packet,
  type TcpFields,
  tcp,
} from '../../wire/packet.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import type { Outcome } from '../model.ts'
import type { OutcomeName } from '../outcomes.ts'
import { client, type FixtureName, own, router, vip, web1, web2 } from './fixtures.ts'

/** Vector: `expected.frame` holds the bytes afterwards, for passed and dropped frames those that came in. */
export interface Vector {
  readonly name: string
  readonly fixture: FixtureName
  readonly frame: Uint8Array
  readonly expected: Outcome
  /** Why the kernel's test run can't take this frame; absent if it can. */
  readonly modelOnly?: string
}

/** Parts of a TCP frame; what is absent is that of a client's SYN to the vip's port 80. */
export interface Parts {
  readonly ether?: EtherFields
  readonly ip?: Ipv4Fields
  readonly tcp?: TcpFields
  readonly payload?: Uint8Array | string
  /** Bytes behind what the total length covers. */
  readonly trailer?: Uint8Array
}

/** frameOf: the frame as it arrives. */
export function frameOf({ ether: outer, ip, tcp: segment, payload = '', trailer }: Parts): Uint8Array {
  const frame = packet(
    ether({ destination: own, source: router, ...outer }),
    ipv4({ source: client, destination: vip, ...ip }),
    tcp({ source: 40_000, destination: 80, flags: tcpFlag.SYN, ...segment }),
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

const macs: Readonly<Record<number, Mac>> = { 1: web1, 2: web2 }

interface Forwarding {
  readonly fixture?: FixtureName
  readonly service?: number
  /** 1 or 2. */
  readonly server?: number
  /** The frame's fields where they leave otherwise than with TTL - 1 and a sound checksum. */
  readonly leaves?: Ipv4Fields
}

/** forwards: the frame leaves for the server's MAC, from our own, its TTL one less. */
export function forwards(name: string, parts: Parts, options: Forwarding = {}): Vector {
  const { fixture = 'one', service = 0, server = 1, leaves } = options
  const frame = frameOf(parts)
  const after = frameOf({
    ...parts,
    ether: { ...parts.ether, destination: macs[server]!, source: own },
    ip: { ...parts.ip, ttl: (parts.ip?.ttl ?? 64) - 1, ...leaves },
  })
  const bytes = parts.ip?.totalLength ?? frame.length - 14 - (parts.trailer?.length ?? 0)
  return { name, fixture, frame, expected: { outcome: 'forwarded', frame: after, service, server, bytes } }
}

type Kept = Exclude<OutcomeName, 'forwarded'>

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
