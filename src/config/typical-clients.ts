// What SYNs of the systems look like that nearly all clients have, as they arrive after a usual way. Not of all systems
// (decision 0035 has others): a rule that takes all of these keeps out nearly everybody. Pure data; windows and options by
// published signatures (p0f 3, "tcp:request"), ports by the systems' defaults (Linux: ip_local_port_range; RFC 6335 6).

/** HOPS: routers between a client and the node. */
const HOPS = 12
/** TYPICAL_TTLS: of systems that begin with 64 and with 128. */
export const TYPICAL_TTLS: readonly number[] = [64 - HOPS, 128 - HOPS]

/** TypicalSyn: `length` of the IPv4 packet, which is its headers and options; IPv6's is 20 bytes longer. */
export interface TypicalSyn {
  readonly window: number
  readonly length: number
  readonly ttl: number
}

/** TYPICAL_SYNS: of Linux and Android, Windows, macOS and iOS; all have options. */
export const TYPICAL_SYNS: readonly TypicalSyn[] = [
  { window: 64_240, length: 60, ttl: 64 - HOPS },
  { window: 65_535, length: 60, ttl: 64 - HOPS },
  { window: 64_240, length: 52, ttl: 128 - HOPS },
  { window: 65_535, length: 52, ttl: 128 - HOPS },
  { window: 65_535, length: 64, ttl: 64 - HOPS },
]

/** TYPICAL_PORTS that clients send from. */
export const TYPICAL_PORTS: readonly number[] = [33_000, 40_000, 48_000, 50_000, 56_000, 60_000, 65_000]
