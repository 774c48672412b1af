// Whether a new flow is let in (docs/packet-path.md, D3 to D6), behind lists and rules: proof of source, then what its source
// may open or send in a second, then what its service and the node take. What a shape does not have emits nothing.

import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, ne, type Pointer, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import type { Path } from './cell.ts'
import { PROOF } from './defence-shape.ts'
import { TCP_ACK, TCP_RST, TCP_SYN, Tcp } from './headers.ts'
import { isMixed } from './match.ts'
import { has, type Memory } from './memory.ts'
import { unlessBelow } from './path-clock.ts'
import type { Proof } from './path-proof.ts'
import { flowFunction, meterFunction, sourceFunction } from './path-sources.ts'
import { banFunction, bannedFunction, knowFunction, knownFunction } from './path-until.ts'
import { WHERE } from './path-where.ts'
import type { Shape } from './shape.ts'

/** UDP_APART: by what the source of datagrams differs from the same source of flows: a bit of its print. */
const UDP_APART = 0x8000_0000n
/** PROOF_APART: likewise of the source's proofs. */
const PROOF_APART = 0x4000_0000n
/** Admitting: what steps of the function work with. */
export interface Admitting {
  readonly shape: Shape
  readonly memory: Memory
  readonly where: () => Val<'u64'>
  readonly service: () => Val<'u32'>
  /** Not 0: the source is on an allow-list. */
  readonly isAllowed: () => Val<'u32'>
}

/** Limits: functions over the tables of sources. */
interface Limits {
  readonly source: BuiltFunction
  readonly meter: BuiltFunction | undefined
  readonly banned: BuiltFunction | undefined
  readonly ban: BuiltFunction | undefined
}

/** limitsOf a shape that limits sources. */
export function limitsOf(shape: Shape, memory: Memory): Limits {
  const { sources } = shape.defence!
  const meters = sources!.new || sources!.udp
  return {
    source: sourceFunction(shape, memory),
    meter: meters ? meterFunction(shape, memory) : undefined,
    banned: sources!.ban ? bannedFunction(shape, memory) : undefined,
    ban: sources!.ban ? banFunction(shape, memory) : undefined,
  }
}

/** Knowing: functions over the table of flows of UDP. */
interface Knowing {
  readonly flow: BuiltFunction
  readonly known: BuiltFunction
  readonly know: BuiltFunction
}

/** knowingOf a shape that has such a table. */
export const knowingOf = (shape: Shape, memory: Memory): Knowing => ({
  flow: flowFunction(shape, memory),
  known: knownFunction(shape, memory),
  know: knowFunction(shape, memory),
})

/** Steps: functions of what a shape has. */
interface Steps {
  readonly limits: Limits | undefined
  readonly proof: Asking | undefined
  readonly known: Knowing | undefined
}

/** flowSteps: D3 to D6, by the transport header; what has none of its own is let in. Goes on at `admitted` or falls out. */
export function flowSteps(
  p: Path,
  admitting: Admitting,
  { limits, proof, known }: Steps,
  admitted: Label,
): void {
  const { shape, where } = admitting
  const { sources, ceilings } = shape.defence!
  const udp = p.label('admit-udp')
  p.jumpIf(anyBits(where(), WHERE.peek), admitted)
  if (isMixed(shape)) p.jumpIf(anyBits(where(), WHERE.udp), udp)
  if (has(shape, 'tcp')) {
    const { data, end } = p.packet()
    const { tcp } = p.headers(transportOf(p, data, where()), end, { tcp: Tcp }, admitted)
    const flags = p.load(tcp.flags)
    if (proof) takeProof(p, admitting, proof, limits, flags, admitted)
    p.jumpIf(ne(p.alu('and', flags, TCP_SYN | TCP_ACK | TCP_RST), TCP_SYN), admitted)
    countOpening(p, admitting)
    if (proof) askProof(p, admitting, proof)
    if (sources?.new && limits) limitNew(p, admitting, limits, proof)
    if (ceilings) keepCeilings(p, admitting)
    if (isMixed(shape)) p.goto(admitted)
  }
  if (!has(shape, 'udp')) return
  if (isMixed(shape)) p.bind(udp)
  if (sources?.udp && limits) limitUdp(p, admitting, limits)
  if (known) keepCeilingsOfUdp(p, admitting, known, admitted)
}

/** Asking: functions of proof, and where a SYN is challenged. */
export type Asking = Omit<Proof, 'challenge'> & { readonly challenge: Label }

/**
 * takeProof: D3 for a RST: one that answers a challenge goes no further. A source that proves more flows than it may open in
 * a second is banned: whose addresses others use has proved none of them.
 */
function takeProof(
  p: Path,
  { memory, where, service, isAllowed }: Admitting,
  { take }: Asking,
  limits: Limits | undefined,
  flags: Val<'u8'>,
  admitted: Label,
): void {
  const reset = p.label('reset-came')
  p.jumpIf(anyBits(flags, TCP_RST), reset)
  p.cold(reset, () => {
    p.jumpIf(eq(p.callSub(take, p.ctx, where(), service()), 0), admitted)
    if (limits?.ban) {
      const proven = p.label('proven-within')
      const { sourceNew } = fields(p.memory(memory.defence!.settings).settings)
      p.jumpIf(eq(p.load(sourceNew), 0), proven)
      p.jumpIf(ne(isAllowed(), 0), proven)
      const source = p.stash(p.callWide(limits.source, p.ctx, where()))
      const apart = p.alu('xor', p.unstash(source), p.const64(PROOF_APART))
      p.jumpIf(eq(p.callSub(limits.meter!, apart, p.load(sourceNew)), 0), proven)
      p.callSub(limits.ban, p.unstash(source))
      p.bind(proven)
    }
    p.leave('proven')
  })
}

/** askProof: D3 for a SYN. */
function askProof(p: Path, { where, service }: Admitting, { wanted, challenge }: Asking): void {
  p.jumpIf(ne(p.callSub(wanted, p.ctx, where(), service()), 0), challenge)
}

/** transportOf: where the transport header begins. */
export const transportOf = (p: Path, data: Pointer, where: Val<'u64'>): Pointer =>
  p.advance(data, p.alu('and', p.alu('rsh', where, WHERE.offset), WHERE.mask))

/** countOpening: a SYN of the service. */
function countOpening(p: Path, { shape, memory, service }: Admitting): void {
  const cpu = p.alu('and', p.narrow(p.call('get_smp_processor_id')), shape.cpus - 1)
  const { blocks } = p.memory(memory.defence!.openings!)
  p.increment(p.element(fields(p.pin(p.element(blocks, cpu))).services, service()), 1)
}

/**
 * limitNew: D4 for a SYN above what its source may open in a second: who has not proved itself is challenged, or anybody where
 * proofs are what bans; else it is dropped.
 */
function limitNew(
  p: Path,
  { memory, where, service, isAllowed }: Admitting,
  limits: Limits,
  proof: Asking | undefined,
): void {
  const [within, above] = [p.label('within-limit'), p.label('above-limit')]
  const { sourceNew } = fields(p.memory(memory.defence!.settings).settings)
  const most = p.load(sourceNew)
  p.jumpIf(eq(most, 0), within)
  p.jumpIf(ne(isAllowed(), 0), within)
  const source = p.callWide(limits.source, p.ctx, where())
  p.jumpIf(ne(p.callSub(limits.meter!, source, most), 0), above)
  p.cold(above, () => {
    if (proof) {
      const { services } = p.memory(memory.defence!.settings)
      p.exitIf(eq(p.load(fields(p.element(services, service())).proof), PROOF.off), 'source-limit')
      if (!limits.ban) p.exitIf(ne(p.callSub(proof.standing, p.ctx, where()), 0), 'source-limit')
      p.goto(proof.challenge)
    } else p.leave('source-limit')
  })
  p.bind(within)
}

/** limitUdp: D5 for a datagram. What a source sends of UDP is counted apart from its flows of TCP. */
function limitUdp(p: Path, { memory, where, isAllowed }: Admitting, limits: Limits): void {
  const within = p.label('within-limit')
  const { sourceUdp } = fields(p.memory(memory.defence!.settings).settings)
  const most = p.load(sourceUdp)
  p.jumpIf(eq(most, 0), within)
  p.jumpIf(ne(isAllowed(), 0), within)
  const source = p.callWide(limits.source, p.ctx, where())
  const apart = p.alu('xor', source, p.const64(UDP_APART))
  p.exitIf(ne(p.callSub(limits.meter!, apart, most), 0), 'source-limit')
  p.bind(within)
}

/** keepCeilingsOfUdp: D6 for a datagram: its flow is known, or a new one. Who has no ceiling is not looked up. */
function keepCeilingsOfUdp(
  p: Path,
  admitting: Admitting,
  { flow, known, know }: Knowing,
  admitted: Label,
): void {
  const { memory, where, service } = admitting
  const { settings, services } = p.memory(memory.defence!.settings)
  const own = p.load(fields(p.element(services, service())).ceiling)
  p.jumpIf(eq(p.alu('or', own, p.load(fields(settings).ceiling)), 0), admitted)
  const kept = p.stash(p.callWide(flow, p.ctx, where(), service()))
  p.jumpIf(ne(p.callSub(known, p.unstash(kept)), 0), admitted)
  keepCeilings(p, admitting)
  p.callSub(know, p.unstash(kept))
}

/** keepCeilings: D6 for a new flow: above what its service, or the node, takes in a second. */
function keepCeilings(p: Path, { shape, memory, service }: Admitting): void {
  const { settings, node, services } = p.memory(memory.defence!.settings)
  const own = fields(p.pin(p.element(services, service())))
  const [unlimited, within] = [p.label('no-ceiling'), p.label('within-ceilings')]
  const most = p.load(own.ceiling)
  p.jumpIf(eq(most, 0), unlimited)
  unlessBelow(p, shape, memory, own.flows, most, 'service-limit')
  p.bind(unlimited)
  const all = p.load(fields(settings).ceiling)
  p.jumpIf(eq(all, 0), within)
  unlessBelow(p, shape, memory, fields(node).window, all, 'node-limit')
  p.bind(within)
}
