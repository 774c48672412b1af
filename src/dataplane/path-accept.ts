// Addresses that take only what a listener has (docs/packet-path.md, A; RFC 9568 6.1, Accept_Mode): what would be passed to the
// node's kernel is dropped where its destination is one of them. Its idea: nothing is asked before all else has said that
// the packet is nobody's, and the frame is read anew then, so that what is a listener's carries nothing for it.
//
//   (struct xdp_md *) -> the outcome `not-accepted` (or `other-host`, of IPv6 that no listener is of), or 0

import type { StashedContext } from '../bpf/builder.ts'
import type { Outcomes } from '../bpf/exit-builder.ts'
import type { Label } from '../bpf/isa.ts'
import { be16, eq, ne } from '../bpf/values.ts'
import { answeringFunction, type BuiltFunction } from '../bpf/xdp.ts'
import type { Path } from './cell.ts'
import { ETH_P_IP, ETH_P_IPV6, Icmp, IPPROTO_ICMPV6, Ipv4, Ipv6 } from './headers.ts'
import { addressTree, type Destination } from './match.ts'
import { familyOf, has, type Memory } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import { otherHost } from './path.ts'
import { parseTags } from './path-slow.ts'
import type { Shape } from './shape.ts'

/** NEIGHBOUR: solicitation and advertisement (RFC 4861 4.3, 4.4). */
export const NEIGHBOUR = [135, 136] as const
/** Passed: outcomes of what may be for such an address. */
export type Passed = 'no-listener' | 'other-protocol' | 'not-ip'
/** Nobodys: where what is passed goes first; an outcome that has no label is final. */
export type Nobodys = Readonly<Partial<Record<Passed, Label>>>

/** unacceptedOf a family. */
const unacceptedOf = ({ unaccepted = [] }: Shape, family: 4 | 6) =>
  unaccepted.filter((address) => familyOf(address) === family).map((address) => ({ address }))

/** asksNotIp: IPv6 has no step of its own, and yet such an address. */
const asksNotIp = (shape: Shape): boolean => !has(shape, 6) && unacceptedOf(shape, 6).length > 0

/** nobodysOf a shape: labels of the outcomes that are asked about; undefined where every address accepts. */
export function nobodysOf(p: Path, shape: Shape): Nobodys | undefined {
  if ((shape.unaccepted ?? []).length === 0) return undefined
  return {
    'no-listener': p.label('nobodys'),
    'other-protocol': p.label('nobodys-protocol'),
    ...(asksNotIp(shape) && { 'not-ip': p.label('nobodys-type') }),
  }
}

/** leaveUnlessAccepted: the code behind the labels: what no address accepts is dropped, all else passed as it would have been. */
export function leaveUnlessAccepted(
  p: Path,
  accept: BuiltFunction,
  context: StashedContext,
  nobodys: Nobodys,
): void {
  for (const [outcome, label] of Object.entries(nobodys) as [Passed, Label][])
    p.cold(label, () => {
      const code = p.callSub(accept, p.contextOf(context))
      p.exitIf(ne(code, 0), () => p.leaveAs(code))
      p.leave(outcome)
    })
}

/** acceptFunction of a shape with such addresses. */
export function acceptFunction(shape: Shape, memory: Memory, outcomes: Outcomes<OutcomeName>): BuiltFunction {
  return answeringFunction('accept', outcomes, (p) => {
    const [accepted, six] = [p.label('accepted'), p.label('accept-ipv6')]
    const frame = p.packet()
    const { eth, start, type } = parseTags(p, frame)
    const network = p.advance(frame.data, start)
    /** A destination that is none of the family's goes on at `accepted`. */
    const guard = (destination: Destination) => {
      const found = p.label(`unaccepted-${destination.family}`)
      addressTree(p, destination, unacceptedOf(shape, destination.family), accepted, () => p.goto(found))
      p.bind(found)
    }
    const [some4, some6] = ([4, 6] as const).map((family) => unacceptedOf(shape, family).length > 0)
    if (some6) p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)
    if (some4) {
      p.jumpIf(ne(type, be16(ETH_P_IP)), accepted)
      const { ip } = p.headers(network, frame.end, { ip: Ipv4 }, accepted)
      guard({ family: 4, place: ip.destination })
      p.leave('not-accepted')
    } else p.goto(accepted)
    if (some6) {
      p.bind(six)
      if (asksNotIp(shape)) otherHost(p, shape, memory, eth)
      const { ip } = p.headers(network, frame.end, { ip: Ipv6 }, accepted)
      guard({ family: 6, place: ip.destination })
      p.exitIf(ne(p.load(ip.next), IPPROTO_ICMPV6), 'not-accepted')
      const { icmp } = p.headers(network, frame.end, { ip: Ipv6, icmp: Icmp }, 'not-accepted')
      const kind = p.load(icmp.type)
      for (const neighbour of NEIGHBOUR) p.jumpIf(eq(kind, neighbour), accepted)
      p.leave('not-accepted')
    }
    p.bind(accepted)
    p.resume()
  })
}
