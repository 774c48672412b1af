// SetHost: what the address sets of a process share: its NICs, sockets, numbers, and who is told.

import type { AdvertPort } from './advert-port.ts'
import type { MemberSpec } from './members.ts'
import type { NicView } from './nic-view.ts'
import type { FindingTold, RoleChange } from './protocol.ts'
import type { Rtnl } from './rtnl-client.ts'
import type { TrailerNumbers } from './trailer-numbers.ts'

export interface SetHost {
  readonly rtnl: Rtnl
  /** bootMs. */
  readonly now: () => number
  /** isKnown: the NIC was looked at. */
  readonly isKnown: (name: string) => boolean
  /** nic as it was seen last; undefined: it is not there, or was not looked at. */
  readonly nic: (name: string) => NicView | undefined
  /** port of a member; undefined: it cannot be opened now. */
  readonly port: (member: MemberSpec) => Pick<AdvertPort, 'send'> | undefined
  /** sendFrame: false: no room now. Throws SyscallError. */
  readonly sendFrame: (frame: Uint8Array, ifindex: number) => boolean
  /** isRouter: whether the kernel calls itself a router in neighbour advertisements of a NIC. */
  readonly isRouter: (nic: string) => boolean
  readonly numbers: Pick<TrailerNumbers, 'begin' | 'next'>
  readonly onRole: (change: RoleChange) => void
  readonly onFinding: (told: FindingTold) => void
}
