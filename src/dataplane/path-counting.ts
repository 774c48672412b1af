// What the function that decides about a flow does for services whose scheduler counts: whom a new flow is given to, and
// which connections are counted when records come, close and go. Other files have no instruction of this.

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, ne, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { FLOW, STATE_SHIFT } from './flow-record.ts'
import { has, type Memory, persists, usesNat } from './memory.ts'
import { ABOUT, type Asked, serviceOf } from './path-asked.ts'
import { pickFunction, tallyFunction } from './path-schedule.ts'
import type { Shape } from './shape.ts'

/** Counting: functions of the program that count; `tally` where some scheduler looks at connections. */
export interface Counting {
  readonly pick: BuiltFunction
  readonly tally: BuiltFunction | undefined
}

/** countingOf a shape's memory; undefined where slots pick all servers. */
export function countingOf(memory: Memory): Counting | undefined {
  const { scheduling } = memory
  if (!scheduling) return undefined
  const pick = pickFunction(memory, scheduling)
  const tally = scheduling.least.length > 0 ? tallyFunction(memory, scheduling) : undefined
  return { pick, tally }
}

/**
 * pickServer of a SYN or datagram, where the service's scheduler counts: its id, else 0. Nobody to pick: answers so. None
 * is picked for a network that has a server.
 */
export function pickServer(p: Builder, asked: Asked, { pick }: Counting): Stashed<'u32'> {
  const { shape, memory, kind, nobody } = asked
  const picked = p.slot('u32', memory.serverCapacity - 1)
  const [begins, done] = [p.label('begins'), p.label('picked')]
  p.setSlot(picked, 0)
  if (has(shape, 'tcp')) {
    p.jumpIf(anyBits(kind(), ABOUT.syn | ABOUT.udp), begins)
    p.goto(done)
    p.bind(begins)
  }
  const others = (usesNat(shape) ? ABOUT.moves : 0) | (persists(shape) ? ABOUT.kept : 0)
  p.jumpIf(anyBits(kind(), ABOUT.peek | others), done)
  const service = unlessCounts(p, asked, done)
  const server = p.alu('and', p.callSub(pick, service), memory.serverCapacity - 1)
  p.jumpIf(eq(server, 0), nobody)
  p.setSlot(picked, server)
  p.bind(done)
  return picked
}

/** allCount: whether each listener's service has a scheduler that counts. */
export const allCount = (shape: Shape): boolean =>
  shape.listeners.every(({ service }) => shape.services[service]?.picker !== undefined)

/** unlessCounts: where the service has no scheduler that counts. Gives the service. */
export function unlessCounts(p: Builder, asked: Asked, not: Label): Val<'u32'> {
  const { shape, memory } = asked
  const service = p.alu('and', serviceOf(p, asked), memory.serviceCapacity - 1)
  if (!allCount(shape)) {
    const { services } = p.memory(memory.scheduling!.map)
    p.jumpIf(eq(p.load(fields(p.element(services, service)).kind), 0), not)
  }
  return service
}

/** count one connection more or less of a record's server. */
const count = (
  p: Builder,
  tally: BuiltFunction,
  stable: Val<'u32'>,
  active: number,
  inactive: number,
): void => {
  p.callSub(tally, stable, p.constant(active >>> 0), p.constant(inactive >>> 0))
}

/** tallyReplaced: a new record stands in place of what `was` there, which may have been none. */
export function tallyReplaced(
  p: Builder,
  tally: BuiltFunction,
  was: Stashed<'u64'>,
  stable: Val<'u32'>,
): void {
  const made = p.stash(stable)
  const [open, counted] = [p.label('was-open'), p.label('was-counted')]
  const state = p.alu('rsh', p.unstash(was), 32 + STATE_SHIFT)
  p.jumpIf(eq(state, FLOW.empty), counted)
  p.jumpIf(ne(state, FLOW.closed), open)
  count(p, tally, p.narrow(p.unstash(was)), 0, -1)
  p.goto(counted)
  p.bind(open)
  count(p, tally, p.narrow(p.unstash(was)), -1, 0)
  p.bind(counted)
  count(p, tally, p.unstash(made), 1, 0)
}

/** Closing: where what is to be done for a record that has just been closed stands, behind all else, and what it needs. */
export interface Closing {
  readonly label: Label
  readonly server: Stashed<'u32'>
  readonly stable: Stashed<'u32'>
}

/** closingOf makes room for it. */
export const closingOf = (p: Builder, memory: Memory): Closing => ({
  label: p.label('has-closed'),
  server: p.slot('u32', memory.serverCapacity - 1),
  stable: p.slot('u32'),
})

/** whereClosed: a record of this value, whose state is `next` now, was not closed before. */
export function whereClosed(
  p: Builder,
  { label, server: kept, stable }: Closing,
  {
    server,
    value,
    next,
  }: { readonly server: Val<'u32'>; readonly value: Val<'u64'>; readonly next: Val<'u32'> },
): void {
  const other = p.label('closes-nothing')
  p.jumpIf(ne(next, (FLOW.closed << STATE_SHIFT) >>> 0), other)
  p.jumpIf(eq(p.alu('rsh', value, 32 + STATE_SHIFT), FLOW.closed), other)
  p.setSlot(kept, server)
  p.setSlot(stable, p.narrow(value))
  p.goto(label)
  p.bind(other)
}

/** tellClosed: a connection is inactive now. Ends by leaving. */
export function tellClosed(p: Builder, tally: BuiltFunction, { label, server, stable }: Closing): void {
  p.bind(label)
  count(p, tally, p.unstash(stable), -1, 1)
  p.exitValue(p.unstash(server))
}
