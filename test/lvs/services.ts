// The services that LVS and we are compared on.

import type { LeastKind } from '../../src/schedule/least.ts'
import type { RotationKind } from '../../src/schedule/rotation.ts'
import { isPacket, manyClients, mixedTraffic, type Packet, type Service } from './arrivals.ts'

const PACKETS = 300

/** Weights, and what they become: a server is drained, returns, others change. */
const pools = {
  equal: [1, 1, 1, 1, 1],
  weighted: [4, 3, 2, 1],
  'with a divisor': [6, 0, 9, 3],
} as const

/** DRAIN: a server has no weight from one packet to another. */
export const DRAIN = { server: 0, from: 60, to: 120 } as const

const changes = new Map([
  [DRAIN.from, [[DRAIN.server, 0]]],
  [DRAIN.to, [[DRAIN.server, 5]]],
  [
    160,
    [
      [2, 4],
      [3, 8],
    ],
  ],
  [220, [[1, 2]]],
] as const)

/** Everybody's weight goes to 0, and back. */
const emptied = (members: number) => {
  const all = (weight: (member: number) => number) =>
    Array.from({ length: members }, (_, member) => [member, weight(member)] as const)
  return new Map([
    [50, all(() => 0)],
    [70, all((member) => member + 1)],
  ])
}

/** ExactService: one whose scheduler counts, turns or connections. */
export interface ExactService extends Service {
  readonly scheduler: RotationKind | LeastKind
  /** Its first server is drained for a while. */
  readonly drained: boolean
}

const counting: readonly ExactService['scheduler'][] = ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq']

/** exactServices: both must give every packet to the same server. */
export const exactServices: readonly ExactService[] = counting.flatMap((scheduler, s) => {
  const resets = scheduler !== 'lc' && scheduler !== 'wlc'
  const changed = Object.entries(pools).map(([name, weights], w): ExactService => {
    const traffic = { seed: 100 * s + w, packets: PACKETS, changes, resets }
    return {
      name: `${scheduler}, ${name}`,
      scheduler,
      drained: true,
      weights,
      arrivals: mixedTraffic(traffic),
    }
  })
  const weights = [2, 1, 3]
  const traffic = { seed: 100 * s + 99, packets: 100, changes: emptied(weights.length), resets }
  const name = `${scheduler}, emptied`
  return [...changed, { name, scheduler, drained: false, weights, arrivals: mixedTraffic(traffic) }]
})

/** DRAINED: the server whose weight goes to 0 in hashed services. */
export const DRAINED = 1
const CLIENTS = 600
const HASHED_WEIGHTS = [1, 2, 4, 1]

/**
 * HashedService: new connections of many clients, two each, then a drain, then a packet of each connection and another
 * new one for each.
 */
export interface HashedService extends Service {
  readonly scheduler: 'mh' | 'sh'

  /** What of a client chooses its server. */
  readonly hash: 'flow' | 'source'
}

function hashed(name: string, scheduler: 'mh' | 'sh', flags: string, hash: 'flow' | 'source'): HashedService {
  const opened = manyClients(7, CLIENTS)
  const used = opened.map((packet): Packet => ({ ...packet, kind: 'ack' }))
  const again = opened.map((packet): Packet => ({ ...packet, port: packet.port + 30_000 }))
  const drain = { kind: 'weight', member: DRAINED, weight: 0 } as const
  return {
    ...{ name, scheduler, flags, hash, weights: HASHED_WEIGHTS },
    arrivals: [...opened, drain, ...used, ...again],
  }
}

/** hashedServices: both must spread clients alike. */
export const hashedServices: readonly HashedService[] = [
  hashed('mh', 'mh', 'mh-fallback', 'source'),
  hashed('mh with ports', 'mh', 'mh-fallback,mh-port', 'flow'),
  hashed('sh', 'sh', 'sh-fallback', 'source'),
  hashed('sh with ports', 'sh', 'sh-fallback,sh-port', 'flow'),
]

export const services: readonly Service[] = [...exactServices, ...hashedServices]

/** packetsOf a service, in order. */
export const packetsOf = ({ arrivals }: Service): readonly Packet[] => arrivals.filter(isPacket)
