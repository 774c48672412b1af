import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp, parseIp, parseMac } from '../base/addresses.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import { HeldAddresses, leaseOf, removeStrays } from './held-addresses.ts'

const network = () => {
  const fake = new FakeNetwork()
  const { index } = fake.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  return { fake, index, texts: () => fake.listAddresses(index).map(({ address }) => formatIp(address)) }
}
const at = (ifindex: number, text: string, prefix = 24) => ({ ifindex, address: parseIp(text), prefix })

test('who was killed has its addresses until another node must have taken over, and a little longer', () => {
  for (const adverMs of [10, 100, 250, 500, 1000, 3000, 40_950, 255_000]) {
    const { validS, renewMs } = leaseOf(adverMs)
    const leastMs = validS * 1000 - renewMs
    assert.ok(leastMs >= 5 * adverMs, `${adverMs}: ${leastMs} at least`)
    assert.ok(validS * 1000 <= Math.max(2000, 6 * adverMs + 1000), `${adverMs}: ${validS} s`)
    assert.ok(renewMs >= Math.min(adverMs, 250), `${adverMs}: ${renewMs}`)
  }
  assert.deepEqual([100, 1000].map(leaseOf), [
    { validS: 2, renewMs: 1000, takenMs: 400 },
    { validS: 6, renewMs: 1000, takenMs: 4000 },
  ])
})

test('what somebody else put there is used and left alone', () => {
  const { fake, index, texts } = network()
  fake.addAddress({ ...at(index, '10.0.0.100'), protocol: 0 })
  const held = new HeldAddresses(fake)
  held.take([at(index, '10.0.0.100'), at(index, '10.0.0.101')], 2)
  assert.deepEqual([held.has(at(index, '10.0.0.100')), held.has(at(index, '10.0.0.101'))], [false, true])
  held.leave()
  assert.deepEqual(texts(), ['10.0.0.100'])
})

test('where one cannot be taken none is held', () => {
  const { fake, index, texts } = network()
  const held = new HeldAddresses(fake)
  const { addAddress } = fake
  let calls = 0
  fake.addAddress = (...words) => {
    if (++calls === 2) throw new Error('no room')
    addAddress.apply(fake, words)
  }
  assert.throws(() => held.take([at(index, '10.0.0.100'), at(index, '10.0.0.101')], 2), /no room/)
  assert.deepEqual(texts(), [])
})

test('strays are addresses of ours that have a lifetime, or would move; others stay', () => {
  const { fake, index, texts } = network()
  fake.addAddress({ ...at(index, '10.0.0.2'), protocol: 0 })
  fake.addAddress({ ...at(index, '10.0.0.50'), protocol: TENBIN_PROTOCOL })
  fake.addAddress({ ...at(index, '10.0.0.100'), protocol: TENBIN_PROTOCOL })
  fake.addAddress({ ...at(index, '10.0.0.101'), lifetime: { validS: 2, preferredS: 2 } })
  assert.equal(removeStrays(fake, 'eth0', new Set([parseIp('10.0.0.100')])).length, 2)
  assert.deepEqual(texts(), ['10.0.0.2', '10.0.0.50'])
  assert.deepEqual(removeStrays(fake, 'eth1', new Set()), [])
})
