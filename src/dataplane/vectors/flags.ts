// All 256 values of the flags byte: today none makes a difference, and none may.

import { tcpFlag } from '../../wire/tcp.ts'
import { forwards, type Vector } from './vector.ts'

const names = (flags: number): string =>
  Object.entries(tcpFlag)
    .filter(([, bit]) => flags & bit)
    .map(([name]) => name)
    .join(' ') || 'none'

/** flagVectors: forwarded. */
export const flagVectors: readonly Vector[] = Array.from({ length: 256 }, (_, flags) =>
  forwards(`TCP flags ${flags}: ${names(flags)}`, { tcp: { flags } }),
)
