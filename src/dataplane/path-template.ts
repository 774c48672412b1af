// The server that a client network is kept with, as a function of the program: docs/packet-path.md, "Persistence". It is
// called by the function that decides: before a new flow's server is chosen, to ask, and when a flow's record has been
// made or refreshed, to keep the network with the flow's server. (template, server or 0 to ask, about) -> who keeps it.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, gt, ne, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { FLOW, SLACK, TEMPLATE, TIME_MASK } from './flow-record.ts'
import {
  ABOUT,
  type Asked,
  askedOf,
  hasBit,
  isReachable,
  questionOf,
  serviceOf,
  stateBits,
  valueIn,
} from './path-asked.ts'
import { type Deciding, remember } from './path-decide.ts'
import { lookUp } from './path-look-up.ts'
import { SERVER_MASK } from './shape.ts'

/** templateFunction of a shape with services that persist. */
export const templateFunction = ({ shape, memory, flows, called }: Deciding): BuiltFunction =>
  plainFunction('template', (p) => {
    const { scan, counting } = called
    const asked = askedOf(p, shape, memory, flows, questionOf(p))
    const { kind, entry, now, own, word } = asked
    const [missed, lapsed, absent] = [p.label('no-template'), p.label('lapsed'), p.label('absent')]
    const [keep, unchanged, none] = [p.label('keep'), p.label('unchanged'), p.label('none')]
    const value = lookUp(p, asked, scan, missed)
    const server = p.below(p.alu('and', p.narrow(value), SERVER_MASK), memory.serverCapacity, lapsed)
    const changing = () => p.narrow(p.alu('rsh', value, 32))
    const silent = p.alu('and', p.alu('sub', p.alu('add', now, SLACK), changing()), TIME_MASK)
    p.jumpIf(gt(silent, p.alu('add', ticksOf(p, asked), SLACK)), lapsed)
    unlessOpen(p, asked, server, lapsed)
    p.jumpIf(ne(word(), 0), keep)
    p.exitValue(server)

    // the network's own server: refreshed; another one's flows of before change nothing
    p.bind(keep)
    p.jumpIf(ne(word(), server), unchanged)
    const state = p.variable('u32')
    const known = p.label('state-known')
    p.set(state, stateBits(FLOW.established))
    p.jumpIf(eq(p.alu('and', kind(), ABOUT.syn), 0), known)
    p.set(state, p.alu('and', changing(), stateBits(FLOW.established)))
    p.bind(known)
    const touched = p.alu('or', p.alu('lsh', p.widen(p.alu('or', state, now)), 32), p.narrow(value))
    p.jumpIf(eq(touched, value), unchanged)
    p.store(valueIn(entry), touched)
    p.bind(unchanged)
    p.exitValue(server)

    p.bind(lapsed)
    p.setSlot(own, 1)
    p.goto(absent)
    p.bind(missed)
    p.setSlot(own, 0)
    p.bind(absent)
    const next = p.variable('u32', memory.serverCapacity - 1)
    p.jumpIf(eq(word(), 0), none)
    p.set(next, p.alu('and', word(), memory.serverCapacity - 1))
    unlessOpen(p, asked, next, none)
    const made = p.variable('u32')
    const [record, answer] = [p.label('record-template'), p.label('answer')]
    p.set(made, stateBits(FLOW.syn))
    p.jumpIf(anyBits(kind(), ABOUT.syn), record)
    p.set(made, stateBits(FLOW.established))
    p.bind(record)
    remember(p, asked, { server: next, state: made, mark: TEMPLATE }, counting, answer)
    p.bind(none)
    p.exitValue(0)
    if (shape.pools.length > 1) {
      p.bind(asked.nobody)
      p.exitValue(0)
    }
  })

/** ticksOf the packet's service: after so much silence a network is free. */
function ticksOf(p: Builder, asked: Asked): Val<'u32'> {
  const { memory } = asked
  const service = p.alu('and', serviceOf(p, asked), memory.serviceCapacity - 1)
  return p.load(fields(p.element(p.memory(memory.tables).persists, service)).ticks)
}

/** unlessOpen: where a network is not to come back to the server. */
function unlessOpen(p: Builder, asked: Asked, id: Val<'u32'>, not: Label): void {
  p.jumpIf(eq(isReachable(p, asked, id), 0), not)
  p.jumpIf(eq(hasBit(p, asked, asked.memory.tracking!.shut!, id), 1), not)
}
