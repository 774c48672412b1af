// What happens to a service, in order, to LVS and to us alike: connections open, are used and are closed, weights
// change. Plain data from a seed, so that a guest and its host have the same.

import { Seeded } from '../../src/bpf/seeded.ts'
import { tcpFlag } from '../../src/wire/tcp.ts'

/** Scheduler: by LVS's names. */
export type Scheduler = 'rr' | 'wrr' | 'lc' | 'wlc' | 'sed' | 'nq' | 'mh' | 'sh'

/** Packet: a segment of a client's connection. */
export interface Packet {
  readonly kind: 'syn' | 'ack' | 'fin' | 'rst'
  /** 0..65,535: the low half of the client's address. */
  readonly client: number
  readonly port: number
}

/** SEGMENT: the flags of each kind. */
export const SEGMENT = {
  syn: tcpFlag.SYN,
  ack: tcpFlag.ACK,
  fin: tcpFlag.FIN | tcpFlag.ACK,
  rst: tcpFlag.RST,
} as const

/** WeightChange: a server's weight, by the operator. */
export interface WeightChange {
  readonly kind: 'weight'
  readonly member: number
  readonly weight: number
}

export type Arrival = Packet | WeightChange

/** Service: servers with weights, in LVS's order of them, and what happens. */
export interface Service {
  readonly name: string
  readonly scheduler: Scheduler
  /** ipvsadm's scheduler flags (-b). */
  readonly flags?: string
  /** What of a client chooses its server, for schedulers that hash. */
  readonly hash?: 'flow' | 'source'
  readonly weights: readonly number[]
  readonly arrivals: readonly Arrival[]
}

/** isPacket tells packets from changes. */
export const isPacket = (arrival: Arrival): arrival is Packet => arrival.kind !== 'weight'

/** Traffic: how a service is used. */
interface Traffic {
  readonly seed: number
  readonly packets: number
  /** By the number of packets before it. */
  readonly changes: ReadonlyMap<number, readonly (readonly [member: number, weight: number])[]>
  /**
   * Closed by RST as well, once they are established: LVS does not believe one before. It forgets a reset connection
   * after 10 s, so this is for schedulers that do not look at those.
   */
  readonly resets: boolean
}

/** mixedTraffic: half of the packets open a connection, the others use, close or break one that is open. */
export function mixedTraffic({ seed, packets, changes, resets }: Traffic): readonly Arrival[] {
  const random = new Seeded(seed)
  const open: { client: number; port: number; established: boolean }[] = []
  const arrivals: Arrival[] = []
  for (let n = 0; n < packets; n++) {
    for (const [member, weight] of changes.get(n) ?? []) arrivals.push({ kind: 'weight', member, weight })
    if (open.length === 0 || random.chance(50)) {
      const [client, port] = [random.below(65_536), 1_024 + n]
      open.push({ client, port, established: false })
      arrivals.push({ kind: 'syn', client, port })
      continue
    }
    const at = random.below(open.length)
    const flow = open[at]!
    const { client, port } = flow
    const kind = random.chance(60) ? 'ack' : resets && flow.established && random.chance(50) ? 'rst' : 'fin'
    arrivals.push({ kind, client, port })
    if (kind === 'ack') flow.established = true
    else open.splice(at, 1)
  }
  return arrivals
}

/** manyClients: connections of that many clients, from two ports each, which are below 32,768. */
export function manyClients(seed: number, clients: number): readonly Packet[] {
  const random = new Seeded(seed)
  const chosen = new Set<number>()
  while (chosen.size < clients) chosen.add(random.below(65_536))
  return [...chosen].flatMap((client) => {
    const port = 1_024 + random.below(30_000)
    return [port, port + 1].map((port) => ({ kind: 'syn', client, port }) as const)
  })
}
