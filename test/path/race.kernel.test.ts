// Two CPUs over one flow table that is far too small, while a third process moves slots, fails servers, turns the clock
// and empties records: no packet goes to a server that its flow can never have had. Flows of one CPU are all of one pool,
// whose servers the other CPU's pool does not have: so this CPU's counters must know no server of the other's, whatever
// the two overwrite in each other's records.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { layoutOf } from '../../src/dataplane/fill.ts'
import { Traffic } from '../../src/dataplane/memory.ts'
import { eventNames, outcomeNames } from '../../src/dataplane/outcomes.ts'
import { packetPath } from '../../src/dataplane/packet-path.ts'
import { type ServiceShape, type Shape, slotWord, TIMEOUTS } from '../../src/dataplane/shape.ts'
import { fixture, listener, vip, web1 } from '../../src/dataplane/vectors/fixture.ts'
import { wrapped, wrapperMemory } from '../../src/dataplane/wrapper.ts'
import { GenerationMaps } from '../../src/engine/generation-maps.ts'
import { BpfMap } from '../../src/kernel/map.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import { affinity } from '../../src/sys/affinity.ts'

const SECONDS = 3
const FLOWS = 128n
const cpus = affinity()
const why = cpus.length < 2 ? 'two CPUs are needed, this machine gives one' : false

const service: ServiceShape = { track: 'changes', onFailure: 'keep', hash: 'flow' }
const { shape: one, tables: parts } = fixture({
  listeners: [listener(vip, 80), listener(vip, 81, 1, 1)],
  pools: [slotWord(1, 2), slotWord(3, 4)],
  services: [service, service],
  flows: { entries: 64, newFlows: 2 ** 31, clock: { source: 'word', hz: 250, shift: 4 }, idle: TIMEOUTS },
})
const shape: Shape = { ...one, servers: 4, cpus: 2 ** Math.ceil(Math.log2(Math.max(...cpus) + 1)) }
const servers = [parts.servers[0]!, ...Array(4).fill({ mac: web1, usable: true })]

function run(...args: readonly (string | number)[]): Promise<string> {
  const file = fileURLToPath(new URL('race-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args.map(String)], {
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (data) => {
    stderr += data
  })
  return new Promise((resolve) =>
    child.on('close', (status) => resolve(status === 0 ? '' : `${status} ${stderr}`)),
  )
}

/** race of two CPUs, each with the flows to its port; gives counters by CPU. */
async function race(ports: readonly [number, number]) {
  const tables = { ...parts, servers }
  const layout = layoutOf(shape, tables.keys)
  const wrapper = wrapperMemory(1)
  const { spec } = wrapped(shape, wrapper, packetPath(shape, layout.memory))
  const isOwn = ({ name }: { readonly name: string }) => name === wrapper.name
  using maps = GenerationMaps.create(
    spec.maps.filter((map) => !isOwn(map)),
    layout,
    shape,
    tables,
  )
  using first = BpfMap.create(spec.maps.find(isOwn)!)
  using second = BpfMap.create(spec.maps.find(isOwn)!)
  const load = (own: BpfMap) => {
    new BigUint64Array(own.memory, 0, 2)[1] = FLOWS - 1n
    return loadProgram(spec, new Map([...maps.all, [wrapper.name, own]])).program
  }
  using left = load(first)
  using right = load(second)
  const [a, b] = [cpus[0]!, cpus.at(-1)!]
  const ends = await Promise.all([
    run('run', left.info.id, a, ports[0], SECONDS),
    run('run', right.info.id, b, ports[1], SECONDS),
    run('move', left.info.id, b, SECONDS),
  ])
  assert.deepEqual(ends, ['', '', ''])
  const { Block } = layout.memory
  const at = (cpu: number, offset: number) => Number(maps.counters[(cpu * Block.size + offset) / 8])
  return [a, b].map((cpu) => ({
    forwarded: at(cpu, 8 * outcomeNames.indexOf('forwarded')),
    servers: [1, 2, 3, 4].map((id) => at(cpu, Block.offsets.servers + Traffic.size * id)),
    events: Object.fromEntries(eventNames.map((name, i) => [name, at(cpu, Block.offsets.events + 8 * i)])),
  }))
}

for (const [name, ports, allowed] of [
  [
    'two CPUs with flows of their own share a flow table',
    [80, 81],
    [
      [1, 2],
      [3, 4],
    ],
  ],
  [
    'two CPUs share all flows',
    [80, 80],
    [
      [1, 2],
      [1, 2],
    ],
  ],
] as const)
  test(`${name}: not one packet goes to a wrong server`, { skip: why }, async () => {
    for (const [turn, { forwarded, servers, events }] of (await race(ports)).entries()) {
      const wrong = servers.filter((_, i) => !(allowed[turn] as readonly number[]).includes(i + 1))
      assert.deepEqual(
        wrong,
        wrong.map(() => 0),
        JSON.stringify(servers),
      )
      assert.ok(forwarded > 200_000, `${forwarded} packets`)
      for (const event of ['flow-hit', 'flow-miss', 'flow-insert', 'flow-evicted'])
        assert.ok(events[event]! > 1_000, `${event}: ${events[event]}`)
      for (const id of allowed[turn]!) assert.ok(servers[id - 1]! > 1_000, `server ${id}: ${servers}`)
    }
  })
