// What the controller's loop works with: the outside world, handed in, so that tests hand in another.

import type { DesiredState } from '../config/state.ts'
import type { FoundPool } from '../engine/holders.ts'
import type { EventLog } from '../events/event-log.ts'
import type { Network } from '../netlink/network.ts'
import type { Problem } from './api-schema.ts'
import type { OpenChecker } from './checker.ts'
import type { Log } from './log.ts'
import type { MachineMemory } from './memory.ts'
import type { Notifications } from './notifications.ts'
import type { OverrideStore } from './override-store.ts'
import type { PacketPath } from './ports.ts'
import type { RecordStore } from './record.ts'
import type { PromoteSecondaries } from './service-addresses.ts'

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
  /** settleMs: how long an apply waits for the first answers of servers. */
  readonly settleMs: number
  /** checkerPatienceMs: how long it waits for a checker's first word. */
  readonly checkerPatienceMs: number
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
