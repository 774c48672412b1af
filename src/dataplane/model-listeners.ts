// The model's listeners: whose a destination is. Of the listeners around a port the one with the fewest ports.

import { type Ip, isIp4, type Protocol } from '../base/addresses.ts'
import { ip6Bytes } from '../wire/ipv6.ts'
import type { ListenerShape, Shape } from './shape.ts'

/** An address as text that 4 or 16 bytes of a frame give too; the families differ in length. */
const addressText = (frame: Uint8Array, at: number, length: 4 | 16): string =>
  String.fromCharCode(...frame.subarray(at, at + length))
const listenerText = (address: Ip): string =>
  isIp4(address)
    ? String.fromCharCode(...[24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff))
    : addressText(ip6Bytes(address), 0, 16)

/** Listening: what listens at an address. */
export type Listening = (protocol: Protocol, port: number) => ListenerShape | undefined

const width = ({ port, lastPort = port }: ListenerShape): number => lastPort - port

/** createListeners prepares the look-up of a destination address in a frame; undefined: it is no listener's. */
export function createListeners({
  listeners,
}: Pick<Shape, 'listeners'>): (frame: Uint8Array, at: number, length: 4 | 16) => Listening | undefined {
  // by address: exact ports by protocol and port, the others by protocol, the narrowest first
  const addresses = new Map<string, { exact: Map<string, ListenerShape>; wide: ListenerShape[] }>()
  for (const listener of listeners) {
    const text = listenerText(listener.address)
    const here = addresses.get(text) ?? { exact: new Map<string, ListenerShape>(), wide: [] }
    addresses.set(text, here)
    if (width(listener) === 0) here.exact.set(`${listener.protocol} ${listener.port}`, listener)
    else here.wide.push(listener)
  }
  for (const { wide } of addresses.values()) wide.sort((a, b) => width(a) - width(b))
  return (frame, at, length) => {
    const here = addresses.get(addressText(frame, at, length))
    if (!here) return undefined
    return (protocol, to) =>
      here.exact.get(`${protocol} ${to}`) ??
      here.wide.find(
        ({ protocol: its, port, lastPort = port }) => its === protocol && port <= to && to <= lastPort,
      )
  }
}
