// What the controller's loop works with: the outside world, handed in, so that tests hand in another.

import type { DesiredState } from '../config/state.ts'
import type { FoundPool } from '../engine/holders.ts'
import type { EventLog } from '../events/event-log.ts'
import type { Network } from '../netlink/network.ts'
import type { Problem, Status } from './api-schema.ts'
import type { OpenChecker } from './checker.ts'
import type { Failover } from './failover.ts'
import type { Flood } from './flood.ts'
import type { Log } from './log.ts'
import type { MachineMemory } from './memory.ts'
import type { Notifications } from './notifications.ts'
import type { OverrideStore } from './override-store.ts'
import type { PacketPath } from './ports.ts'
import type { RecordStore } from './record.ts'
import type { PromoteSecondaries } from './service-addresses.ts'
import type { Sharing } from './sharing.ts'

/** ControllerOptions: the outside world, handed in. The controller disposes of none of it. */
export interface ControllerOptions {
  readonly instance: string
  /** file: the path that every reload reads. */
  readonly file: string
  /** load reads the file. Throws ConfigError. */
  readonly load: (path: string) => DesiredState
  readonly network: Network
  readonly packetPath: PacketPath
  readonly store: RecordStore
  /** overrides: where what operators say of servers is kept. */
  readonly overrides: OverrideStore
  /** openChecker: what looks at servers. */
  readonly openChecker: OpenChecker
  /** failover: what has roles, and addresses by them. */
  readonly failover: Pick<Failover, 'adopt' | 'sweep' | 'problems' | 'status'>
  /** sharing: what other nodes are told of flows. */
  readonly sharing: Pick<Sharing, 'adopt' | 'sweep' | 'problems' | 'status'>
  /** flood: what operators say of floods, and what is seen of them. */
  readonly flood: Pick<Flood, 'defended' | 'adopt' | 'sweep' | 'problems'>
  /** self: this node's name in its cluster; empty: it is in none. */
  readonly self: () => string
  /** memory: this machine's, now. */
  readonly memory: () => MachineMemory
  /** keepKeys makes the packet path's hash key survive a boot. */
  readonly keepKeys: (keys: BigUint64Array) => void
  readonly log: Log
  /** events: where changes of state are told. */
  readonly events: EventLog
  /** notifications: who is told of events. */
  readonly notifications: Pick<Notifications, 'apply' | 'test'>
  /** elsewhere: what is wrong beside the packet path. */
  readonly elsewhere: () => readonly Problem[]
  readonly now: () => Date
  /** monotonic: ms of a clock that nobody sets. */
  readonly monotonic: () => number
  /** gapMs: between two looks at the machine because of what the network tells. */
  readonly gapMs: number
  /** settleMs: how long an apply waits for the first answers of servers. */
  readonly settleMs: number
  /** checkerPatienceMs: how long it waits for a checker's first word. */
  readonly checkerPatienceMs: number
  /** beside: what of a status is not the loop's: which revision counts, and the other nodes. */
  readonly beside?: () => Pick<Status, 'revision' | 'peers' | 'flood'>
  /** adopted: a file counts from now on, for what is not the loop's; it is applied, or waits to be. */
  readonly adopted: (desired: DesiredState) => void
  readonly promote?: PromoteSecondaries
  /** Stands in for /proc/sys. */
  readonly sysctlRoot?: string
  /** found: of the packet path that runs already when the daemon starts. */
  readonly found: Found
}

/** Found: the servers that it knows, and who holds slots of its pools. */
export interface Found {
  readonly servers: readonly string[]
  readonly pools: readonly FoundPool[]
}
