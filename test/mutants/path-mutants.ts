// Mutants of the packet path, by what they break.

import { packetMutants } from './packet-mutants.ts'
import { acceptMutants } from './path-accept.ts'
import { countingMutants } from './path-counting.ts'
import { defenceMutants } from './path-defence.ts'
import { egressMutants } from './path-egress.ts'
import { forwardingMutants } from './path-forwarding.ts'
import { guardMutants } from './path-guards.ts'
import { ipv6Mutants } from './path-ipv6.ts'
import { proofMutants } from './path-proof.ts'
import { rangeMutants } from './path-ranges.ts'
import { tableMutants } from './path-tables.ts'
import { turnMutants } from './path-turn.ts'
import { persistenceMutants } from './persistence-mutants.ts'
import type { Mutant } from './run-mutant.ts'

/** pathMutants: all of them. */
export const pathMutants: readonly Mutant[] = [
  ...countingMutants,
  ...guardMutants,
  ...forwardingMutants,
  ...egressMutants,
  ...ipv6Mutants,
  ...tableMutants,
  ...packetMutants,
  ...rangeMutants,
  ...persistenceMutants,
  ...turnMutants,
  ...acceptMutants,
  ...proofMutants,
  ...defenceMutants,
]
