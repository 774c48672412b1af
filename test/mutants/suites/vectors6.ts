// The vectors again, those of shapes with IPv6 listeners first: mutants of IPv6 are noticed sooner.

import { isIp4 } from '../../../src/base/addresses.ts'
import { fixtures } from '../../../src/dataplane/vectors/fixtures.ts'
import type { Vector } from '../../../src/dataplane/vectors/vector.ts'
import { vectors } from '../../../src/dataplane/vectors/vectors.ts'
import { runThrough } from './vectors.ts'

const isOfIpv6 = ({ fixture }: Vector): boolean =>
  fixtures[fixture].shape.listeners.some(({ address }) => !isIp4(address))

/** run throws at the first difference. */
export const run = (first?: string): void =>
  runThrough([...vectors.filter(isOfIpv6), ...vectors.filter((vector) => !isOfIpv6(vector))], first)
