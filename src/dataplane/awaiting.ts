// Records of flows that another node has made and this one may be told of a moment later (docs/packet-path.md, N7): when a role
// moves, what servers answer may come to the node that takes over before it knows the flow. Passed to the node's kernel, such
// an answer would be forwarded as it is, and its client, who never asked that address, would send a RST. Its idea: meanwhile it
// is dropped, and TCP sends it again; it is dropped as long as the node is active for nothing, so that nobody has to be quick
// when a role comes. So are clients' segments of flows that nothing but a record leads. The daemon says that records may come, and
// says it again as long as that is so; the packet path ends it, a moment after the first packet that was dropped: a daemon that is
// dead tells no records, and takes no word back. The word survives it and generations.
//
//   word   0: what nobody knows passes | 1: it is dropped | bit 31 and the tick (bits 0..29) at which the first was dropped since
//          the daemon's word: it is dropped until AWAIT_MS later

import { direct } from '../bpf/types.ts'
import { ticksOf } from './flow-clock.ts'
import type { FlowsShape, Shape } from './shape.ts'

/** AWAIT_MS: twice as long as a role that is given up waits for flows to be told: before it goes, and when it has gone. */
export const AWAIT_MS = 1_000

/** AWAITING: the map. */
export const AWAITING = direct('awaiting', { word: 'u32' })

/** AWAIT: words. The daemon writes the first two; `begun` is the bit that goes with a tick. */
export const AWAIT = { nothing: 0, records: 1, begun: 0x8000_0000 } as const

/** awaitTicks: AWAIT_MS in ticks. */
export const awaitTicks = ({ clock }: FlowsShape): number => ticksOf(clock, AWAIT_MS / 1_000)

/** answerPortsOf: the ports that servers with nat answer from, of either protocol, some of them more than once. */
export const answerPortsOf = ({
  listeners,
  services,
}: Shape): readonly { readonly port: number; readonly lastPort: number }[] =>
  listeners.flatMap(({ service, port, lastPort = port }) => {
    const nat = services[service]?.nat
    if (!nat) return []
    return [nat.port === 0 ? { port, lastPort } : { port: nat.port, lastPort: nat.port }]
  })
