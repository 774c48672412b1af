// Engine: what forwards packets, behind one interface, so that the daemon does not know whether it is the
// generated XDP program or (later) the kernel's IPVS. An engine owns everything it put into the kernel and finds
// it again by its pins; it reads no file and knows no node. All calls are synchronous.

import type { Endpoint, Ip, Mac, Protocol } from '../base/addresses.ts'
import type { OnFailure, Timeouts, Track } from '../dataplane/shape.ts'

/** EngineSpec: what is to be forwarded. Plain data; names are the file's. Lists are in the file's order. */
export interface EngineSpec {
  readonly interface: {
    readonly name: string
    readonly index: number
    readonly mac: Mac
    readonly mtu: number
  }
  readonly services: readonly {
    readonly name: string
    readonly listeners: readonly {
      readonly address: Ip
      readonly port: number
      readonly protocol: Protocol
    }[]
    readonly pool: string
    readonly track: Track
    readonly onFailure: OnFailure
    readonly hash: 'flow' | 'source'
    readonly timeouts: Timeouts
  }[]
  /** Weights 0..; a weight of 0 keeps the server known but gives it no slot. */
  readonly pools: readonly {
    readonly name: string
    readonly members: readonly { readonly server: string; readonly weight: number }[]
  }[]
  readonly servers: readonly { readonly name: string; readonly address: Ip }[]
}

/** Neighbour: how a server is reached on the link; without a MAC it is unusable and `why` says so. */
export type Neighbour = { readonly mac: Mac } | { readonly why: string }

export interface Traffic {
  readonly packets: bigint
  /** IP bytes (total length), without Ethernet. */
  readonly bytes: bigint
}

export interface EngineStatus {
  readonly engine: 'xdp'
  readonly mode: 'native' | 'generic'
  readonly program: {
    readonly id: number
    readonly instructions: number
    /** Milliseconds for load and verification. */
    readonly loadMs: number
    readonly generation: number
  }
  /** Bytes of the maps of this generation, in whole pages. */
  readonly memoryBytes: number
  /** Packets per outcome name (dataplane/outcomes.ts). */
  readonly outcomes: Readonly<Record<string, bigint>>
  readonly services: readonly ({ readonly name: string } & Traffic)[]
  /** `share`: the part of all slots of the pools it is in that it holds now, 0..1. */
  readonly servers: readonly ({
    readonly name: string
    readonly neighbour: Neighbour
    readonly share: number
  } & Traffic)[]
}

/** Trace: every step of why a packet of a client to a listener goes where it goes. */
export interface Trace {
  readonly outcome: string
  readonly service?: string
  readonly pool?: string
  readonly slot?: { readonly index: number; readonly of: number; readonly hash: number }
  readonly server?: string
  readonly mac?: Mac
  /** Human sentences, in order. */
  readonly steps: readonly string[]
}

/** Applied: what apply did. `taken-over`: what runs already is exactly this. */
export interface Applied {
  readonly change: 'taken-over' | 'replaced' | 'created'
  readonly generation: number
  readonly loadMs: number
  readonly instructions: number
  /** Sentences worth logging: older pins replaced, generic mode, link renewed. */
  readonly notes: readonly string[]
}

export interface Engine extends Disposable {
  /**
   * apply makes the kernel forward by `spec`: all or nothing, in one step without a lost packet; `neighbours` by
   * server name (absent = not resolved yet). Throws TenbinError; what ran before still runs then.
   */
  apply(spec: EngineSpec, neighbours: ReadonlyMap<string, Neighbour>): Applied
  /** setNeighbour: a server's MAC became known, changed or was lost. Moves only that server's slots. */
  setNeighbour(server: string, neighbour: Neighbour): void
  /** status reads counters and state; at least once applied. */
  status(): EngineStatus
  trace(client: Endpoint, listener: Endpoint, protocol?: Protocol): Trace
  /** Dispose: close descriptors; what is pinned goes on forwarding. */
  [Symbol.dispose](): void
}
