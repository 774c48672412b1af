// Engine: what forwards packets, behind one interface, so that the daemon does not know whether it is the
// generated XDP program or (later) the kernel's IPVS. An engine owns everything it put into the kernel and finds
// it again by its pins; it reads no file and knows no node. All calls are synchronous.

import type { Endpoint, Ip, Mac, Protocol } from '../base/addresses.ts'
import type { Steps } from '../base/steps.ts'
import type { CountingScheduler, Nat, OnFailure, Persistence, Timeouts, Track } from '../dataplane/shape.ts'
import type { DefenceSpec, ServiceDefence } from './defence-spec.ts'
import type { EngineDefence } from './defence-status.ts'
import type { RecorderReader } from './recorded.ts'

/** Limits: what the memory of flows is bounded by, whatever arrives. */
export interface Limits {
  /** How many flows have room in the flow table; it is there only if a service has `track` other than `none`. */
  readonly flows: number
  /** New flows a second on one CPU above which no more are recorded. */
  readonly newFlows: number
}
/** LIMITS: those of a file that says nothing. */
export const LIMITS: Limits = { flows: 262_144, newFlows: 100_000 }

/** EngineInterface: a NIC that forwards: clients' packets come in by it, and servers may be behind it. */
export interface EngineInterface {
  readonly name: string
  readonly index: number
  readonly mac: Mac
  readonly mtu: number
}

/** EngineServer: `network`: the prefix length of the network that it is on, where that is the node's, too, and nat matters. */
export interface EngineServer {
  readonly name: string
  readonly address: Ip
  readonly network?: number
}

/** Weighed: a server of a pool. */
export interface Weighed {
  readonly server: string
  readonly weight: number
}

/** EngineSpec: what is to be forwarded. Plain data; names are the file's. Lists are in the file's order. */
export interface EngineSpec {
  /** At least one. Each forwards every service. */
  readonly interfaces: readonly EngineInterface[]
  readonly services: readonly {
    readonly name: string
    readonly listeners: readonly {
      readonly address: Ip
      readonly port: number
      /** The last port of a range that begins with `port`; 1..65535 are all ports. The narrowest around a port has it. */
      readonly lastPort?: number
      readonly protocol: Protocol
    }[]
    readonly pool: string
    readonly track: Track
    readonly onFailure: OnFailure
    readonly hash: 'flow' | 'source'
    /** Who picks the server of a new flow; absent: its slot. With one, `track` is `all`. */
    readonly scheduler?: CountingScheduler
    readonly timeouts: Timeouts
    /** Client networks are kept with their server; with `track: all` only. */
    readonly persistence?: Persistence
    /** Packets are translated to the servers' addresses, and all its flows tracked; absent: dsr. */
    readonly nat?: Nat
    /** Where the node has a defence: what is said of this service; absent: proof is asked for by itself, and no ceiling. */
    readonly defence?: ServiceDefence
  }[]
  /** Weights 0..65535; a weight of 0 keeps the server known but gives it no slot. Schedulers that count go by this order. */
  readonly pools: readonly {
    readonly name: string
    readonly members: readonly Weighed[]
    /** Who answers where no member can, or fewer than the pool needs; nobody of `members`, at least one with a weight. */
    readonly sorry?: readonly Weighed[]
  }[]
  readonly servers: readonly EngineServer[]
  readonly limits: Limits
  /** Other nodes are told of records: packets leave word of those that they make. Absent: nobody is. */
  readonly isTold?: boolean
  /** Absent: nothing is defended, and costs nothing. */
  readonly defence?: DefenceSpec
  /** Checks go through service addresses, from these addresses of the node's own; absent: none does. */
  readonly turn?: { readonly addresses: readonly NodeAddress[] }
  /** Virtual routers with MACs of their own, which the node has while it is active for them; absent: none. */
  readonly virtual?: readonly VirtualRouter[]
  /** Addresses whose packets a listener gets or nobody, by whichever interface they come; no two are the same. Absent: none. */
  readonly unaccepted?: readonly Ip[]
}

/** VirtualRouter: `on`: the name of the interface that it is on; it need not be one of the spec's now. */
export interface VirtualRouter {
  readonly on: string
  readonly family: 4 | 6
  readonly vrid: number
}

/** NodeAddress: `on`: the name of the interface that has it. */
export interface NodeAddress {
  readonly on: string
  readonly address: Ip
  readonly prefix: number
}

/**
 * ServerView: what is known of a server in one pool at run time, beside how it is reached. Two views that are equal
 * are the same whatever came between them.
 */
export interface ServerView {
  /** false: it failed. Its slots go to others at once, and its flows end or stay by the service's `onFailure`. */
  readonly up: boolean
  /**
   * Absent: the configured one. Below it: a part of the server's slots goes to others. 0: it drains, and gets nothing
   * new. Above: the configured one counts.
   */
  readonly weight?: number
  /** Seconds after which a drain counts as done, whatever flows are left. Absent: when the last one has been silent for its time-out. */
  readonly drainS?: number
}

/** Views: by pool, then by server. A pair that is absent keeps what was known, or is up with its configured weight. */
export type Views = ReadonlyMap<string, ReadonlyMap<string, ServerView>>

/** Changed: what a view did. */
export interface Changed {
  /** Slots of the pool that went from or to the server: so many words were written. */
  readonly slots: number
  /** How many slots the pool has. */
  readonly of: number
  /** How many other servers they went to, or came from. */
  readonly peers: number
  /** The weight that counts now: never above the configured one. */
  readonly weight: number
  /** The view asked for more than the configured weight. */
  readonly clamped: boolean
}

/** Neighbour: how a server is reached, `on` which interface, by name; without a MAC it is unusable and `why` says so. */
export type Neighbour = { readonly mac: Mac; readonly on: string } | { readonly why: string }

export interface Traffic {
  readonly packets: bigint
  /** IP bytes (total length), without Ethernet. */
  readonly bytes: bigint
}

/** Totals: counters by name. Names that a generation does not have are not there. */
export interface Totals {
  readonly outcomes: ReadonlyMap<string, bigint>
  readonly events: ReadonlyMap<string, bigint>
  readonly services: ReadonlyMap<string, Traffic>
  readonly servers: ReadonlyMap<string, Traffic>
}

/** Drain: how far a server with a run-time weight of 0 is. Seconds are counted from now. */
export interface Drain {
  /** How long ago it began; after a restart of the daemon it begins anew. */
  readonly sinceS: number
  /** Flows known to be with it still. */
  readonly flows: number
  /** How long ago the last of them sent something; absent while none is known. */
  readonly silentS?: number
  /** Until it counts as done whatever flows are left; absent: no deadline. */
  readonly leftS?: number
  /** No flow of it is left that has sent within its time-out, or the deadline has passed. */
  readonly done: boolean
}

/** PoolServer: a server as one pool sees it. */
export interface PoolServer {
  readonly name: string
  /** `unreachable`: its MAC is not known; the neighbour of `servers` says why. `off`: configured with weight 0. */
  readonly state: 'up' | 'failed' | 'unreachable' | 'draining' | 'off'
  /** A sorry server: `share` is 0 while members answer. */
  readonly isSorry?: true
  /** What counts now, and what the file says. */
  readonly weight: number
  readonly configured: number
  /** The part of this pool's slots that it holds now, 0..1. */
  readonly share: number
  /** Live records of flows of this pool's services that are with it. */
  readonly flows: number
  /** Where a scheduler looks at them: connections, from their SYN on, and those of which a FIN or RST was seen. */
  readonly active?: number
  readonly inactive?: number
  readonly drain?: Drain
}

export interface PoolStatus {
  readonly name: string
  readonly slots: number
  /** Slots that changed hands within the longest time-out of the pool's services: those whose flows are looked up. */
  readonly young: number
  /** Its sorry servers take what is new. */
  readonly isSorry: boolean
  readonly servers: readonly PoolServer[]
}

/** FlowsStatus: the flow table as the last full sweep found it. */
export interface FlowsStatus {
  /** How many have room. */
  readonly capacity: number
  readonly bytes: number
  /** Flows, and client networks that are kept with a server. */
  readonly live: number
  readonly networks: number
  /** Live flows by state; `established` includes UDP. */
  readonly closed: number
  readonly syn: number
  readonly established: number
}

export interface EngineStatus {
  readonly engine: 'xdp'
  readonly generation: number
  /** As EngineSpec has them: the program on each. */
  readonly interfaces: readonly {
    readonly name: string
    readonly mode: 'native' | 'generic'
    readonly programId: number
    readonly instructions: number
    /** Milliseconds for load and verification. */
    readonly loadMs: number
  }[]
  /** Bytes of the maps of this generation, in whole pages: the sum of `maps`. */
  readonly memoryBytes: number
  readonly maps: readonly { readonly name: string; readonly bytes: number }[]
  /** Absent: no service of the file has flows remembered. */
  readonly flows?: FlowsStatus
  /** Packets per outcome name (dataplane/outcomes.ts). */
  readonly outcomes: Readonly<Record<string, bigint>>
  /** Where flows are remembered: what happened to records, by event name (dataplane/outcomes.ts). */
  readonly events?: Readonly<Record<string, bigint>>
  /** `networks`: those that are kept with a server. `flows`: live records: all of its flows with `track: all`, those whose server changed with `changes`. */
  readonly services: readonly ({
    readonly name: string
    readonly flows: number
    readonly networks: number
  } & Traffic)[]
  readonly pools: readonly PoolStatus[]
  /** `share`: the part of all slots of the pools it is in that it holds now, 0..1. */
  readonly servers: readonly ({
    readonly name: string
    readonly neighbour: Neighbour
    readonly share: number
    readonly flows: number
  } & Traffic)[]
}

/** Trace: every step of why a packet of a client to a listener goes where it goes. */
export interface Trace {
  readonly outcome: string
  readonly service?: string
  readonly pool?: string
  readonly slot?: { readonly index: number; readonly of: number; readonly hash: number }
  /** Who gets a new flow of this slot. */
  readonly current?: string
  /** Who had the slot before the oldest change that is still young; absent where that is nobody, or `current`. */
  readonly settled?: string
  /** What is remembered of this very flow. */
  readonly record?: {
    readonly server: string
    readonly state: 'closed' | 'syn' | 'established'
    /** Since its last packet. */
    readonly ageS: number
  }
  /** What is remembered of the client's network, where its service persists. */
  readonly network?: {
    readonly network: string
    readonly server: string
    readonly leftS: number
  }
  /** Who gets the next packet of an established flow with these ends. */
  readonly server?: string
  readonly mac?: Mac
  /** The interface that it is reached by. */
  readonly interface?: string
  /** Human sentences, in order. */
  readonly steps: readonly string[]
}

/** Applied: what apply did. `taken-over`: what runs already is exactly this; `amended`: single words of it became others. */
export interface Applied {
  readonly change: 'taken-over' | 'amended' | 'replaced' | 'created'
  readonly generation: number
  /** Of all programs together. */
  readonly loadMs: number
  /** Of the longest program. */
  readonly instructions: number
  /** Sentences worth logging: older pins replaced, generic mode, link renewed. */
  readonly notes: readonly string[]
}

export interface Engine extends Disposable {
  /** recorder: what was recorded of packets; undefined: nothing is. */
  readonly recorder: RecorderReader | undefined
  /** defence: of the spec that runs; undefined: nothing is defended. */
  readonly defence: EngineDefence | undefined
  /**
   * apply makes the kernel forward by `spec`: all or nothing, in one step without a lost packet; `neighbours` by
   * server name (absent = not resolved yet), `lost` all pools that are (setLost). Throws TenbinError; what ran before
   * still runs then.
   */
  apply(
    spec: EngineSpec,
    neighbours: ReadonlyMap<string, Neighbour>,
    views?: Views,
    lost?: ReadonlySet<string>,
  ): Applied
  /** setNeighbour: a server's MAC became known, changed or was lost. Moves only that server's slots. */
  setNeighbour(server: string, neighbour: Neighbour): void
  /**
   * setServer: a server of a pool failed, returned, drains, or has another weight. Writes the slots that change and
   * nothing else. A pool or server that is not applied (any more) is none of its business: 0 slots.
   */
  setServer(pool: string, server: string, view: ServerView): Changed
  /**
   * setLost: too few of a pool's members are left, or enough are back: its sorry servers, where one can, take what is new
   * from members that could still. Returns how many slots were written; of a pool that is not applied, 0.
   */
  setLost(pool: string, isLost: boolean): number
  /** sorry: the pools whose sorry servers take what is new; cheap. */
  sorry(): ReadonlySet<string>
  /**
   * tick does what comes with time, a few milliseconds of it at most: changes stop being young, records past their
   * time-outs go, flows are counted. Meant for ten calls a second; fewer make records live longer, nothing else.
   */
  tick(): void
  /** status reads counters and state; at least once applied. */
  status(): EngineStatus
  /** statusSteps: the same in steps, a pool each; of what is applied when they are over. */
  statusSteps(): Steps<EngineStatus>
  /** totals reads the counters alone, which never go back as long as something is pinned. */
  totals(): Totals
  trace(client: Endpoint, listener: Endpoint, protocol?: Protocol): Trace
  /** Dispose: close descriptors; what is pinned goes on forwarding. */
  [Symbol.dispose](): void
}
