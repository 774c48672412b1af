// Where a packet's headers are, as one number: every way through the parsing leaves it for whoever has to read the packet
// again when its slot is known. Offsets count from the frame's start.

import type { Val } from '../bpf/values.ts'
import type { Path } from './cell.ts'

/** WHERE: bits of the cell that says where a packet's headers are: the IP header's offset, UDP, the transport's offset. */
export const WHERE = { network: 0x7f, udp: 0x80, transport: 8, mask: 0x3fff } as const

/** whereIs: the cell's value for headers at these offsets. */
export const whereIs = (network: number, transport: number): number =>
  network | (transport << WHERE.transport)

/** whereAt: the same of a packet of any make; with the protocol where the IP header may not tell it. */
export function whereAt(
  p: Path,
  network: Val<'u32'>,
  transport: Val<'u32'>,
  protocol?: () => Val<'u8'>,
): Val<'u32'> {
  const both = p.alu('or', p.alu('lsh', transport, WHERE.transport), network)
  if (!protocol) return both
  // of the protocols that a listener may have, UDP only has bit 4 of 17
  return p.alu('or', both, p.alu('lsh', p.alu('and', protocol(), 0x10), 3))
}
