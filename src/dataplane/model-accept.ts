// The model's part of addresses that take only what a listener has (docs/packet-path.md, A).

import { type Ip, isIp4 } from '../base/addresses.ts'
import { ipBytes } from '../wire/ipv6.ts'
import type { Shape } from './shape.ts'

const NEIGHBOUR: readonly number[] = [135, 136]

/** createAccept: whether an IP packet whose header begins at `ip` is one that its destination does not accept. */
export function createAccept({
  unaccepted = [],
}: Pick<Shape, 'unaccepted'>): (frame: Uint8Array, ip: number, isIpv6: boolean) => boolean {
  const textOf = (bytes: Uint8Array) => bytes.join()
  const addresses = new Set(unaccepted.map((address: Ip) => `${isIp4(address)} ${textOf(ipBytes(address))}`))
  return (frame, ip, isIpv6) => {
    const destination = isIpv6 ? frame.subarray(ip + 24, ip + 40) : frame.subarray(ip + 16, ip + 20)
    if (!addresses.has(`${!isIpv6} ${textOf(destination)}`)) return false
    const isNeighbour =
      isIpv6 && frame[ip + 6] === 58 && frame.length >= ip + 48 && NEIGHBOUR.includes(frame[ip + 40]!)
    return !isNeighbour
  }
}
