import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Totals } from '../engine/engine.ts'
import { Rates } from './rates.ts'

const totals = (packets: bigint, made?: bigint): Totals => ({
  outcomes: new Map(),
  events: new Map(made === undefined ? [] : [['flow-insert', made]]),
  services: new Map([['www', { packets, bytes: 100n * packets }]]),
  servers: new Map([['web01', { packets: packets / 2n, bytes: 50n * packets }]]),
})

test('a rate is what a counter grew by over the last four seconds, a second', () => {
  const rates = new Rates()
  rates.measure(() => totals(1_000n, 5n), 0)
  assert.equal(rates.view.services.size, 0)
  for (const [at, packets] of [1_000n, 1_000n, 1_100n, 1_300n].entries())
    rates.measure(() => totals(packets, 5n + 2n * BigInt(at)), 2_000 * (at + 1))
  const { services, servers, newFlows } = rates.view
  assert.deepEqual(services.get('www'), { packets: 75, bits: 60_000 })
  assert.deepEqual(servers.get('web01'), { packets: 37.5, bits: 30_000 })
  assert.equal(newFlows, 1)
})

test('what is new, or has begun anew, has no rate before its second reading', () => {
  const rates = new Rates()
  rates.measure(() => totals(1_000n), 0)
  rates.measure(() => totals(10n), 2_000)
  assert.equal(rates.view.services.get('www'), undefined)
  assert.equal(rates.view.newFlows, undefined)
  const more = totals(2_000n)
  rates.measure(
    () => ({ ...more, services: new Map([...more.services, ['api', { packets: 9n, bytes: 9n }]]) }),
    4_000,
  )
  assert.deepEqual([...rates.view.services.keys()], ['www'])
})

test('counters are read every two seconds, however often that is asked for', () => {
  const rates = new Rates()
  let reads = 0
  const read = () => {
    reads++
    return totals(1n)
  }
  for (let now = 0; now <= 6_000; now += 100) rates.measure(read, now)
  assert.equal(reads, 4)
})
