// What the program's functions pick and count, against the model and the pure schedulers, in this kernel: the same random
// flows come and go, weights change, turns are replaced.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { Seeded } from '../bpf/seeded.ts'
import { wire } from '../bpf/types.ts'
import { plainFunction, program } from '../bpf/xdp.ts'
import { BpfMap } from '../kernel/map.ts'
import { loadProgram } from '../kernel/program.ts'
import { testRun } from '../kernel/test-run.ts'
import { goOn, placeAfter, rotation, START } from '../schedule/rotation.ts'
import { FLOW, SERVICE_SHIFT } from './flow-record.ts'
import { FlowSchedules } from './flow-schedule.ts'
import { memoryOf } from './memory.ts'
import { pickFunction, tallyFunction } from './path-schedule.ts'
import { type Member, ScheduleImage, type Scheduling, schedulingOf } from './scheduling.ts'
import type { PickerShape, Shape } from './shape.ts'

const skip = process.geteuid?.() !== 0 && 'loading programs needs root'
const SERVERS = 9
const IDS = [3, 1, 9, 4, 7]
const kinds = ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq'] as const

/** shapeOf services of these kinds, at two pools in turn. */
const shapeOf = (pickers: readonly PickerShape[]): Shape => ({
  mac: parseMac('02:00:00:00:00:01'),
  own: 0,
  others: [],
  jumbo: false,
  listeners: pickers.map((_, service) => ({
    address: parseIp('192.0.2.10'),
    protocol: 'tcp',
    port: 80 + service,
    service,
    pool: service % 2,
  })),
  services: pickers.map((picker) => ({ track: 'all', onFailure: 'keep', hash: 'flow', picker })),
  servers: SERVERS,
  pools: [1_021, 1_021],
  cpus: 1,
})

const Question = wire('question', { what: 'u32', stable: 'u32', active: 'u32', inactive: 'u32' })

/** InKernel: both functions of a shape, loaded. */
class InKernel implements Disposable {
  readonly image: ScheduleImage
  readonly scheduling: Scheduling
  readonly #maps: ReadonlyMap<string, BpfMap>
  readonly #program: ReturnType<typeof loadProgram>['program']

  constructor(shape: Shape) {
    const memory = memoryOf(shape)
    const scheduling = schedulingOf(shape, memory.serviceCapacity, memory.serverCapacity)!
    this.scheduling = scheduling
    const [pick, tally] = [pickFunction(memory, scheduling), tallyFunction(memory, scheduling)]
    const main = plainFunction('main', (p) => {
      const { data, end } = p.packet()
      const { question } = p.headers(data, end, { question: Question }, () => p.exitValue(0xffff))
      const [what, stable] = [p.load(question.what), p.load(question.stable)]
      p.exitIf({ op: 'jne', reg: what.reg, operand: 0, bits: 32 }, () =>
        p.exitValue(p.callSub(tally, stable, p.load(question.active), p.load(question.inactive))),
      )
      p.exitValue(p.callSub(pick, stable))
    })
    const { spec } = program('schedule', main, [pick, tally])
    this.#maps = new Map(spec.maps.map((map) => [map.name, BpfMap.create(map)]))
    this.#program = loadProgram(spec, this.#maps).program
    this.image = new ScheduleImage(scheduling, new Uint8Array(this.#maps.get('schedule')!.memory))
  }

  pick(service: number): number {
    return this.#ask(0, service, 0, 0)
  }

  tally(service: number, server: number, active: number, inactive: number): void {
    assert.equal(this.#ask(1, (service << SERVICE_SHIFT) | server, active, inactive), 0)
  }

  #ask(...words: number[]): number {
    const packet = new Uint8Array(64)
    new Int32Array(packet.buffer).set(words)
    return testRun(this.#program, { packet }).verdict
  }

  [Symbol.dispose](): void {
    this.#program[Symbol.dispose]()
    for (const map of this.#maps.values()) map[Symbol.dispose]()
  }
}

const idsOf = (turns: Uint16Array, members: readonly Member[]) => [...turns].map((at) => members[at]!.id)

for (const mix of [kinds, ...kinds.map((kind) => [kind, kind] as const)])
  test(`${[...new Set(mix)].join(', ')}: the program picks as the model does`, { skip }, () => {
    const random = new Seeded(mix.length)
    const room = (kind: (typeof kinds)[number]) => (kind === 'wrr' ? 40 : IDS.length)
    const shape = shapeOf(mix.map((kind) => ({ kind, room: room(kind) })))
    using kernel = new InKernel(shape)
    const members = mix.map(() => IDS.map((id): Member => ({ id, weight: random.below(9) })))
    const places = mix.map(() => START)
    const model = new FlowSchedules(shape, kernel.scheduling)

    const changed = (service: number, isFirst = false) => {
      const kind = mix[service]!
      if (kind !== 'rr' && kind !== 'wrr') {
        for (const image of [kernel.image, model.image])
          if (isFirst) image.fill(service, { members: members[service]! })
          else image.setMembers(service, members[service]!)
        return
      }
      const weights = members[service]!.map(({ weight }) => weight)
      const to = rotation(kind, weights)
      const { turn, place } = goOn(places[service]!, to)
      places[service] = place
      const [turns, cursor] = [idsOf(to.turns, members[service]!), BigInt(turn)]
      for (const image of [kernel.image, model.image])
        if (isFirst) image.fill(service, { turns, cursor })
        else image.setTurns(service, turns, cursor)
    }
    for (const service of mix.keys()) changed(service, true)

    const flows: { service: number; server: number; state: 1 | 3 }[] = []
    const picked = new Set<number>()
    for (let step = 0; step < 1_500; step++) {
      const service = random.below(mix.length)
      if (random.chance(3)) {
        const at = random.below(IDS.length)
        members[service] = members[service]!.map((one, i) =>
          i === at ? { ...one, weight: random.below(9) } : one,
        )
        changed(service)
      }
      if (random.chance(60)) {
        const server = model.pick(service)
        assert.equal(kernel.pick(service), server, `step ${step}: ${mix[service]}`)
        picked.add(server)
        if (server === 0) continue
        const flow = { service, server, state: FLOW.established } as const
        flows.push({ ...flow })
        model.tally(flow, 1)
        kernel.tally(service, server, 1, 0)
        const kind = mix[service]!
        if (kind === 'rr' || kind === 'wrr') {
          const to = rotation(
            kind,
            members[service]!.map(({ weight }) => weight),
          )
          const cursor = kernel.image.turns(service).cursor - 1n
          places[service] = placeAfter(to, Number(cursor % BigInt(to.turns.length)))
        }
        continue
      }
      if (flows.length === 0) continue
      const flow = random.pick(flows)
      model.tally(flow, -1)
      if (flow.state === FLOW.established && random.chance(70)) {
        flow.state = FLOW.closed
        model.tally(flow, 1)
        kernel.tally(flow.service, flow.server, -1, 1)
      } else {
        const isClosed = flow.state === FLOW.closed
        kernel.tally(flow.service, flow.server, isClosed ? 0 : -1, isClosed ? -1 : 0)
        flows.splice(flows.indexOf(flow), 1)
      }
    }
    for (const id of IDS) assert.ok(picked.has(id), `${id} was picked`)
    assert.deepEqual(kernel.image.bytes, model.image.bytes)
  })

test('counts that races have made less than 0 count as none', { skip }, () => {
  const shape = shapeOf([{ kind: 'wlc', room: 2 }])
  using kernel = new InKernel(shape)
  kernel.image.fill(0, {
    members: [
      { id: 1, weight: 1 },
      { id: 2, weight: 1 },
    ],
  })
  kernel.tally(0, 1, 0, 1)
  kernel.tally(0, 2, -3, -1)
  assert.equal(kernel.pick(0), 2)
  kernel.tally(0, 2, 4, 0)
  assert.equal(kernel.pick(0), 1)
})

test('a cursor goes on over its wrap, and a service without turns has nobody', { skip }, () => {
  using kernel = new InKernel(shapeOf([{ kind: 'rr', room: 3 }]))
  kernel.image.fill(0, { turns: [5, 6, 7], cursor: 2n ** 64n - 1n })
  // 2^64 - 1 is a multiple of 3
  assert.deepEqual([kernel.pick(0), kernel.pick(0), kernel.pick(0)], [5, 5, 6])
  assert.equal(kernel.image.turns(0).cursor, 2n)
  kernel.image.setTurns(0, [], 0n)
  assert.equal(kernel.pick(0), 0)
  kernel.image.setTurns(0, [9], 7n)
  assert.equal(kernel.pick(0), 9)
})

test('turns that are in use are not written over while others are', () => {
  const [shape, room] = [shapeOf([{ kind: 'rr', room: 3 }]), 3]
  const scheduling = schedulingOf(shape, 1, 16)!
  const image = new ScheduleImage(scheduling, new Uint8Array(scheduling.map.type.size))
  const both = () => [...new Uint16Array(image.bytes.buffer, scheduling.map.type.offsets.turns, 2 * room)]
  image.fill(0, { turns: [1, 2, 3] })
  const first = both()
  image.setTurns(0, [4, 5], 0n)
  assert.deepEqual(both().sort(), [...first.filter((id) => id > 0), 4, 5, 0].sort())
  image.setTurns(0, [6, 7, 8], 0n)
  assert.deepEqual(both().sort(), [0, 4, 5, 6, 7, 8])
})

test('a thousand servers of equal load take turns, the first one first', { skip }, () => {
  const most = 1_000
  const shape = { ...shapeOf([{ kind: 'sed', room: most }]), servers: most }
  using kernel = new InKernel(shape)
  kernel.image.fill(0, { members: Array.from({ length: most }, (_, i) => ({ id: i + 1, weight: 1 })) })
  for (let id = 1; id <= most; id++) {
    assert.equal(kernel.pick(0), id)
    kernel.tally(0, id, 1, 0)
  }
  kernel.tally(0, 500, -1, 1)
  assert.equal(kernel.pick(0), 500)
})
