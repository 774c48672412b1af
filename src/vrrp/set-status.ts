// An address set's status as main is told it. Pure but for the time of day.

import { formatIp, type Ip } from '../base/addresses.ts'
import type { RoleName } from './event.ts'
import type { Verdict } from './fitness-watch.ts'
import { type Group, groupRole } from './group.ts'
import type { MemberSpec } from './members.ts'
import type { SetStatus } from './protocol.ts'
import type { Tallies } from './tallies.ts'

/** Heard: the last advert that counted; `at` in ms of the epoch. */
export interface Heard {
  readonly from: Ip
  readonly priority: number
  readonly at: number
}

/** activeOf: who is active as far as a backup knows; one that has left is not. */
export const activeOf = (role: RoleName, heard: Heard | undefined): SetStatus['active'] =>
  role !== 'backup' || heard === undefined || heard.priority === 0
    ? undefined
    : { from: formatIp(heard.from), priority: heard.priority, at: heard.at }

interface Parts {
  readonly name: string
  readonly since: number
  readonly group: Group
  readonly members: readonly MemberSpec[]
  readonly verdict: Verdict
  readonly tracks: SetStatus['tracks']
  readonly tallies: Tallies
  readonly active: SetStatus['active']
  readonly unread: string | undefined
  readonly unrouted: readonly string[]
  readonly heldForMs: number
}

export function statusOf(parts: Parts): SetStatus {
  const { name, since, group, members, verdict, tracks, tallies, active, unread, unrouted, heldForMs } = parts
  return {
    ...{ name, role: groupRole(group), since, priority: verdict.priority, tracks },
    faults: [...verdict.faults],
    ...(active && { active }),
    ...(unread !== undefined && { unread }),
    ...(unrouted.length > 0 && { unrouted: [...unrouted] }),
    ...(heldForMs > 0 && { heldUntil: Date.now() + heldForMs }),
    routers: members.map((member) => {
      const { router, state } = group.members.get(member.name)!
      const { vrid, primary } = router
      return {
        ...{ name: member.name, nic: member.nic, vrid, role: state.phase.role },
        ...(primary !== 0 && { primary: formatIp(primary) }),
      }
    }),
    counters: tallies.counters,
    lateness: tallies.lateness,
  }
}
