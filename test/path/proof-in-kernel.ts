// The functions of proof in this kernel, for tests and the bench: a program that asks one of them about a frame, told by
// the frame's first bytes, which nobody of them reads.
//
//   0 which (ASK)   1 service   2 where the IP header is   3 where the transport header is

import { ne, part } from '../../src/bpf/values.ts'
import { plainFunction, program } from '../../src/bpf/xdp.ts'
import { DefenceService, DefenceSettings } from '../../src/dataplane/defence-memory.ts'
import { PROOF } from '../../src/dataplane/defence-shape.ts'
import { ticksOf } from '../../src/dataplane/flow-clock.ts'
import { Ethernet } from '../../src/dataplane/headers.ts'
import { memoryOf, timeOf } from '../../src/dataplane/memory.ts'
import { proofOf } from '../../src/dataplane/path-proof.ts'
import { WHERE } from '../../src/dataplane/path-where.ts'
import { switchSettings } from '../../src/dataplane/proof.ts'
import type { Segment } from '../../src/dataplane/proof-challenge.ts'
import { SECRETS, secretWords } from '../../src/dataplane/proof-secrets.ts'
import type { Shape, Tables } from '../../src/dataplane/shape.ts'
import { BpfMap } from '../../src/kernel/map.ts'
import { type BpfProgram, loadProgram } from '../../src/kernel/program.ts'
import { testRun } from '../../src/kernel/test-run.ts'

/** ASK: numbers of the functions, as the frame says them. */
const ASK = { take: 0, wanted: 1, challenge: 2, standing: 3 } as const
type Ask = keyof typeof ASK

/** ProofInKernel: of one shape and its tables; on the time that is set. */
export class ProofInKernel implements Disposable {
  readonly #maps: ReadonlyMap<string, BpfMap>
  readonly #program: BpfProgram
  readonly #clock: BigUint64Array
  readonly words: BigUint64Array

  constructor(shape: Shape, tables: Tables) {
    const memory = memoryOf(shape)
    const functions = proofOf(shape, memory)
    const main = plainFunction('main', (p) => {
      const context = p.stashContext()
      const { data, end } = p.packet()
      const { eth } = p.headers(data, end, { eth: Ethernet }, () => p.exitValue(9))
      const which = p.load(part(eth.dst, 0, 'u8'))
      const service = p.stash(p.load(part(eth.dst, 1, 'u8')))
      const transport = p.alu('lsh', p.widen(p.load(part(eth.dst, 3, 'u8'))), WHERE.offset)
      const where = p.stash(p.alu('or', transport, p.load(part(eth.dst, 2, 'u8'))))
      const asked = p.stash(which)
      for (const [name, number] of Object.entries(ASK) as [Ask, number][]) {
        const next = p.label('next-question')
        p.jumpIf(ne(p.unstash(asked), number), next)
        const about = [p.contextOf(context), p.unstash(where)] as const
        const isOfService = name === 'take' || name === 'wanted'
        p.exitValue(
          isOfService
            ? p.callSub(functions[name], ...about, p.unstash(service))
            : p.callSub(functions[name], ...about),
        )
        p.bind(next)
      }
      p.exitValue(9)
    })
    const { spec } = program('proof', main)
    this.#maps = new Map(spec.maps.map((map) => [map.name, BpfMap.create(map)]))
    this.#program = loadProgram(spec, this.#maps).program
    this.#clock = new BigUint64Array(this.#maps.get('clock')!.memory)
    this.words = new BigUint64Array(this.#maps.get('proven')!.memory)
    this.#fill(shape, tables)
  }

  at(jiffies: number): this {
    this.#clock[0] = BigInt(jiffies)
    return this
  }

  /** ask about a segment: what was answered, and the frame as it is then but for what the question had been. */
  ask(
    which: Ask,
    { frame, ip, at }: Segment,
    service = 0,
  ): { readonly answer: number; readonly frame: Buffer } {
    const packet = Uint8Array.from(frame)
    packet.set([ASK[which], service, ip, at])
    const { verdict, packet: left } = testRun(this.#program, { packet })
    return { answer: verdict, frame: left }
  }

  #fill(shape: Shape, tables: Tables): void {
    const { settings } = memoryOf(shape).defence!
    const { offsets, fields: types } = settings.type
    const bytes = this.#maps.get('defence')!.memory
    const view = new DataView(bytes)
    new BigUint64Array(bytes, offsets.keys, types.keys.count).set(secretWords(tables.keys), SECRETS.cookie)
    const remember = ticksOf(timeOf(shape), tables.defence?.proof?.rememberS ?? 0)
    view.setUint32(offsets.settings + DefenceSettings.offsets.rememberTicks, remember, true)
    for (const service of shape.services.keys()) {
      const at = offsets.services + service * DefenceService.size
      const { mode, above, below, hold } = switchSettings(shape, tables, service)
      const values = { proof: PROOF[mode], above, below, holdTicks: hold }
      for (const [name, value] of Object.entries(values))
        view.setUint32(at + DefenceService.offsets[name as keyof typeof values], value, true)
    }
  }

  [Symbol.dispose](): void {
    this.#program[Symbol.dispose]()
    for (const map of this.#maps.values()) map[Symbol.dispose]()
  }
}
