// All constructs, by theme.

import { callConstructs } from './calls.ts'
import type { Construct } from './construct.ts'
import { functionConstructs } from './functions.ts'
import { keptConstructs } from './kept.ts'
import { mapConstructs } from './maps.ts'
import { memoryConstructs } from './memory.ts'
import { packetConstructs } from './packets.ts'
import { valueConstructs } from './values.ts'

/** constructs: what a kernel must do. */
export const constructs: readonly Construct[] = [
  ...memoryConstructs,
  ...mapConstructs,
  ...valueConstructs,
  ...packetConstructs,
  ...callConstructs,
  ...functionConstructs,
  ...keptConstructs,
]
