// What the daemon needs of the packet path beyond Engine, so that its loop can be tested with a fake one. The real
// one is src/engine/xdp.ts.

import type { Rewritten } from '../engine/audit.ts'
import type { Engine } from '../engine/engine.ts'
import type { Replica } from '../engine/replica.ts'

/** PacketPath: an engine that says whether the kernel still has what it applied, and what the program is. */
export interface PacketPath extends Engine {
  /**
   * drift: sentences about what is no longer as apply left it (link gone or severed, another program attached,
   * pins missing); empty = nothing. Cheap enough for every few seconds. apply() with the same spec repairs it.
   */
  drift(): readonly string[]
  /**
   * audit compares a part of the packet path's memory with what was written there, and mends what somebody else has
   * written; all of it in a few seconds when called ten times a second.
   */
  audit(): readonly Rewritten[]
  /** keys: the hash key in use, after the first apply: the pinned one if there was one. */
  readonly keys: BigUint64Array
  /** rekey: from the next apply on these are used, whatever is pinned, and flows are spread anew. */
  rekey(keys: BigUint64Array): void
  /** replica: what is shared with other nodes. */
  readonly replica: Replica
  /** listing: the program of the last apply, one instruction or source line each. */
  listing(): readonly string[]
}

/** openPacketPath: how the daemon gets it. `keys` are used where nothing pinned has its own. */
export type OpenPacketPath = (options: {
  readonly instance: string
  readonly keys: BigUint64Array
}) => PacketPath
