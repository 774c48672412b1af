// What stories are told with: slots' words of servers 1 and 2, and packets of one client.

import { tcpFlag } from '../../wire/tcp.ts'
import { SLOT_LEARN, SLOT_RECORDS, slotWord } from '../shape.ts'
import type { Parts } from './vector.ts'

const { SYN, ACK, FIN, RST, PSH } = tcpFlag

/** moved: new flows are the first's, those of before the second's; there are records. */
export const moved = (current: number, settled: number): number => slotWord(current, settled, SLOT_RECORDS)
/** learns: the same while UDP flows are learnt. */
export const learns = (current: number, settled: number): number =>
  slotWord(current, settled, SLOT_RECORDS + SLOT_LEARN)
/** calm: nothing is young, and there is no record. */
export const calm = (server: number): number => slotWord(server, server)

const segment =
  (flags: number) =>
  (parts: Parts = {}): Parts => ({ ...parts, tcp: { flags, ...parts.tcp } })
export const syn = segment(SYN)
export const ack = segment(ACK)
export const data = segment(PSH | ACK)
export const fin = segment(FIN | ACK)
export const rst = segment(RST)
export const datagram = (parts: Parts = {}): Parts => ({ ...parts, udp: { ...parts.udp } })
/** six: the same over IPv6. */
export const six = (parts: Parts): Parts => ({ ...parts, ip6: { ...parts.ip6 } })
