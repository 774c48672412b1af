// The model's part of checks through a service address (docs/packet-path.md, C): their answers are taken to the checker.

import { macBytes } from '../base/addresses.ts'
import { ipBytes } from '../wire/ipv6.ts'
import type { Listening } from './model-listeners.ts'
import type { Shape } from './shape.ts'
import { INNER_MAC } from './turn.ts'

/** Found: a frame and where its IP header begins. */
interface Found {
  readonly frame: Uint8Array
  readonly ip: number
  readonly isIpv6: boolean
}

/**
 * createTurn: what becomes of an answer to a check, which is for no listener: the frame as the checker gets it; undefined:
 * it is none. `isListeners` says whether an address in the frame is one of some listener.
 */
export function createTurn(
  { turn }: Pick<Shape, 'turn'>,
  isProtocol: (number: number) => boolean,
  isListeners: (frame: Uint8Array, at: number, length: 4 | 16) => Listening | undefined,
): (found: Found) => Uint8Array | undefined {
  const own = (turn?.addresses ?? []).map(ipBytes)
  return ({ frame, ip, isIpv6 }) => {
    const size = isIpv6 ? 40 : 20
    // untagged, and as far as its ports there
    if (ip !== 14 || frame.length < ip + size + 4) return undefined
    if (!isIpv6 && (frame[ip] !== 0x45 || (frame[ip + 6]! & 0x3f) !== 0 || frame[ip + 7] !== 0))
      return undefined
    if (!isProtocol(frame[ip + (isIpv6 ? 6 : 9)]!)) return undefined
    const [length, source] = isIpv6 ? ([16, ip + 8] as const) : ([4, ip + 12] as const)
    if (frame[ip + size + 2]! < 0xf0) return undefined
    const isOwn = own.some(
      (address) =>
        address.length === length && address.every((octet, i) => frame[source + length + i] === octet),
    )
    if (!isOwn || !isListeners(frame, source, length)) return undefined
    const turned = new Uint8Array(frame)
    turned.set(macBytes(INNER_MAC), 0)
    return turned
  }
}
