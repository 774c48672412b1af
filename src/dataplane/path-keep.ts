// A flow's record among the answers, for its packet that goes to a server, as a function of the program: its own is
// refreshed, or one is made where there is room and nobody's place is taken (docs/packet-path.md, N2). It takes numbers:
// the sum of the flow's key without the server, S and the packet's KIND, the address that the client had sent to in two halves, the hop with the port
// that it had sent to above it. It answers a REQUEST.

import { anyBits, eq, fields, gt, lt, ne, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { HOP_VIA } from './answer-record.ts'
import { limitsOf } from './flow-clock.ts'
import { FLOW, SLACK, STATE_SHIFT, TIME_MASK } from './flow-record.ts'
import { has, type Memory } from './memory.ts'
import { eventNames } from './outcomes.ts'
import { type Answers, entryAt, HELD, halvesOf, portAndSeal, serverSum, spread } from './path-answers.ts'
import { countRecord, ticks } from './path-asked.ts'
import { type FlowsShape, SERVER_MASK, type Shape } from './shape.ts'

/** REQUEST: done; or why the packet cannot go there. `taken`: the place of a new flow is another's. */
export const REQUEST = { done: 0, noRoom: 1, clash: 2, taken: 3, noServer: 4, hairpin: 5 } as const
/** KIND: what of a packet matters to its record. */
export const KIND = { segment: 1, end: 2, syn: 4, udp: 8 } as const
/** KEEP: how far the kind is above S, and the port above the hop. */
export const KEEP = { kind: 32, port: 48 } as const

const stateBits = (state: number): number => (state << STATE_SHIFT) >>> 0

export function keepFunction(
  shape: Shape,
  memory: Memory,
  flows: FlowsShape,
  answers: Answers,
): BuiltFunction {
  const limits = limitsOf(flows)
  return plainFunction('keep', (p) => {
    const [rest, who, low, high, from] = p.parameters('numbers', 'u64', 'u64', 'u64', 'u64', 'u64')
    const nowhere = p.label('nowhere')
    const server = p.below(p.alu('and', p.narrow(who), SERVER_MASK), memory.serverCapacity, nowhere)
    const { address } = fields(p.pin(p.element(p.memory(memory.tables).targets, server)))
    const key = spread(
      p,
      p.alu(
        'add',
        rest,
        serverSum(p, memory, has(shape, 6) ? 6 : 4, (word) => p.load(part(address, 4 * word, 'u32'))),
      ),
    )
    const mac = p.alu('rsh', p.alu('lsh', from, 64 - KEEP.port), 64 - KEEP.port)
    const kept = {
      key: p.stash(key),
      stable: p.stash(p.narrow(who)),
      kind: p.stash(p.narrow(p.alu('rsh', who, KEEP.kind))),
      low: p.stash(low),
      high: p.stash(high),
      hop: p.stash(shape.own === 0 ? mac : p.alu('or', p.const64(BigInt(shape.own) << BigInt(HOP_VIA)), mac)),
      port: p.stash(
        portAndSeal(p, key, low, has(shape, 6) ? high : undefined, p.alu('rsh', from, KEEP.port)),
      ),
    }
    const now = p.stash(ticks(p, memory, flows))
    const [held, other, write, taken, free, done] = [
      p.label('held'),
      p.label('of-another'),
      p.label('write-answer'),
      p.label('taken'),
      p.label('free'),
      p.label('done'),
    ]
    const stable = () => p.unstash(kept.stable)
    const kind = () => p.unstash(kept.kind)
    const block = () => {
      const cpu = p.alu('and', p.narrow(p.call('get_smp_processor_id')), shape.cpus - 1)
      return p.element(p.memory(memory.counters).blocks, cpu)
    }
    const silentFor = (changing: Val<'u32'>, most: number) =>
      gt(p.alu('and', p.alu('sub', p.alu('add', p.unstash(now), SLACK), changing), TIME_MASK), most + SLACK)
    const number = p.callSub(answers.seek, p.unstash(kept.key), p.unstash(now))
    const entry = p.stashPlace(entryAt(p, answers, number, nowhere))
    const at = () => p.unstashPlace(entry)
    const changing = () => p.load(fields(at()).changing)
    const state = () => p.alu('rsh', changing(), STATE_SHIFT)
    p.jumpIf(anyBits(number, HELD), held)

    // none: the entry is of least rank
    p.jumpIf(anyBits(kind(), KIND.end), done)
    p.jumpIf(lt(changing(), stateBits(FLOW.established)), write)
    p.jumpIf(silentFor(changing(), limits.established), write)
    const room = p.label('makes-room')
    p.jumpIf(eq(p.alu('and', kind(), KIND.syn), 0), room)
    p.exitValue(REQUEST.noRoom)
    p.bind(room)
    p.increment(p.element(fields(block()).events, eventNames.indexOf('answer-evicted')), 1)
    p.goto(write)

    p.bind(held)
    const halves = halvesOf(at())
    p.jumpIf(ne(p.load(halves.portAndSeal), p.unstash(kept.port)), other)
    p.jumpIf(ne(p.load(halves.low), p.unstash(kept.low)), other)
    p.jumpIf(ne(p.load(halves.high), p.unstash(kept.high)), other)
    p.jumpIf(ne(p.load(fields(at()).stable), stable()), free)
    const next = p.variable('u32')
    const [touch, closed, hop] = [p.label('touch-answer'), p.label('answer-closed'), p.label('hop')]
    p.set(next, stateBits(FLOW.established))
    p.jumpIf(anyBits(kind(), KIND.udp), touch)
    p.jumpIf(anyBits(kind(), KIND.end), closed)
    p.set(next, stateBits(FLOW.syn))
    p.jumpIf(anyBits(kind(), KIND.syn), touch)
    p.set(next, stateBits(FLOW.established))
    p.jumpIf(ne(state(), FLOW.closed), touch)
    p.bind(closed)
    p.set(next, stateBits(FLOW.closed))
    p.bind(touch)
    const touched = value(next)
    p.jumpIf(eq(p.load(halvesOf(at()).value), touched), hop)
    p.store(halvesOf(at()).value, touched)
    p.bind(hop)
    p.jumpIf(eq(p.load(fields(at()).hop), p.unstash(kept.hop)), done)
    p.store(fields(at()).hop, p.unstash(kept.hop))
    p.goto(done)

    // another flow's, as long as it is whole, not closed and not silent
    p.bind(other)
    p.jumpIf(eq(state(), FLOW.closed), free)
    const { low: heldLow, high: heldHigh, portAndSeal: sealed } = halvesOf(at())
    const said = p.stash(p.load(sealed))
    const sound = portAndSeal(
      p,
      p.unstash(kept.key),
      p.load(heldLow),
      has(shape, 6) ? p.load(heldHigh) : undefined,
      p.alu('and', p.unstash(said), 0xffff),
    )
    p.jumpIf(ne(sound, p.unstash(said)), free)
    const established = p.label('other-established')
    p.jumpIf(ne(state(), FLOW.syn), established)
    p.jumpIf(silentFor(changing(), limits.syn), free)
    p.goto(taken)
    p.bind(established)
    p.jumpIf(silentFor(changing(), limits.established), free)
    p.bind(taken)
    p.jumpIf(anyBits(kind(), KIND.segment | KIND.end), nowhere)
    p.exitValue(REQUEST.taken)

    p.bind(free)
    p.jumpIf(anyBits(kind(), KIND.end), done)
    p.bind(write)
    countRecord(p, flows, block, 'answer', () => p.unstash(kept.key))
    const fresh = p.variable('u32')
    const known = p.label('state-known')
    p.set(fresh, stateBits(FLOW.syn))
    p.jumpIf(anyBits(kind(), KIND.syn), known)
    p.set(fresh, stateBits(FLOW.established))
    p.bind(known)
    const made = halvesOf(at())
    p.store(made.value, value(fresh))
    p.store(made.low, p.unstash(kept.low))
    p.store(made.high, p.unstash(kept.high))
    p.store(made.portAndSeal, p.unstash(kept.port))
    p.store(fields(at()).hop, p.unstash(kept.hop))
    const half = p.widen(stable())
    const both = p.alu('or', p.alu('lsh', half, 32), half)
    p.store(fields(at()).key, p.alu('xor', both, p.unstash(kept.key)))
    p.bind(done)
    p.exitValue(REQUEST.done)
    p.bind(nowhere)
    p.exitValue(REQUEST.clash)

    function value(bits: Val<'u32'>): Val<'u64'> {
      const upper = p.alu('lsh', p.widen(p.alu('or', bits, p.unstash(now))), 32)
      return p.alu('or', upper, stable())
    }
  })
}
