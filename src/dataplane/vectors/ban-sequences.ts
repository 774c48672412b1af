// Sources above their limit where services ask for proof: who is not proven is challenged, and who proves too much is
// banned, but nobody who is silent for what others send in his name.

import { tcpFlag } from '../../wire/tcp.ts'
import { perWindow } from '../flow-clock.ts'
import { clock } from './fixture.ts'
import { BAN, LIMIT } from './fixtures-proof.ts'
import {
  challenges,
  goes,
  handshake,
  refused,
  rst,
  SECOND,
  START,
  sequence,
  syn,
  TICK,
  taken,
} from './proof-sequences.ts'
import { outcomeAt, type Sequence, type Step } from './sequence.ts'
import { frameOf, type Parts } from './vector.ts'

const most = perWindow(clock, LIMIT)
const BANNED = Math.ceil((BAN * 250) / TICK) * TICK
/** Services: 80 asks by itself (and is at peace), 81 always, 82 never. */
const peaceful = (source: string, port: number): Parts => ({ ip: { source }, tcp: { source: port } })
const always = (source: string, port: number): Parts => ({
  ip: { source },
  tcp: { source: port, destination: 81 },
})
const never = (source: string, port: number): Parts => ({
  ip: { source },
  tcp: { source: port, destination: 82 },
})
const times = (count: number, one: (i: number) => Step | readonly Step[]): Step[] =>
  Array.from({ length: count }, (_, i) => one(i)).flat()
const gone = (now: number, parts: Parts, outcome: 'banned' | 'source-limit'): Step =>
  outcomeAt(now, frameOf(parts), outcome)
const A = '198.51.100.7'
const B = '198.51.100.8'

/** Of the source of `203.0.113.5`, which is allowed, where a source is a /16; it is not. */
const BESIDE = '203.0.5.5'

/** banSequences. */
export const banSequences: readonly Sequence[] = [
  sequence('above its limit an unproven source is challenged, a proven one dropped', 'proof-limits', [
    ...times(most, (i) => goes('proof-limits', START, peaceful(A, 1_000 + i), 0)),
    challenges('proof-limits', START, peaceful(A, 2_000)),
    taken(START + 1, rst('proof-limits', START, peaceful(A, 2_000))),
    gone(START + 2, peaceful(A, 2_000), 'source-limit'),
    goes('proof-limits', START, peaceful(B, 2_000), 0),
    goes('proof-limits', START + SECOND, peaceful(A, 2_000), 0),
  ]),
  sequence('while a service asks, a proven source may open so many and no more', 'proof-limits', [
    ...handshake('proof-limits', START, always(A, 2_000)),
    ...times(most - 1, (i) => goes('proof-limits', START + 3, always(A, 3_000 + i), 1)),
    gone(START + 4, always(A, 4_000), 'source-limit'),
    challenges('proof-limits', START + 4, always(B, 4_000)),
    goes('proof-limits', START + SECOND, always(A, 4_000), 1),
  ]),
  sequence('a service that never asks drops what is above, and takes no proof', 'proof-limits', [
    ...times(most, (i) => goes('proof-limits', START, never(A, 1_000 + i), 2)),
    gone(START, never(A, 2_000), 'source-limit'),
    goes('proof-limits', START, rst('proof-limits', START, never(A, 2_000)), 2),
  ]),
  sequence(
    'who proves more flows in a second than he may open is banned for a time, from all services',
    'proof-bans',
    [
      ...handshake('proof-bans', START, syn()),
      ...times(most - 1, (i) => goes('proof-bans', START + 3, peaceful(A, 3_000 + i), 0)),
      // now above: each SYN is challenged, proven or not
      ...times(most - 1, (i) => [
        refused(START + 4, peaceful(A, 4_000 + i)),
        taken(START + 4, rst('proof-bans', START + 4, peaceful(A, 4_000 + i))),
      ]),
      refused(START + 5, peaceful(A, 5_000)),
      taken(START + 5, rst('proof-bans', START + 5, peaceful(A, 5_000))),
      gone(START + 6, peaceful(A, 5_000), 'banned'),
      gone(START + 6, never(A, 5_000), 'banned'),
      gone(START + 6, { tcp: { flags: tcpFlag.ACK } }, 'banned'),
      goes('proof-bans', START + 6, peaceful(B, 5_000), 0),
      gone(START + BANNED - TICK, peaceful(A, 5_000), 'banned'),
      goes('proof-bans', START + BANNED + TICK, peaceful(A, 5_000), 0),
    ],
  ),
  sequence('who answers only what he began is not banned for what others send in his name', 'proof-bans', [
    ...handshake('proof-bans', START, syn()),
    ...times(60, (i) =>
      i < most - 1
        ? goes('proof-bans', START + 3, peaceful(A, 3_000 + i), 0)
        : refused(START + 3, peaceful(A, 3_000 + i)),
    ),
    // his own flow, in the same second: he proves it, and in the next he is let in
    taken(START + 4, rst('proof-bans', START + 3, peaceful(A, 9_000))),
    goes('proof-bans', START + 4, { tcp: { flags: tcpFlag.ACK } }, 0),
    goes('proof-bans', START + SECOND, peaceful(A, 9_000), 0),
  ]),
  sequence('who is allowed is neither limited nor banned', 'proof-bans', [
    ...times(3 * most, (i) => goes('proof-bans', START, peaceful('203.0.113.5', 1_000 + i), 0)),
    ...times(3 * most, (i) => taken(START, rst('proof-bans', START, peaceful('203.0.113.5', 1_000 + i)))),
    goes('proof-bans', START, peaceful('203.0.113.5', 1), 0),
  ]),
  sequence('nobody is banned for what an allowed neighbour proves', 'proof-bans-wide', [
    ...times(3 * most, (i) =>
      taken(START, rst('proof-bans-wide', START, peaceful('203.0.113.5', 1_000 + i))),
    ),
    goes('proof-bans-wide', START, peaceful(BESIDE, 1), 0),
    ...times(most + 1, (i) => taken(START, rst('proof-bans-wide', START, peaceful(BESIDE, 1_000 + i)))),
    gone(START, peaceful(BESIDE, 1), 'banned'),
    goes('proof-bans-wide', START, peaceful('203.0.113.5', 1), 0),
  ]),
]
