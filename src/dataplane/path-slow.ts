// The slow path: frames of any make, step by step, in a function of its own, so that it holds no register of the
// straight path's. What has a flow leaves its facts on the caller's stack and lets it go on where the server is
// chosen; all else is told by its outcome.

import type { Outcomes } from '../bpf/exit-builder.ts'
import { Label } from '../bpf/isa.ts'
import { be16, eq, ne, type Pointer } from '../bpf/values.ts'
import { answeringFunction, type BuiltFunction } from '../bpf/xdp.ts'
import { type Lender, lend, type Path, put, putUpper } from './cell.ts'
import { ETH_P_8021AD, ETH_P_8021Q, ETH_P_IP, ETH_P_IPV6, Ethernet, Ipv4, Ipv6, Tags } from './headers.ts'
import { lendMatch } from './match.ts'
import { has, usesNat } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import { otherHost, type Route } from './path.ts'
import { expiredFunction } from './path-expired.ts'
import { holdFunction, recallFunction } from './path-fragment.ts'
import { sourceFunction } from './path-source.ts'
import { MAX_START, makeFacts, type Slow, startOf, WHY } from './slow-facts.ts'
import { slowIpv4 } from './slow-ipv4.ts'
import { slowIpv6 } from './slow-ipv6.ts'

/** Frame: the packet's start and end. */
export interface Frame {
  readonly data: Pointer
  readonly end: Pointer
}

/** parseTags: steps 1 to 3: what type of packet starts where. */
export function parseTags(p: Path, { data, end }: Frame) {
  const { eth } = p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, 'short')
  const { tags } = p.checked(data, { eth: Ethernet, tags: Tags })
  const start = p.variable('u32', MAX_START)
  const type = p.variable('be16')
  const [tag, twice, parse] = [p.label('tagged'), p.label('tagged-twice'), p.label('network')]
  p.set(type, p.load(eth.type))
  p.set(start, Ethernet.size)
  p.jumpIf(eq(type, be16(ETH_P_8021Q)), tag)
  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)
  p.bind(tag)
  p.set(type, p.load(tags.type))
  p.set(start, Ethernet.size + 4)
  p.jumpIf(eq(type, be16(ETH_P_8021Q)), twice)
  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)
  p.bind(twice)
  p.set(type, p.load(tags.type2))
  p.set(start, MAX_START)
  p.bind(parse)
  return { eth, start, type }
}

/**
 * slowPath: steps 1 to 14 for any frame, but for the server: a function (context, the caller's stack at `origin`) that
 * answers an outcome, or lets the caller go on with `main`'s cells set. `remember`: path-fragment.ts.
 */
export function slowPath(
  main: Route,
  origin: number,
  outcomes: Outcomes<OutcomeName>,
  remember: BuiltFunction,
): BuiltFunction {
  const { shape, memory } = main
  const isTurned = usesNat(shape)
  return answeringFunction('slow', outcomes, (p) => {
    const [pointer] = p.parameters('context', 'u64')
    const lender: Lender = { pointer, origin }
    const all = shape.jumbo ? p.stash(p.call('xdp_get_buff_len', p.ctx)) : undefined
    const frame = p.packet()
    const { data, end } = frame
    const { eth, start, type } = parseTags(p, frame)
    const network = p.advance(data, start)
    p.headers(network, end, { ip: Ipv4 }, 'short')
    const held = p.stash(p.alu('sub', all ? p.unstash(all) : p.length(data, end), start))
    const slow: Slow = {
      route: {
        ...main,
        match: lendMatch(main.match, lender),
        hash: lend(main.hash, lender),
        bytes: lend(main.bytes, lender),
        where: main.where && lend(main.where, lender),
        held: () => p.unstash(held),
        join: p.label('resume'),
        expired: p.label('expired'),
        unserved: isTurned ? p.label('unserved') : 'no-listener',
      },
      facts: makeFacts(p, shape),
      recall: recallFunction(shape, memory),
      hold: p.label('hold'),
      stray: isTurned ? p.label('stray') : 'no-listener',
    }
    const { route, facts } = slow
    const hold = holdFunction(shape, memory, outcomes)
    // what is for no listener before its headers are known is no answer
    if (isTurned) put(p, route.where!, 0)
    const six = p.label('slow-ipv6')
    // told as a distance, so that the verifier does not go on once for each number of tags
    p.setSlot(facts.start, p.alu('and', p.narrow(p.length(data, network)), 31))
    if (has(shape, 6)) p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)
    p.exitIf(ne(type, be16(ETH_P_IP)), 'not-ip')
    otherHost(p, shape, memory, eth)
    slowIpv4(p, slow, network, end)
    if (has(shape, 6)) {
      p.bind(six)
      p.headers(network, end, { ip: Ipv6 }, 'short')
      otherHost(p, shape, memory, eth)
      slowIpv6(p, slow)
    }
    p.bind(route.join)
    const known = p.label('nothing-to-remember')
    p.jumpIf(eq(p.unstash(facts.isFirst), 0), known)
    if (shape.defence) putUpper(p, route.where!, p.narrow(p.unstash(facts.fragment)))
    else p.callSub(remember, p.unstash(facts.fragment), p.unstash(facts.ports))
    p.bind(known)
    p.resume()
    p.bind(route.expired)
    p.exitIf(ne(p.unstash(facts.isSilent), 0), 'ttl')
    p.leaveAs(p.callSub(expiredFunction(shape, memory, outcomes), p.ctx, startOf(p, facts)))
    p.bind(slow.hold)
    p.leaveAs(p.callSub(hold, p.ctx))
    if (isTurned) fragmentsBack(p, slow, remember, hold)
  })
}

/** fragmentsBack: N6: fragments for no listener whose source may be a server's: the first is remembered, a stray one copied. */
function fragmentsBack(p: Path, { route, facts, stray }: Slow, remember: BuiltFunction, hold: BuiltFunction) {
  const { shape, memory, unserved } = route
  const source = sourceFunction(shape, memory)
  const fromServer = () => p.callSub(source, p.ctx, startOf(p, facts))
  if (unserved instanceof Label) p.bind(unserved)
  p.exitIf(eq(p.unstash(facts.isFirst), 0), 'no-listener')
  p.exitIf(eq(fromServer(), 0), 'no-listener')
  p.callSub(remember, p.unstash(facts.fragment), p.unstash(facts.ports))
  p.leave('no-listener')
  if (stray instanceof Label) p.bind(stray)
  p.exitIf(ne(p.unstash(facts.why), WHY.later), 'no-listener')
  p.exitIf(eq(fromServer(), 0), 'no-listener')
  p.exitIf(p.answered(p.callSub(hold, p.ctx), 'fragment-held'), 'fragment-copied')
  p.leave('no-listener')
}
