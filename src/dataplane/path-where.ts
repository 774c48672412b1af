// Where a packet's headers are, as one number: every way through the parsing leaves it for whoever has to read the packet
// again when its slot is known (path-question.ts). Offsets count from the frame's start.
//
//   bits 0..6    the IP header | 7 UDP, where the IP header may not tell it
//   bits 8..21   the transport header
//   bit 27       a SYN that the recorder had no room for (path-record.ts)
//   bits 23..25  any set: the packet is asked about before its server is chosen, where the shape has a defence (path-admit.ts)
//   bit 26       likewise: a first fragment, whose ports are remembered when it has been let in, and then
//   bits 32..63  by what it is remembered (path-fragment.ts)
//
// and of what only belongs to a flow, an error about it or a later fragment:
//
//   bits 8..21   an IP header whose source is the client's address, or what would be one if it were | 22 set
//   bits 32..63  the client's port and the service's

import type { Val } from '../bpf/values.ts'
import { type Cell, type Path, put, putHalves } from './cell.ts'

/** WHERE: bits of the cell. `asks`: any of them; `ask` is one that says no more. */
export const WHERE = {
  network: 0x7f,
  udp: 0x80,
  offset: 8,
  mask: 0x3fff,
  peek: 1 << 22,
  ask: 1 << 23,
  asks: 7 << 23,
  first: 1 << 26,
  unkept: 1 << 27,
  ports: 32,
} as const

/** Where: the cell's halves. */
export interface Where {
  readonly lower: Val<'u32'>
  readonly ports: Val<'u32'>
}

/** putWhere: in halves, of which the verifier forgets what they are: what is behind is not gone through for each kind of packet. */
export function putWhere(p: Path, cell: Cell<'u64'>, where: Where | Val<'u64'> | number): void {
  if (typeof where === 'number' || 'reg' in where) put(p, cell, where)
  else putHalves(p, cell, where.lower, where.ports)
}

/** whereIs: the cell's value for headers at these offsets. */
export const whereIs = (network: number, transport: number): number => network | (transport << WHERE.offset)

/** whereAt: the same of a packet of any make; `peek` is WHERE.peek or 0. */
export function whereAt(
  p: Path,
  network: Val<'u32'>,
  offset: Val<'u32'>,
  flow: { readonly protocol: Val<'u32'>; readonly ports: Val<'u32'>; readonly peek: Val<'u32'> },
): Where {
  // of the protocols that a listener may have, UDP only has bit 4 of 17
  const udp = p.alu('lsh', p.alu('and', flow.protocol, 0x10), 3)
  const lower = p.alu(
    'or',
    p.alu('or', p.alu('lsh', offset, WHERE.offset), network),
    p.alu('or', udp, flow.peek),
  )
  return { lower, ports: flow.ports }
}
