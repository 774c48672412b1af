// The RST that a client gets for a segment of a flow whose server has failed, for the model: RFC 9293 3.10.7.1, as the
// server would answer that knows nothing of the connection. Only packets without IP options, extension headers and tags
// are answered, and never a RST.

import { checksum, sumWords } from '../wire/checksum.ts'
import { tcpFlag } from '../wire/tcp.ts'

const IPPROTO_TCP = 6
const be16 = (frame: Uint8Array, at: number): number => frame[at]! * 0x100 + frame[at + 1]!

/** resetFrame: the frame that goes back, or undefined where there is no answer. `frame` is a listener's, of TCP. */
export function resetFrame(frame: Uint8Array, own: Uint8Array): Uint8Array | undefined {
  const isIpv6 = be16(frame, 12) === 0x86dd
  const at = isIpv6 ? 54 : 34
  const isPlain = isIpv6 ? frame[20] === IPPROTO_TCP : be16(frame, 12) === 0x0800 && frame[14] === 0x45
  if (!isPlain) return undefined
  const segment = isIpv6 ? be16(frame, 18) : be16(frame, 16) - 20
  const header = 4 * (frame[at + 12]! >> 4)
  const flags = frame[at + 13]!
  if ((flags & tcpFlag.RST) !== 0 || header < 20 || header > segment) return undefined

  const answer = new Uint8Array(at + 20)
  const view = new DataView(answer.buffer)
  answer.set(frame.subarray(6, 12), 0)
  answer.set(own, 6)
  answer.set(frame.subarray(12, 14), 12)
  if (isIpv6) {
    answer.set([0x60, 0, 0, 0, 0, 20, 6, 64], 14)
    answer.set(frame.subarray(38, 54), 22)
    answer.set(frame.subarray(22, 38), 38)
  } else {
    answer.set([0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6], 14)
    answer.set(frame.subarray(30, 34), 26)
    answer.set(frame.subarray(26, 30), 30)
    view.setUint16(24, checksum(answer.subarray(14, 34)))
  }
  answer.set(frame.subarray(at + 2, at + 4), at)
  answer.set(frame.subarray(at, at + 2), at + 2)
  answer[at + 12] = 0x50
  if (flags & tcpFlag.ACK) {
    answer.set(frame.subarray(at + 8, at + 12), at + 4)
    answer[at + 13] = tcpFlag.RST
  } else {
    const sequence = new DataView(frame.buffer, frame.byteOffset).getUint32(at + 4)
    const length = segment - header + (flags & tcpFlag.SYN ? 1 : 0) + (flags & tcpFlag.FIN ? 1 : 0)
    view.setUint32(at + 8, (sequence + length) >>> 0)
    answer[at + 13] = tcpFlag.RST | tcpFlag.ACK
  }
  // the pseudo-header: addresses, protocol and length
  const addresses = isIpv6 ? answer.subarray(22, 54) : answer.subarray(26, 34)
  view.setUint16(at + 16, checksum(answer.subarray(at), sumWords(addresses, IPPROTO_TCP + 20)))
  return answer
}
