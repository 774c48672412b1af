// The function that decides, asked directly, as a packet's path does for an ICMP error's flow: what it answers and what
// it leaves in the flow table and in what schedulers go by, as the model; with `peek` nothing changes.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { direct } from '../../src/bpf/types.ts'
import { plainFunction, program } from '../../src/bpf/xdp.ts'
import { layoutOf } from '../../src/dataplane/fill.ts'
import { type Asked, createDecide, type FlowKind } from '../../src/dataplane/flow-decision.ts'
import { createFlows } from '../../src/dataplane/model.ts'
import { packetProgram } from '../../src/dataplane/packet-path.ts'
import { ABOUT, ABOUT_POOL } from '../../src/dataplane/path-asked.ts'
import { calledOf, decision, RESET } from '../../src/dataplane/path-decide.ts'
import { SLOT_LEARN, SLOT_RECORDS, slotWord } from '../../src/dataplane/shape.ts'
import type { Fixture } from '../../src/dataplane/vectors/fixture.ts'
import { flowFixtures } from '../../src/dataplane/vectors/flow-fixtures.ts'
import { createRandom } from '../../src/dataplane/vectors/random.ts'
import { GenerationMaps } from '../../src/engine/generation-maps.ts'
import { BpfMap } from '../../src/kernel/map.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import { testRun } from '../../src/kernel/test-run.ts'
import { affinity, setAffinity } from '../../src/sys/affinity.ts'

const question = direct('ask', { flow: 'u64', about: 'u64', word: 'u32', answer: 'u32' })
const packet = new Uint8Array(64)
const cpus = affinity()
setAffinity([cpus[0]!])
const owned: Disposable[] = []
after(() => {
  for (const each of owned) each[Symbol.dispose]()
  setAffinity(cpus)
})

/** asking: the function of a fixture in the kernel, and its maps. */
function asking({ shape, tables }: Fixture) {
  const layout = layoutOf(shape, tables.keys)
  const { memory } = layout
  const decide = decision({ shape, memory, flows: shape.flows!, called: calledOf(memory) })
  const main = plainFunction('ask', (p) => {
    const { flow, about, word, answer } = p.memory(question)
    p.store(answer, p.callSub(decide, p.load(flow), p.load(word), p.load(about)))
    p.exitValue(2)
  })
  const { spec } = program('ask', main)
  const maps = GenerationMaps.create(packetProgram(shape, layout.memory).spec.maps, layout, shape, tables)
  const ask = BpfMap.create(spec.maps.find(({ name }) => name === question.name)!)
  const { program: loaded } = loadProgram(spec, new Map([...maps.all, [question.name, ask]]))
  owned.push(loaded, maps, ask)
  const view = new DataView(ask.memory)
  const answerOf = ({ hash, other, kind, service, pool, word, peek = false }: Asked): number | 'reset' => {
    view.setBigUint64(0, (BigInt(hash) << 32n) | BigInt(other), true)
    const about = service | ABOUT[kind] | (peek ? ABOUT.peek : 0)
    view.setBigUint64(8, (BigInt(pool) << BigInt(ABOUT_POOL)) | BigInt(about), true)
    view.setUint32(16, word, true)
    testRun(loaded, { packet })
    const answer = view.getUint32(20, true)
    return answer === RESET ? 'reset' : answer
  }
  return { layout, maps, answerOf }
}

for (const name of ['mixed', 'counting-mixed'] as const)
  test(`${name}: who only wants to know is told the same, and nothing changes`, () => {
    const fixture = flowFixtures[name]
    const { shape, tables } = fixture
    const { layout, maps, answerOf } = asking(fixture)
    const random = createRandom(7)
    const failed = new Uint32Array(maps.words('failed')!.length)
    const memory = createFlows(shape)!
    const model = createDecide(shape, { ...tables, failed }, memory, layout.memory)
    memory.schedules?.fill(tables)
    const flows = maps.words('flows')!.subarray(0, memory.table.words.length)
    const schedules = maps.schedule(layout)?.bytes
    const told = { same: 0, nobody: 0, server: 0, reset: 0 }
    for (let i = 0; i < 20_000; i++) {
      if (random.oneIn(20)) failed[0] = maps.words('failed')![0] = random.below(256)
      memory.jiffies += BigInt(random.below(100))
      new DataView(maps.all.get('clock')!.memory).setBigUint64(0, memory.jiffies, true)
      const kinds: readonly FlowKind[] = ['syn', 'segment', 'segment', 'end', 'udp']
      const flags = (random.oneIn(2) ? SLOT_LEARN : 0) + SLOT_RECORDS
      const asked: Asked = {
        hash: (1 + random.below(6)) * 0x1234_5678,
        other: random.below(60) * 0x0345_6789,
        kind: random.pick(kinds),
        service: random.below(3),
        pool: random.below(2),
        word: slotWord(random.below(4), random.below(4), flags),
      }
      if (asked.kind !== 'syn' && random.oneIn(2)) {
        const [before, picks] = [flows.slice(), schedules?.slice()]
        const peeked = { ...asked, kind: asked.kind === 'udp' ? 'udp' : 'segment', peek: true } as const
        const answer = answerOf(peeked)
        assert.equal(answer, model(peeked), JSON.stringify(peeked))
        assert.deepEqual([flows, schedules], [before, picks])
        // and it is what a packet would be told, where it is not one that is picked for
        const real = answerOf({ ...peeked, peek: false })
        if (!memory.schedules || peeked.kind === 'segment') assert.equal(answer, real)
        model({ ...peeked, peek: false })
        told.same++
      }
      const answer = answerOf(asked)
      assert.equal(answer, model(asked), JSON.stringify(asked))
      told[answer === 'reset' ? 'reset' : answer === 0 ? 'nobody' : 'server']++
      if (i % 100 === 0)
        assert.deepEqual([flows, schedules], [memory.table.words, memory.schedules?.image.bytes])
    }
    const met = Object.entries(told).filter(([what]) => what !== 'reset' || name === 'mixed')
    for (const [what, times] of met) assert.ok(times > 100, `${what}: ${times}`)
  })
