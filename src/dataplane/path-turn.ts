// Answers to checks through a service address, which the namespace of the checks gets (docs/packet-path.md, C; turn.ts):
// what is for no listener, but comes from a service address, for the address and a port that checks come from. The node's
// own kernel would drop it where it holds the service address, and answer with a RST where it does not. It reads the frame
// anew, so that the straight path carries nothing for it.
//
//   (struct xdp_md *) -> the outcome `turned`, or 0

import type { Ip } from '../base/addresses.ts'
import type { StashedContext } from '../bpf/builder.ts'
import type { Outcomes } from '../bpf/exit-builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, be16, eq, ne, type Place, part, type Val } from '../bpf/values.ts'
import { answeringFunction, type BuiltFunction } from '../bpf/xdp.ts'
import { wordsOfAddress } from './answer-sources.ts'
import type { Path } from './cell.ts'
import { ETH_P_IP, ETH_P_IPV6, Ethernet, IP_FRAGMENT, Ipv4, Ipv6, Ports } from './headers.ts'
import { type Destination, matchAddress } from './match.ts'
import { type Family, familyOf, has, type Memory } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import { guardProtocol, macWord } from './path.ts'
import type { Shape } from './shape.ts'
import { INNER_MAC, PORT_BITS } from './turn.ts'

/** Answered: where what is for no listener goes: plain packets, and those of the slow path. */
export interface Unserved {
  readonly plain: OutcomeName | Label
  readonly slow: OutcomeName | Label
}

/** turnAddresses of a family: those that checks come from, where the shape has listeners of it. */
const turnAddresses = (shape: Shape, family: Family): readonly Ip[] =>
  has(shape, family) ? (shape.turn?.addresses ?? []).filter((address) => familyOf(address) === family) : []

/** turns: whether a shape's program knows such answers. */
export const takesAnswers = (shape: Shape): boolean =>
  ([4, 6] as const).some((family) => turnAddresses(shape, family).length > 0)

/** takeAnswers: the code behind both labels: an answer to a check is turned, all else goes on. */
export function takeAnswers(
  p: Path,
  turn: BuiltFunction,
  context: StashedContext,
  from: { readonly plain: Label; readonly slow: Label },
  onward: Unserved,
): void {
  for (const way of ['plain', 'slow'] as const)
    p.cold(from[way], () => {
      const code = p.callSub(turn, p.contextOf(context))
      p.exitIf(ne(code, 0), () => p.leaveAs(code))
      p.leave(onward[way])
    })
}

export function turnFunction(shape: Shape, memory: Memory, outcomes: Outcomes<OutcomeName>): BuiltFunction {
  return answeringFunction('turn', outcomes, (p) => {
    const context = p.stashContext()
    const [none, answer, six] = [p.label('no-answer'), p.label('answer'), p.label('answer-6')]
    const frame = p.packet()
    const { eth, ip, ports } = p.headers(
      frame.data,
      frame.end,
      { eth: Ethernet, ip: Ipv4, ports: Ports },
      none,
    )
    const type = p.load(eth.type)
    const [own4, own6] = [turnAddresses(shape, 4), turnAddresses(shape, 6)]
    if (own6.length > 0) p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)
    if (own4.length > 0) {
      p.jumpIf(ne(type, be16(ETH_P_IP)), none)
      p.jumpIf(ne(p.load(ip.versionIhl), 0x45), none)
      p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), none)
      const port = p.toHost(p.load(ports.destination))
      guard({ family: 4, place: ip.source }, p.load(ip.protocol), port, own4, ip.destination)
    } else p.goto(none)
    if (own6.length > 0) {
      p.bind(six)
      const wide = p.headers(frame.data, frame.end, { eth: Ethernet, ip: Ipv6, ports: Ports }, none)
      const port = p.toHost(p.load(wide.ports.destination))
      guard({ family: 6, place: wide.ip.source }, p.load(wide.ip.next), port, own6, wide.ip.destination)
    }
    p.bind(answer)
    const again = p.packet(p.contextOf(context))
    const { whole } = p.headers(again.data, again.end, { whole: Ethernet }, none)
    p.store(part(whole.dst, 0, 'u32'), macWord(INNER_MAC, 0))
    p.store(part(whole.dst, 4, 'u16'), macWord(INNER_MAC, 4))
    p.call('redirect', shape.turn!.ifindex, 0)
    p.leave('turned')
    p.bind(none)
    p.resume()

    /** What is no answer goes on at `none`, what is one at `answer`. */
    function guard(
      source: Destination,
      protocol: Val<'u8'>,
      port: Val<'u16'>,
      own: readonly Ip[],
      destination: Place,
    ): void {
      guardProtocol(p, shape, protocol, none)
      p.jumpIf(ne(p.alu('and', port, PORT_BITS), PORT_BITS), none)
      isOneOf(p, own, destination, none)
      matchAddress(p, shape, memory, source, none)
      p.goto(answer)
    }
  })
}

/** isOneOf: falls through where the address at a place is one of these. */
function isOneOf(p: Path, addresses: readonly Ip[], { base, offset }: Place, none: Label): void {
  const found = p.label('own-address')
  for (const address of addresses) {
    const next = p.label('next-address')
    for (const [word, value] of wordsOfAddress(address).entries())
      p.jumpIf(ne(p.load<'u32'>({ base, offset: offset + 4 * word, type: 'u32' }), value), next)
    p.goto(found)
    p.bind(next)
  }
  p.goto(none)
  p.bind(found)
}
