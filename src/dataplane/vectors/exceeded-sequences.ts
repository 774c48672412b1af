// How often senders are told that a TTL has run out: so many in a second, and again in the next, whenever that is.

import { EXCEEDED_PER_SECOND } from '../path-expired.ts'
import { outcomeAt, type Sequence, type Step } from './sequence.ts'
import { frameOf } from './vector.ts'

/** A second of the fixtures' clock: 2^8 jiffies. */
const SECOND = 256
const frame = frameOf({ ip: { ttl: 1 } })
const frame6 = frameOf({ ip6: { hopLimit: 1 } })
const silent = frameOf({ ip: { ttl: 1, source: '224.0.0.1' } })

/** A full second from `now` on, and one more. */
const full = (now: number): Step[] => [
  ...Array.from({ length: EXCEEDED_PER_SECOND }, () => outcomeAt(now, frame, 'time-exceeded')),
  outcomeAt(now, frame, 'ttl'),
]
const starts: readonly (readonly [string, number])[] = [
  ['the first of all', 0],
  ['an ordinary one', 123_456_789 * SECOND],
  ['the last before jiffies have 33 bits', 2 ** 32 - SECOND],
  ['the last before seconds have 33 bits', 2 ** 40 - SECOND],
]

/** exceededSequences. */
export const exceededSequences: readonly Sequence[] = [
  ...starts.map(
    ([name, start]): Sequence => ({
      name: `time exceeded: ${EXCEEDED_PER_SECOND} in a second, and in the next again: ${name}`,
      fixture: 'one',
      steps: [
        ...full(start),
        outcomeAt(start + SECOND - 1, frame, 'ttl'),
        ...full(start + SECOND),
        outcomeAt(start + 2 * SECOND - 1, frame, 'ttl'),
        outcomeAt(start + 2 * SECOND, frame, 'time-exceeded'),
      ],
    }),
  ),
  {
    name: 'time exceeded: both families together, and those that cannot be told count',
    fixture: 'dual',
    steps: [
      ...Array.from({ length: EXCEEDED_PER_SECOND / 2 }, () => [
        outcomeAt(0, frame6, 'time-exceeded'),
        outcomeAt(0, silent, 'ttl'),
      ]).flat(),
      outcomeAt(0, frame6, 'ttl'),
      outcomeAt(0, frame, 'ttl'),
      outcomeAt(SECOND, frame, 'time-exceeded'),
    ],
  },
]
