// What of a packet tells floods from clients: the fields that a rule can match and that generators get wrong. A system's own
// packets of a kind differ from each other in few of them, and in the TTL by the routers on the way.

import type { Ip } from '../base/addresses.ts'

/** Group: which packets are compared with each other: SYNs, other TCP packets, UDP. */
export type Group = 'opening' | 'other' | 'udp'
/** GROUPS: all of them. */
export const GROUPS = ['opening', 'other', 'udp'] as const satisfies readonly Group[]

/** Facts: of one packet. Absent: not of this protocol, or not recorded. */
export interface Facts {
  readonly protocol: 'tcp' | 'udp'
  readonly source: Ip
  readonly destination?: Ip
  readonly sourcePort: number
  readonly port?: number
  /** TCP's flags byte. */
  readonly flags?: number
  readonly window?: number
  readonly options?: 'none' | 'some'
  /** Bytes of the IP packet. */
  readonly length: number
  readonly ttl: number
  /** The first four bytes of the payload, and the four after them, in hexadecimal. */
  readonly head?: string
  readonly next?: string
}

/** FIELDS: those whose distribution is looked at, of each group. */
export const FIELDS = {
  opening: ['window', 'options', 'length', 'ttl', 'sourcePort'],
  other: ['flags', 'window', 'options', 'length', 'ttl', 'sourcePort'],
  udp: ['length', 'head', 'next', 'ttl', 'sourcePort'],
} as const satisfies Readonly<Record<Group, readonly (keyof Facts)[]>>
export type Field = (typeof FIELDS)[Group][number]

/** Seen: a packet of a service that was recorded. `at`: ms of the epoch. */
export interface Seen {
  readonly at: number
  /** It asks for a connection: a SYN without ACK. */
  readonly isOpening: boolean
  readonly facts: Facts
}

/** groupOf a packet. */
export const groupOf = ({ isOpening, facts }: Seen): Group =>
  facts.protocol === 'udp' ? 'udp' : isOpening ? 'opening' : 'other'

/** byGroup: something of each group. */
export const byGroup = <T>(make: (group: Group) => T): Readonly<Record<Group, T>> => ({
  opening: make('opening'),
  other: make('other'),
  udp: make('udp'),
})
