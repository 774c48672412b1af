// The packet path as a program, for one shape: docs/packet-path.md step by step. Untagged frames without options,
// extension headers or fragments go straight down; all else takes the slow path, a function that parses anything, and
// joins again where the server is chosen. What a shape does not need costs no instruction.
//
//   IPv4 ──────────────────────┐
//   IPv6 (behind it, or alone) ┼── (admit) ── choose ── forward
//   slow path (behind both) ───┘

import type { StashedContext } from '../bpf/builder.ts'
import { maxOf } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { be16, ne, type Val, type View } from '../bpf/values.ts'
import { type Built, type BuiltFunction, program, xdpFunction } from '../bpf/xdp.ts'
import { cell, type Home, move, type Path, take } from './cell.ts'
import { ETH_P_IP, ETH_P_IPV6, Ethernet, Ipv4, Ipv6, Tcp, Udp } from './headers.ts'
import { matchOf } from './match.ts'
import { rangeFunctions } from './match-ranges.ts'
import { has, isInline, type Memory } from './memory.ts'
import { type OutcomeName, outcomeNames, outcomes, type Verdict } from './outcomes.ts'
import { countersOfCpu, type Flow, otherHost, type Route } from './path.ts'
import { acceptFunction, leaveUnlessAccepted, type Nobodys, nobodysOf } from './path-accept.ts'
import { admitFunction, askAdmit } from './path-admit.ts'
import { answerReset, decideServer, trackingOf } from './path-flow.ts'
import { forward } from './path-forward.ts'
import { rememberFunction } from './path-fragment.ts'
import { finishIpv4, guardIpv4 } from './path-ipv4.ts'
import { finishIpv6, guardIpv6, hashIpv6 } from './path-ipv6.ts'
import { turnBack } from './path-nat.ts'
import { type Recording, recordingOf, recordLeft, recordSlow, recordSyn, whereSyn } from './path-record.ts'
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
/** Syns: where a SYN goes before its server is chosen, from the straight path and from IPv6's behind it. */
type Syns = Readonly<Record<Home, Label>>

/** parse: from the frame to the route, straight where possible; what is not goes `slow`. */
function parse(
  p: Path,
  { register: straight, stack: behind }: Routes,
  { data, end }: Frame,
  slow: Label,
  syns: Syns | undefined,
): void {
  const { shape, memory } = straight
  // a datagram shorter than a TCP header takes the slow path where the file has both
  const l4 = has(shape, 'tcp') ? Tcp : Udp
  const asksSyn = (route: Route, flow: Flow, transport: View<(typeof Tcp | typeof Udp)['fields']>) => {
    if (syns && 'flags' in transport)
      whereSyn(p, shape, flow, transport.flags, route === straight ? syns.register : syns.stack)
  }
  const ipv6 = (route: Route) => {
    const { eth, ip, transport } = p.headers(data, end, { eth: Ethernet, ip: Ipv6, transport: l4 }, slow)
    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IPV6)), slow)
    otherHost(p, shape, memory, eth)
    const flow = guardIpv6(p, shape, ip, transport.ports, slow)
    return () => {
      finishIpv6(p, route, ip, flow)
      hashIpv6(p, route, flow)
      asksSyn(route, flow, transport)
    }
  }
  const ipv4 = (route: Route, other: typeof slow) => {
    const { eth, ip, transport } = p.headers(data, end, { eth: Ethernet, ip: Ipv4, transport: l4 }, slow)
    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IP)), other)
    otherHost(p, shape, memory, eth)
    const flow = guardIpv4(p, shape, ip, transport.ports, slow)
    return () => {
      finishIpv4(p, route, ip, flow)
      asksSyn(route, flow, transport)
    }
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
  asked: {
    readonly unserved: Label | undefined
    readonly nobodys: Nobodys | undefined
    readonly remember: BuiltFunction
  },
  kept: StashedContext | undefined,
  recording: Recording | undefined,
): void {
  const lent = p.slot('u64')
  const called = slowPath(behind, lent.offset, verdicts, asked.remember)
  p.cold(slow, () => {
    const context = kept ?? p.stashContext()
    const code = p.callSub(called, kept ? p.contextOf(kept) : p.ctx, p.slotPlace(lent))
    const { unserved, nobodys } = asked
    const others = { ...nobodys, ...(unserved && { 'no-listener': unserved }) }
    for (const [outcome, label] of Object.entries(others) as [OutcomeName, Label][])
      p.jumpIf(p.answered(code, outcome), label)
    p.exitIf(ne(code, 0), () => p.leaveAs(code))
    if (!kept) p.restoreContext(context)
    if (recording && kept) recordSlow(p, recording, behind, kept)
    const frame = p.packet(kept ? p.contextOf(kept) : p.ctx)
    p.headers(frame.data, frame.end, { eth: Ethernet }, 'short')
    p.setPointer(data, frame.data)
    p.goto(behind.join)
  })
}

/** recordSyns: the code behind both labels: the route waits on the stack meanwhile. */
function recordSyns(
  p: Path,
  { register: straight, stack: behind }: Routes,
  syns: Syns,
  recording: Recording,
  context: StashedContext,
): void {
  p.cold(syns.register, () => {
    move(p, straight.match.base, behind.match.base)
    move(p, straight.match.slots, behind.match.slots)
    move(p, straight.bytes, behind.bytes)
    move(p, straight.hash, behind.hash)
    p.bind(syns.stack)
    recordSyn(p, recording, straight, context)
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
  const recording = recordingOf(shape, memory)
  let leaving: StashedContext | undefined
  const count = (p: Path, index: Val<'u32'>, code: Val<'u32'>) => {
    const counters = countersOfCpu(p, shape, memory)
    p.increment(p.element(counters.outcomes, index), 1)
    if (recording && leaving) recordLeft(p, recording, counters, leaving, { index, code })
  }
  return xdpFunction(PATH_NAME, { outcomes: verdicts, count }, (p) => {
    // looking an IPv6 address up in a table takes every register: context and length wait on the stack
    const isCrowded = has(shape, 6) && !isInline(shape)
    // and a function that looks ranges up is called while the frame has them
    const calls = Object.keys(ranges).length > 0
    const turn = takesAnswers(shape) ? turnFunction(shape, memory, verdicts) : undefined
    const nobodys = nobodysOf(p, shape)
    const accept = nobodys && acceptFunction(shape, memory, verdicts)
    const admit = shape.defence && admitFunction(shape, memory, verdicts, recording)
    const waits = tracking || isCrowded || calls || turn || accept || recording || admit
    const context = waits ? p.stashContext() : undefined
    leaving = context
    const all = shape.jumbo ? p.call('xdp_get_buff_len', p.ctx) : undefined
    const frame = p.packet()
    const kept = isCrowded ? p.stash(all ?? p.length(frame.data, frame.end)) : undefined
    const where = tracking || recording || admit ? p.slot('u64') : undefined
    const remember = rememberFunction(shape, memory)
    const slow = p.label('slow')
    const unserved = tracking?.nat && { plain: p.label('unserved'), slow: p.label('unserved-slow') }
    // what is for no listener may be an answer: first to a check, then to a client
    const answers = turn && { plain: p.label('unturned'), slow: p.label('unturned-slow') }
    const first = answers ?? unserved
    const noListener: OutcomeName | Label = nobodys?.['no-listener'] ?? 'no-listener'
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
      unserved: first?.plain ?? noListener,
      recording,
    })
    const straight = routeOf('register', 'choose')
    const routes = { register: straight, stack: routeOf('stack', 'join', straight) }
    const syns =
      recording && has(shape, 'tcp') ? { register: p.label('syn'), stack: p.label('syn-behind') } : undefined
    parse(p, routes, frame, slow, syns)
    const ways = { unserved: first?.slow, nobodys, remember }
    takeSlowPath(p, routes.stack, frame, slow, ways, context, recording)
    if (recording && syns && context) recordSyns(p, routes, syns, recording, context)
    join(p, routes)
    if (admit && context) askAdmit(p, routes, { admit, remember }, context, frame)
    const word = slotWord(p, routes.register)
    const passed = { plain: unserved?.plain ?? noListener, slow: unserved?.slow ?? noListener }
    if (!tracking || !context) {
      forward(p, routes.register, frame.data, p.alu('and', word, memory.serverCapacity - 1), context)
      if (turn && answers && context) takeAnswers(p, turn, context, answers, passed)
      if (accept && context) leaveUnlessAccepted(p, accept, context, nobodys)
      return
    }
    const reset = p.label('reset')
    const server = decideServer(p, routes.register, tracking, context, word, reset)
    forward(p, routes.register, frame.data, server, context)
    if (tracking.reset) answerReset(p, routes.register, tracking.reset, context, reset)
    if (turn && answers) takeAnswers(p, turn, context, answers, passed)
    if (tracking.nat && unserved) turnBack(p, tracking.nat, routes.stack, context, unserved, noListener)
    if (accept) leaveUnlessAccepted(p, accept, context, nobodys)
  })
}

/** packetProgram: the program to attach. Its maps are memory's. */
export const packetProgram = (shape: Shape, memory: Memory): Built =>
  program(PATH_NAME, packetPath(shape, memory))
