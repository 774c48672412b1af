// The packet path as a program, for one shape: docs/packet-path.md step by step. Untagged frames without options,
// extension headers or fragments go straight down; all else takes the slow path, a function that parses anything, and
// joins again where the server is chosen. What a shape does not need costs no instruction.
//
//   IPv4 ──────────────────────┐
//   IPv6 (behind it, or alone) ┼── choose ── forward
//   slow path (behind both) ───┘

import type { StashedContext } from '../bpf/builder.ts'
import { maxOf } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { be16, ne, type Val } from '../bpf/values.ts'
import { type Built, type BuiltFunction, program, xdpFunction } from '../bpf/xdp.ts'
import { cell, type Home, move, type Path, take } from './cell.ts'
import { ETH_P_IP, ETH_P_IPV6, Ethernet, Ipv4, Ipv6, Tcp, Udp } from './headers.ts'
import { matchOf } from './match.ts'
import { rangeFunctions } from './match-ranges.ts'
import { has, isInline, type Memory } from './memory.ts'
import { type OutcomeName, outcomeNames, outcomes, type Verdict } from './outcomes.ts'
import { countersOfCpu, otherHost, type Route } from './path.ts'
import { answerReset, decideServer, trackingOf } from './path-flow.ts'
import { forward } from './path-forward.ts'
import { finishIpv4, guardIpv4 } from './path-ipv4.ts'
import { finishIpv6, guardIpv6, hashIpv6 } from './path-ipv6.ts'
import { turnBack } from './path-nat.ts'
import { type Frame, slowPath } from './path-slow.ts'
import { takeAnswers, takesAnswers, turnFunction } from './path-turn.ts'
import type { Shape } from './shape.ts'

/** The program's name in the kernel. */
const PATH_NAME = 'tenbin'

const verdicts = Object.fromEntries(outcomeNames.map((name) => [name, outcomes[name].verdict])) as Record<
  OutcomeName,
  Verdict
>

/** Routes: the straight path's facts in registers, those of the ways behind it on the stack. */
type Routes = Readonly<Record<Home, Route>>

/** parse: from the frame to the route, straight where possible; what is not goes `slow`. */
function parse(
  p: Path,
  { register: straight, stack: behind }: Routes,
  { data, end }: Frame,
  slow: Label,
): void {
  const { shape } = straight
  // a datagram shorter than a TCP header takes the slow path where the file has both
  const l4 = has(shape, 'tcp') ? Tcp : Udp
  const ipv6 = (route: Route) => {
    const { eth, ip, transport } = p.headers(data, end, { eth: Ethernet, ip: Ipv6, transport: l4 }, slow)
    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IPV6)), slow)
    otherHost(p, shape, eth)
    const flow = guardIpv6(p, shape, ip, transport.ports, slow)
    return () => {
      finishIpv6(p, route, ip, flow)
      hashIpv6(p, route, flow)
    }
  }
  const ipv4 = (route: Route, other: typeof slow) => {
    const { eth, ip, transport } = p.headers(data, end, { eth: Ethernet, ip: Ipv4, transport: l4 }, slow)
    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IP)), other)
    otherHost(p, shape, eth)
    return finishIpv4.bind(undefined, p, route, ip, guardIpv4(p, shape, ip, transport.ports, slow))
  }
  const second = has(shape, 4) && has(shape, 6) ? p.label('ipv6') : undefined
  const finish = has(shape, 4) || !has(shape, 6) ? ipv4(straight, second ?? slow) : ipv6(straight)
  if (second) {
    p.cold(second, () => {
      ipv6(behind)()
      p.goto(behind.join)
    })
  }
  finish()
}

/**
 * takeSlowPath: what it answers is an outcome, or the route's cells are set; the frame is looked up again then. `kept`: the
 * context, where it had to give its register up.
 */
function takeSlowPath(
  p: Path,
  behind: Route,
  { data }: Frame,
  slow: Label,
  unserved: Label | undefined,
  kept: StashedContext | undefined,
): void {
  const lent = p.slot('u64')
  const called = slowPath(behind, lent.offset, verdicts)
  p.cold(slow, () => {
    const context = kept ?? p.stashContext()
    const code = p.callSub(called, kept ? p.contextOf(kept) : p.ctx, p.slotPlace(lent))
    if (unserved) p.jumpIf(p.answered(code, 'no-listener'), unserved)
    p.exitIf(ne(code, 0), () => p.leaveAs(code))
    if (!kept) p.restoreContext(context)
    const frame = p.packet(kept ? p.contextOf(kept) : p.ctx)
    p.headers(frame.data, frame.end, { eth: Ethernet }, 'short')
    p.setPointer(data, frame.data)
    p.goto(behind.join)
  })
}

/** join: what a way behind the straight path found out, where the straight path has it. */
function join(p: Path, { register: to, stack: from }: Routes): void {
  p.cold(from.join, () => {
    move(p, from.match.base, to.match.base)
    move(p, from.match.slots, to.match.slots)
    move(p, from.bytes, to.bytes)
    move(p, from.hash, to.hash)
    p.goto(to.join)
  })
  p.bind(to.join)
}

/** slotWord: step 14, the word of the flow's slot. */
function slotWord(p: Path, { memory, match, hash: kept }: Route): Val<'u32'> {
  const words = p.memory(memory.slots).words
  const [hash, base, slots] = [take(p, kept) as Val<'u64'>, take(p, match.base), take(p, match.slots)]
  let index =
    typeof slots === 'number' ? p.scale(hash, slots) : p.alu('rsh', p.alu('mul', hash, p.widen(slots)), 32)
  if (base !== 0) index = p.alu('add', index, typeof base === 'number' ? base : p.widen(base))
  if (index.max >= memory.totalSlots) index = p.below(index, memory.totalSlots, 'no-server')
  return p.load(p.element(words, index))
}

/** packetPath: the function that decides about one packet, to be entered by the kernel or called. */
export function packetPath(shape: Shape, memory: Memory): BuiltFunction {
  const tracking = trackingOf(shape, memory)
  const ranges = rangeFunctions(shape, memory)
  const count = (p: Path, index: Val<'u32'>) => {
    p.increment(p.element(countersOfCpu(p, shape, memory).outcomes, index), 1)
  }
  return xdpFunction(PATH_NAME, { outcomes: verdicts, count }, (p) => {
    // looking an IPv6 address up in a table takes every register: context and length wait on the stack
    const isCrowded = has(shape, 6) && !isInline(shape)
    // and a function that looks ranges up is called while the frame has them
    const calls = Object.keys(ranges).length > 0
    const turn = takesAnswers(shape) ? turnFunction(shape, memory, verdicts) : undefined
    const context = tracking || isCrowded || calls || turn ? p.stashContext() : undefined
    const all = shape.jumbo ? p.call('xdp_get_buff_len', p.ctx) : undefined
    const frame = p.packet()
    const kept = isCrowded ? p.stash(all ?? p.length(frame.data, frame.end)) : undefined
    const where = tracking && p.slot('u64')
    const slow = p.label('slow')
    const unserved = tracking?.nat && { plain: p.label('unserved'), slow: p.label('unserved-slow') }
    // what is for no listener may be an answer: first to a check, then to a client
    const answers = turn && { plain: p.label('unturned'), slow: p.label('unturned-slow') }
    const first = answers ?? unserved
    const routeOf = (home: Home, label: string, other?: Route): Route => ({
      shape,
      memory,
      match: matchOf(p, shape, memory, home, other?.match),
      ranges,
      hash: cell(p, home, 'u64', 0xffffffff),
      bytes: cell(p, home, 'u32', maxOf('u32')),
      held: () =>
        p.alu('sub', kept ? p.unstash(kept) : (all ?? p.length(frame.data, frame.end)), Ethernet.size),
      where,
      join: p.label(label),
      expired: slow,
      unserved: first?.plain ?? 'no-listener',
    })
    const straight = routeOf('register', 'choose')
    const routes = { register: straight, stack: routeOf('stack', 'join', straight) }
    parse(p, routes, frame, slow)
    takeSlowPath(p, routes.stack, frame, slow, first?.slow, context)
    join(p, routes)
    const word = slotWord(p, routes.register)
    const passed = { plain: unserved?.plain ?? 'no-listener', slow: unserved?.slow ?? 'no-listener' } as const
    if (!tracking || !context) {
      forward(p, routes.register, frame.data, p.alu('and', word, memory.serverCapacity - 1), context)
      if (turn && answers && context) takeAnswers(p, turn, context, answers, passed)
      return
    }
    const reset = p.label('reset')
    const server = decideServer(p, routes.register, tracking, context, word, reset)
    forward(p, routes.register, frame.data, server, context)
    if (tracking.reset) answerReset(p, routes.register, tracking.reset, context, reset)
    if (turn && answers) takeAnswers(p, turn, context, answers, passed)
    if (tracking.nat && unserved) turnBack(p, tracking.nat, routes.stack, context, unserved)
  })
}

/** packetProgram: the program to attach. Its maps are memory's. */
export const packetProgram = (shape: Shape, memory: Memory): Built =>
  program(PATH_NAME, packetPath(shape, memory))
