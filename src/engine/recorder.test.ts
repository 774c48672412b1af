// What the recorder keeps of plans that it has followed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parseIp4, parseMac } from '../base/addresses.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { PacketRecord, RecorderHead, recorderOf } from '../dataplane/record.ts'
import { TIMEOUTS } from '../dataplane/shape.ts'
import { type EngineSpec, LIMITS } from './engine.ts'
import { planOf } from './plan.ts'
import { Recorder } from './recorder.ts'

const spec: EngineSpec = {
  interfaces: [{ name: 'eth0', index: 2, mac: parseMac('02:00:00:00:00:01'), mtu: 1_500 }],
  services: [
    {
      ...{ name: 'www', pool: 'web', track: 'none', onFailure: 'keep', hash: 'flow', timeouts: TIMEOUTS },
      listeners: [{ address: parseIp4('192.0.2.10'), port: 80, protocol: 'tcp' }],
    },
  ],
  pools: [{ name: 'web', members: [{ server: 'web01', weight: 10 }] }],
  servers: [{ name: 'web01', address: parseIp4('10.0.0.101') }],
  limits: LIMITS,
}

test('since when nothing is overwritten is known of the ring that holds least, and names are those of before, too', () => {
  const rings = recorderOf({ records: 64 }, 2)
  const { size, offsets } = rings.type
  const memory = new ArrayBuffer(size)
  const recorder = new Recorder({ monotonic: () => 100_000, wall: () => 1_000_000 })
  const clock = clockOf(250, 'jiffies')
  const follow = (services: EngineSpec['services']) =>
    recorder.follow(memory, rings, planOf({ ...spec, services }, { cpus: 2, clock }))
  follow(spec.services)
  follow([{ ...spec.services[0]!, name: 'shop' }])
  assert.deepEqual(recorder.names, { service: ['www', 'shop'], server: ['web01'], interface: ['eth0'] })
  const view = new DataView(memory)
  const write = (cpu: number, written: number, oldest: number, ms: number) => {
    view.setBigUint64(offsets.heads + cpu * RecorderHead.size, BigInt(written), true)
    const at = offsets.records + PacketRecord.size * (cpu * 64 + (oldest % 64))
    view.setBigUint64(at + PacketRecord.offsets.time, BigInt(ms) * 1_000_000n, true)
  }
  write(0, 10, 0, 1_000)
  assert.equal(recorder.oldest(), undefined, 'nothing was overwritten')
  write(1, 200, 137, 37_000)
  assert.equal(recorder.oldest(), 1_000_000 - 63_000)
  write(0, 100, 37, 50_000)
  assert.equal(recorder.oldest(), 1_000_000 - 50_000)
})

test('of plans that were followed names are kept, and no tables', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const rings = recorderOf({ records: 64 }, 1)
  const recorder = new Recorder()
  const followed = Array.from({ length: 8 }, () => {
    const plan = planOf(spec, { cpus: 1, clock: clockOf(250, 'jiffies') })
    recorder.follow(new ArrayBuffer(rings.type.size), rings, plan)
    return new WeakRef(plan.pools[0]!.table.owner)
  })
  assert.deepEqual(recorder.interfaces, ['eth0'])
  // a WeakRef holds what it was made of until the end of its job
  for (let i = 0; i < 100 && followed.some((each) => each.deref()); i++) {
    await delay(5)
    collect()
  }
  assert.equal(followed.filter((each) => each.deref()).length, 0)
})
