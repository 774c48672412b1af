// What is usual for a service, and which SYNs of clients are kept.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ip4 } from '../base/addresses.ts'
import type { Facts } from './facts.ts'
import { randomOf } from './traffic.fixture.ts'
import { NORMAL, Usual } from './usual.ts'

const factsOf = (sourcePort: number): Facts => ({
  ...{ protocol: 'tcp', source: 0x0a000001 as Ip4, sourcePort, destination: 0x0a000064 as Ip4, port: 80 },
  ...{ flags: 2, window: 64_240, options: 'some', length: 60, ttl: 64 },
})

test('what is usual is known after a minute of calm, is the average of it, and forgets in half an hour', () => {
  const usual = new Usual(() => 0)
  const second = (openingsPerS: number) => ({ rates: { openingsPerS, othersPerS: 10, udpPerS: 1 }, slow: 3 })
  for (let i = 0; i < 59; i++) usual.learn(second(100 + (i % 2) * 100))
  assert.deepEqual([usual.known], [undefined])
  usual.learn({ ...second(200), latencyMs: 20 })
  assert.deepEqual(usual.known, { ...second(150).rates, slow: 3, latencyMs: 20 })
  for (let i = 0; i < 10_000; i++) usual.learn(second(150))
  for (let i = 0; i < 1_800; i++) usual.learn(second(1_150))
  // of what was before 1/e is left
  assert.ok(Math.abs(usual.known!.openingsPerS - (1_150 - 1_000 / Math.E)) < 5)
})

test('of each group of packets a few hundred are kept, drawn from all', () => {
  const usual = new Usual(randomOf(3))
  for (let i = 0; i < 20_000; i++) usual.draw('opening', factsOf(i))
  const { opening, other, udp } = usual.normal
  assert.deepEqual([opening.length, other.length, udp.length], [NORMAL, 0, 0])
  const late = opening.filter(({ sourcePort }) => sourcePort >= 10_000).length
  assert.ok(late > NORMAL / 4 && late < (NORMAL * 3) / 4, `${late} of the second half`)
})
