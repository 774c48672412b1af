// Listeners of more than one port. Of the listeners of an address and protocol around a port the narrowest has it: an
// exact port before a range, a range before all ports. The packet path finds exact ports as ever, and looks on a miss
// only among ranges, which are laid side by side here: where one lies within another, the wider one is cut in pieces.
//
//   *                ├────────────────────────────────┤
//   8000..8099                ├─────────┤
//   side by side     ├────────┼─────────┼────────────┤

import type { Protocol } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import type { ListenerShape } from './shape.ts'

/** PortRange: ports of an address and protocol that are one listener's. */
export interface PortRange {
  readonly protocol: Protocol
  readonly first: number
  readonly last: number
  readonly listener: ListenerShape
}

/** lastPortOf a listener; of most its only one. */
export const lastPortOf = ({ port, lastPort = port }: Pick<ListenerShape, 'port' | 'lastPort'>): number =>
  lastPort
/** isRange: whether a listener has more than one port. */
export const isRange = (listener: ListenerShape): boolean => lastPortOf(listener) !== listener.port

/** portRanges: the ranges among the listeners of one address, side by side: TCP's, then UDP's, by port. */
export const portRanges = (listeners: readonly ListenerShape[]): PortRange[] =>
  (['tcp', 'udp'] as const).flatMap((protocol) =>
    sideBySide(listeners.filter((listener) => listener.protocol === protocol && isRange(listener))),
  )

function sideBySide(listeners: readonly ListenerShape[]): PortRange[] {
  const pieces: PortRange[] = []
  const around: ListenerShape[] = []
  let next = 0
  /** The innermost of those around has the ports from `next` to `last`. */
  const cut = (last: number): void => {
    const listener = around.at(-1)
    if (listener && next <= last) pieces.push({ protocol: listener.protocol, first: next, last, listener })
    next = last + 1
  }
  const close = (): void => {
    cut(lastPortOf(around.at(-1)!))
    around.pop()
  }
  for (const listener of [...listeners].sort((a, b) => a.port - b.port || lastPortOf(b) - lastPortOf(a))) {
    while (around.length > 0 && lastPortOf(around.at(-1)!) < listener.port) close()
    const outer = around.at(-1)
    invariant(
      !outer || lastPortOf(listener) <= lastPortOf(outer),
      'ranges of ports lie apart or within each other',
    )
    cut(listener.port - 1)
    around.push(listener)
  }
  while (around.length > 0) close()
  return pieces
}

/** rangesByAddress: for each address that has ranges, what portRanges gives; in the listeners' order. */
export function rangesByAddress(
  listeners: readonly ListenerShape[],
): Map<ListenerShape['address'], PortRange[]> {
  const groups = new Map<ListenerShape['address'], ListenerShape[]>()
  for (const listener of listeners.filter(isRange)) {
    const group = groups.get(listener.address)
    if (group) group.push(listener)
    else groups.set(listener.address, [listener])
  }
  return new Map([...groups].map(([address, group]) => [address, portRanges(group)]))
}

/** narrowest: of listeners of one address and protocol the one that has a port. */
export function narrowest<L extends Pick<ListenerShape, 'port' | 'lastPort'>>(
  listeners: readonly L[],
  port: number,
): L | undefined {
  const width = (listener: L) => lastPortOf(listener) - listener.port
  let best: L | undefined
  for (const each of listeners)
    if (each.port <= port && port <= lastPortOf(each) && (!best || width(each) < width(best))) best = each
  return best
}
