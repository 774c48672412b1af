// What the model answers where a TTL or hop limit has run out: docs/packet-path.md, step 13, on bytes.

import { checksum, foldSum, sumWords } from '../wire/checksum.ts'

const be16 = (frame: Uint8Array, at: number): number => frame[at]! * 0x100 + frame[at + 1]!

function put16(frame: Uint8Array, at: number, word: number): void {
  frame[at] = word >> 8
  frame[at + 1] = word & 0xff
}

/** message4: the IPv4 packet that tells about the one of `packet`, whose first 28 bytes it quotes. */
function message4(packet: Uint8Array): Uint8Array | undefined {
  const first = packet[12]!
  if (packet[0] !== 0x45 || first === 0 || first === 127 || first >= 224) return undefined
  const message = new Uint8Array(56)
  message.set([0x45, 0xc0, 0, 56, 0, 0, 0x40, 0, 64, 1])
  message.set(packet.subarray(16, 20), 12)
  message.set(packet.subarray(12, 16), 16)
  message[20] = 11
  message.set(packet.subarray(0, 28), 28)
  put16(message, 10, checksum(message.subarray(0, 20)))
  put16(message, 22, checksum(message.subarray(20)))
  return message
}

/** message6: the IPv6 packet that tells about the one of `packet`, which it quotes whole. */
function message6(packet: Uint8Array): Uint8Array | undefined {
  const isNobody = packet.subarray(8, 16).every((octet) => octet === 0)
  if (packet[8] === 0xff || isNobody) return undefined
  if (be16(packet, 4) + 40 !== packet.length || packet.length > 1_232) return undefined
  const message = new Uint8Array(48 + packet.length)
  const payload = 8 + packet.length
  message.set([0x60, 0, 0, 0, payload >> 8, payload & 0xff, 58, 64])
  message.set(packet.subarray(24, 40), 8)
  message.set(packet.subarray(8, 24), 24)
  message[40] = 3
  message.set(packet, 48)
  // as if the packet's segment were sound: it sums to the complement of its pseudo-header
  const pseudo = sumWords(packet.subarray(8, 40), packet[6]! + be16(packet, 4))
  const quoted = sumWords(packet.subarray(0, 40)) + (~pseudo & 0xffff)
  const own = sumWords(message.subarray(8, 40), payload + 58)
  put16(message, 42, ~foldSum(own + 0x0300 + quoted) & 0xffff)
  return message
}

/** exceeded: the frame that tells the sender; undefined where nothing is told. The IP header is at `ip`. */
export function exceeded(
  frame: Uint8Array,
  ip: number,
  isIpv6: boolean,
  own: Uint8Array,
): Uint8Array | undefined {
  if ((frame[6]! & 1) !== 0) return undefined
  const packet = (isIpv6 ? message6 : message4)(frame.subarray(ip))
  if (!packet) return undefined
  const answer = new Uint8Array(ip + packet.length)
  answer.set(frame.subarray(6, 12), 0)
  answer.set(own, 6)
  answer.set(frame.subarray(12, ip), 12)
  answer.set(packet, ip)
  return answer
}
