// Costs of subjects that take the packet apart, or drop it: a wrapper writes the whole packet anew each time, from another
// source, and counts what the subject answers; an empty subject and the real one run in turn on one set of maps.

import { bytes, direct, wire } from '../../src/bpf/types.ts'
import { eq, part } from '../../src/bpf/values.ts'
import { type BuiltFunction, plainFunction, program } from '../../src/bpf/xdp.ts'
import { layoutOf } from '../../src/dataplane/fill.ts'
import type { Memory } from '../../src/dataplane/memory.ts'
import type { Shape, Tables } from '../../src/dataplane/shape.ts'
import { emptySubject } from '../../src/dataplane/wrapper.ts'
import { GenerationMaps } from '../../src/engine/generation-maps.ts'
import { BpfMap } from '../../src/kernel/map.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import { testRun } from '../../src/kernel/test-run.ts'
import type { Row } from '../runner/row.ts'
import { type Effort, summary } from './cost.ts'

/** Bytes of a frame (IPv4 and TCP without options), and where in it is the source address. */
export const [FRAME, SOURCE] = [54, 26] as const
/** An odd constant: numbers times it are all different, modulo 2^32. */
const SCATTER = 0x9e3779b1
export const Frame = wire('frame', { bytes: bytes(FRAME) })
const State = direct('state', { number: 'u64', met: 'u64', wanted: 'u64', mask: 'u64', frame: bytes(56) })

/** FreshSubject: `answer`: what each packet is answered with; of a share of `most` of them it may be something else. */
export interface FreshSubject {
  readonly name: string
  readonly subject: BuiltFunction
  readonly frame: Uint8Array
  readonly answer: 'odd' | 'even' | number
  readonly most?: number
  /** sources: how many, a power of two; absent: as many as packets. */
  readonly sources?: number
}

/** wrapped: the subject behind a fresh packet; counts how often it answers as is wanted: with 2 any odd number. */
function wrapped(subject: BuiltFunction) {
  const main = plainFunction('wrapper', (p) => {
    const { number, met, wanted, mask, frame } = p.memory(State)
    const { data, end } = p.packet()
    const { f } = p.headers(data, end, { f: Frame }, () => p.exitValue(0))
    p.copy(f.bytes, { ...p.pin(frame), type: bytes(FRAME) })
    const next = p.load(number)
    p.increment(number, 1)
    p.store(part(f.bytes, SOURCE, 'u32'), p.alu('mul', p.narrow(p.alu('and', next, p.load(mask))), SCATTER))
    const answer = p.widen(p.callSub(subject, p.ctx))
    const [odd, done] = [p.label('odd'), p.label('done')]
    const exact = p.load(wanted)
    p.jumpIf(eq(exact, ODD), odd)
    p.jumpIf(eq(answer, exact), odd)
    p.goto(done)
    p.bind(odd)
    p.increment(met, p.alu('and', answer, 1))
    p.bind(done)
    p.exitValue(1)
  })
  return program('wrapper', main).spec
}
/** ODD: of `wanted`: any odd number. */
const ODD = 2

/** freshRows: own cost in ns, as `flood.cost.NAME`. Throws where packets were answered otherwise than said. */
export function freshRows(
  shape: Shape,
  tables: Tables,
  subjectsOf: (shape: Shape, memory: Memory) => readonly FreshSubject[],
  { rounds, packets }: Effort,
): Row[] {
  const layout = layoutOf(shape, tables.keys)
  const subjects = subjectsOf(shape, layout.memory)
  const specs = subjects.map(({ subject }) => wrapped(subject))
  const empty = wrapped(emptySubject())
  const needed = new Map([...specs, empty].flatMap((spec) => spec.maps).map((map) => [map.name, map]))
  const own = needed.get(State.name)!
  needed.delete(State.name)
  const owned: Disposable[] = []
  const keep = <T extends Disposable>(made: T): T => {
    owned.unshift(made)
    return made
  }
  try {
    const maps = keep(GenerationMaps.create([...needed.values()], layout, shape, tables))
    const state = keep(BpfMap.create(own))
    const all = new Map([...maps.all, [State.name, state]])
    const load = (spec: (typeof specs)[number]) => keep(loadProgram(spec, all).program)
    const words = new BigUint64Array(state.memory, 0, 4)
    const run = (program: ReturnType<typeof load>, { frame, answer, sources }: FreshSubject) => {
      new Uint8Array(state.memory, State.type.offsets.frame, FRAME).set(frame)
      words[1] = 0n
      words[2] = BigInt(typeof answer === 'number' ? answer : ODD)
      words[3] = sources === undefined ? 0xffff_ffff_ffff_ffffn : BigInt(sources - 1)
      const { durationNs } = testRun(program, { packet: frame, repeat: packets })
      return { ns: durationNs, met: Number(words[1]) }
    }
    const nothing = load(empty)
    return subjects.map((subject, i) => {
      const { name, answer, most = 0 } = subject
      const program = load(specs[i]!)
      run(program, subject)
      let met = 0
      const values = Array.from({ length: rounds }, () => {
        const before = run(nothing, subject).ns
        const after = run(program, subject)
        met += after.met
        return after.ns - before
      })
      const expected = answer === 'even' ? 0 : rounds * packets
      if (Math.abs(met - expected) > most * rounds * packets)
        throw new Error(`${name}: ${met} of ${rounds * packets} packets were answered`)
      return summary(`flood.cost.${name}`, 'ns', values, { met })
    })
  } finally {
    for (const one of owned) one[Symbol.dispose]()
  }
}
