// The challenge as a frame, for the model: the SYN turned into the ACK that goes back to where it came from. Tags stay; IP
// options, extension headers and what was behind the TCP header are gone. path-challenge.ts is the program's.

import { checksum, sumWords } from '../wire/checksum.ts'
import { tcpFlag } from '../wire/tcp.ts'

const IPPROTO_TCP = 6
const TCP_BYTES = 20

/** Segment: where a frame's headers are: of IP, and of TCP. */
export interface Segment {
  readonly frame: Uint8Array
  readonly ip: number
  readonly at: number
  readonly isIpv6: boolean
}

/** challengeFrame: the answer to a SYN: its number as it was, this acknowledgement number, the widest window. */
export function challengeFrame(
  { frame, ip, at, isIpv6 }: Segment,
  own: Uint8Array,
  acknowledgement: number,
): Uint8Array {
  const header = isIpv6 ? 40 : 20
  const answer = new Uint8Array(ip + header + TCP_BYTES)
  const view = new DataView(answer.buffer)
  answer.set(frame.subarray(6, 12), 0)
  answer.set(own, 6)
  answer.set(frame.subarray(12, ip), 12)
  const width = isIpv6 ? 16 : 4
  const addresses = ip + header - 2 * width
  if (isIpv6) answer.set([0x60, 0, 0, 0, 0, TCP_BYTES, IPPROTO_TCP, 64], ip)
  else answer.set([0x45, 0, 0, header + TCP_BYTES, 0, 0, 0x40, 0, 64, IPPROTO_TCP], ip)
  const from = ip + (isIpv6 ? 8 : 12)
  answer.set(frame.subarray(from + width, from + 2 * width), addresses)
  answer.set(frame.subarray(from, from + width), addresses + width)
  if (!isIpv6) view.setUint16(ip + 10, checksum(answer.subarray(ip, ip + header)))

  const tcp = ip + header
  answer.set(frame.subarray(at + 2, at + 4), tcp)
  answer.set(frame.subarray(at, at + 2), tcp + 2)
  answer.set(frame.subarray(at + 4, at + 8), tcp + 4)
  view.setUint32(tcp + 8, acknowledgement)
  answer[tcp + 12] = 0x50
  answer[tcp + 13] = tcpFlag.ACK
  view.setUint16(tcp + 14, 0xffff)
  // the pseudo-header: addresses, protocol and length
  const pseudo = sumWords(answer.subarray(addresses, tcp), IPPROTO_TCP + TCP_BYTES)
  view.setUint16(tcp + 16, checksum(answer.subarray(tcp), pseudo))
  return answer
}
