// What nodes of a cluster tell each other of their roles, every second (cluster/peers.ts, part `roles`): so that a split
// brain is seen over a second way, and that nobody hands a role to a node that cannot take it. Pure but for peers.

import { z } from 'zod'
import { type Json, type Peers, type PeerView, partOf } from '../cluster/peers.ts'
import type { SetStatus } from '../vrrp/protocol.ts'
import { TAKEOVERS_KEPT, type Takeover, takeoverSchema } from './takeovers.ts'

const PART = 'roles'

const setRole = z.object({
  role: z.enum(['initialize', 'backup', 'active']),
  since: z.number(),
  priority: z.int(),
  faults: z.array(z.string()),
  /** Sources of its adverts. */
  from: z.array(z.string()).default([]),
  /** All that it knows of, its own and others'. */
  takeovers: z.array(takeoverSchema).max(TAKEOVERS_KEPT).default([]),
  /** When it raised an alarm that is on; ms of the time of day there; 0: there is none. */
  alarmedAt: z.number().default(0),
})
const rolesPart = z.object({ sets: z.record(z.string(), setRole) })

/** PeerRole: another node's role for a set, as it says itself. */
export type PeerRole = z.infer<typeof setRole>

/** FAULTS: names of faults that are told of a set; SOURCES: addresses. */
const FAULTS = 8
const SOURCES = 64

/** Alarmed: what is told of a set beside its status (role-alarms.ts). */
interface Alarmed {
  readonly takeovers: readonly Takeover[]
  readonly alarmedAt: number
}

/** publishRoles: this node's; `undefined`: vrrp is not there, and nothing is known. */
export function publishRoles(
  peers: Peers,
  sets: readonly SetStatus[] | undefined,
  alarmed: (set: string) => Alarmed = () => ({ takeovers: [], alarmedAt: 0 }),
): void {
  const all = sets?.map(({ name, role, since, priority, faults, routers }): [string, Json] => {
    const from = routers.flatMap(({ primary }) => primary ?? []).slice(0, SOURCES)
    const names = faults.slice(0, FAULTS).map((each) => each.name)
    const { takeovers, alarmedAt } = alarmed(name)
    return [
      name,
      {
        role,
        since,
        priority,
        faults: names,
        from,
        takeovers: takeovers.map((each) => ({ ...each })),
        alarmedAt,
      },
    ]
  })
  peers.publish(PART, all && { sets: Object.fromEntries(all) })
}

/** PeerOfSet: a node and what it says of a set; undefined: nothing. */
export interface PeerOfSet {
  readonly peer: PeerView
  readonly role: PeerRole | undefined
}

/** peersOf a set: all other nodes. What one that is not connected said last says nothing of now. */
export const peersOf = (peers: Peers, set: string): PeerOfSet[] =>
  peers.nodes().map((peer) => ({
    peer,
    role: peer.state === 'connected' ? partOf(peer, PART, rolesPart)?.sets[set] : undefined,
  }))

/** saidLast: what other nodes said of a set last, by node, whatever has become of them; not of those that say nothing. */
export const saidLast = (peers: Peers, set: string): ReadonlyMap<string, PeerRole> =>
  new Map(
    peers.nodes().flatMap((peer) => {
      const role = partOf(peer, PART, rolesPart)?.sets[set]
      return role ? [[peer.name, role] as const] : []
    }),
  )

/** whoSpeaksFrom: the node whose adverts of a set come from this address, as it said last. */
export const whoSpeaksFrom = (peers: Peers, set: string, address: string): string | undefined =>
  peers.nodes().find((peer) => partOf(peer, PART, rolesPart)?.sets[set]?.from.includes(address))?.name

/** mayTake: it would be active if nobody else was. */
export const mayTake = ({ role }: PeerOfSet): boolean => role?.role === 'backup' && role.faults.length === 0
