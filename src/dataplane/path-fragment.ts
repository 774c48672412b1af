// Fragments: later ones have no ports, so the first one's are remembered, and a later one is then a packet of the same
// flow as any. What is remembered are ports and not servers: whatever chooses the server needs them anyway, and a record
// outlives every change of it. One that comes before its first is copied to the daemon, which runs it through the program
// again a moment later (engine/held-fragments.ts).
//
// Records are words, two to a bucket, the newer first; a new one pushes the older out. The bucket is the upper part of
// a 32-bit hash over addresses, identification and protocol, its low 24 bits tell records apart.
//
//   bits 0..31 ports, as in a packet of the client | 32..55 of the hash | 56..63 when, in ticks of the clock
//
// Each word is written by one store. Two CPUs that record into one bucket at a time may lose one of both records, or have
// one twice, never a mixture. A record lives LIFE ticks; it looks young again after 256, which matters only to a fragment
// that overtakes its first, of the same sender's same identification of so long ago.

import type { Outcomes } from '../bpf/exit-builder.ts'
import { bytes, struct } from '../bpf/types.ts'
import { anyBits, fields, gt, le, lt, ne, part, type Val } from '../bpf/values.ts'
import { answeringFunction, type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import type { Path } from './cell.ts'
import { Ethernet } from './headers.ts'
import { FRAGMENT_BUCKETS, FRAGMENT_WAYS, type Memory, timeOf } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import { countersOfCpu, macWord, type Term } from './path.ts'
import { atMost, jiffies } from './path-clock.ts'
import type { Shape } from './shape.ts'

/** LIFE: ticks, of 64 ms about, that a record lives: two seconds. */
export const LIFE = 32
/** HELD_PER_SECOND: so many fragments a CPU hands over in a second. */
export const HELD_PER_SECOND = 500
const FINGERPRINT = 0xff_ffff
const TICKS = 0xff

/** fragmentHash: 32 bits of the words, in a register. */
export function fragmentHash(p: Path, memory: Memory, constant: number, terms: readonly Term[]): Val<'u64'> {
  const keys = p.pin(p.memory(memory.tables).keys)
  let sum = p.load(p.element(keys, constant))
  for (const [index, word] of terms)
    sum = p.alu('add', sum, p.alu('mul', p.load(p.element(keys, index)), p.widen(word())))
  return p.alu('rsh', sum, 32)
}

type Plain = Parameters<Parameters<typeof plainFunction>[1]>[0]

/** seal: the upper half of a record of now. */
function seal(p: Plain, shape: Shape, memory: Memory, hash: Val<'u64'>): Val<'u32'> {
  const tick = p.alu('and', p.narrow(p.alu('rsh', jiffies(p, memory), timeOf(shape).shift)), TICKS)
  return p.alu('or', p.alu('lsh', tick, 24), p.alu('and', p.narrow(hash), FINGERPRINT))
}

/** bucketOf: the records of a hash. */
function bucketOf(p: Plain, memory: Memory, hash: Val<'u64'>) {
  const bucket = p.alu('and', p.alu('rsh', hash, 32 - Math.log2(FRAGMENT_BUCKETS)), FRAGMENT_BUCKETS - 1)
  const first = p.alu('mul', bucket, FRAGMENT_WAYS)
  return p.window(p.memory(memory.fragments).records, first, FRAGMENT_WAYS)
}

/** rememberFunction: a function (hash, ports) that records a first fragment. */
export const rememberFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('remember', (p) => {
    const [hash, ports] = p.parameters('numbers', 'u64', 'u64')
    const upper = p.widen(seal(p, shape, memory, hash))
    const record = p.alu('or', p.alu('lsh', upper, 32), ports)
    const ways = bucketOf(p, memory, hash)
    for (let way = ways.length - 1; way > 0; way--) p.store(ways[way]!, p.load(ways[way - 1]!))
    p.store(ways[0]!, record)
    p.exitValue(0)
  })

/** recallFunction: a function (hash) -> ports of the first fragment, or 0. */
export const recallFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('recall', (p) => {
    const [hash] = p.parameters('numbers', 'u64')
    const now = seal(p, shape, memory, hash)
    const found = p.label('recalled')
    const record = p.variable('u64')
    for (const way of bucketOf(p, memory, hash)) {
      const next = p.label('next-record')
      p.set(record, p.load(way))
      // equal fingerprints leave the age in the upper 8 bits, and nothing below
      const age = p.alu('sub', now, p.narrow(p.alu('rsh', record, 32)))
      p.jumpIf(anyBits(age, FINGERPRINT), next)
      p.jumpIf(le(age, (LIFE << 24) >>> 0), found)
      p.bind(next)
    }
    p.exitValue(0)
    p.bind(found)
    p.exitValue(p.narrow(record))
  })

/** Held: what the daemon gets: a frame of so many bytes. */
const heldOf = (room: number) => struct('held', { length: 'u64', frame: bytes(room) })

/** holdFunction: a function (context) that hands a fragment to the daemon, or answers why it is dropped. */
export const holdFunction = (shape: Shape, memory: Memory, outcomes: Outcomes<OutcomeName>): BuiltFunction =>
  answeringFunction('hold', outcomes, (p) => {
    const all = shape.jumbo ? p.stash(p.call('xdp_get_buff_len', p.ctx)) : undefined
    const { data, end } = p.packet()
    const { eth } = p.headers(data, end, { eth: Ethernet }, 'fragment')
    const length = p.stash(all ? p.unstash(all) : p.length(data, end))
    const other = p.label('not-held-before')
    // what the daemon runs again comes from our own MAC, as nothing else does
    p.jumpIf(ne(p.load(part(eth.src, 0, 'u32')), macWord(shape.mac, 0)), other)
    p.jumpIf(ne(p.load(part(eth.src, 4, 'u16')), macWord(shape.mac, 4)), other)
    p.leave('fragment-lost')
    p.bind(other)
    atMost(p, shape, memory, countersOfCpu(p, shape, memory).held, HELD_PER_SECOND, 'fragment')
    const size = p.unstash(length)
    p.exitIf(gt(size, memory.heldBytes), 'fragment')
    p.exitIf(lt(size, Ethernet.size), 'fragment')
    const record = p.ringbufReserve(memory.held, heldOf(memory.heldBytes), 'fragment')
    const { length: said, frame } = fields(record)
    p.store(said, size)
    p.loadBytes(0, frame, size, () => {
      p.ringbufDiscard(record)
      p.leave('fragment')
    })
    p.ringbufSubmit(record)
    p.leave('fragment-held')
  })
