// How many different sources there were: what the sketch says of few and of many, and what it hashes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ip4, type Ip6, parseIp } from '../base/addresses.ts'
import { hashOf, Sketch } from './sketch.ts'

test('a sketch counts to a few percent, few exactly, and two together what either has seen', () => {
  const [one, other] = [new Sketch(), new Sketch()]
  for (let i = 0; i < 100_000; i++) (i % 2 === 0 ? one : other).add(hashOf(i as Ip4, 0, 99))
  assert.ok(Math.abs(one.count - 50_000) < 5_000, `${one.count}`)
  one.merge(other)
  assert.ok(Math.abs(one.count - 100_000) < 10_000, `${one.count}`)
  one.merge(other)
  assert.ok(Math.abs(one.count - 100_000) < 10_000, `${one.count}`)
  const few = new Sketch()
  for (let i = 0; i < 100; i++) few.add(hashOf(i as Ip4, 0, 99))
  assert.ok(Math.abs(few.count - 100) <= 5, `${few.count}`)
  assert.equal(new Sketch().count, 0)
})

test('a hash depends on all of an address, the number beside it and the seed', () => {
  const base = parseIp('2001:db8::1') as Ip6
  const others = [1n << 0n, 1n << 40n, 1n << 70n, 1n << 127n].map((bit) => (base ^ bit) as Ip6)
  const hashes = [
    hashOf(base, 1, 7),
    hashOf(base, 2, 7),
    hashOf(base, 1, 8),
    ...others.map((ip) => hashOf(ip, 1, 7)),
  ]
  assert.equal(new Set(hashes).size, hashes.length)
  assert.notEqual(hashOf(1 as Ip4, 1, 7), hashOf(2 as Ip4, 1, 7))
  assert.notEqual(hashOf(1 as Ip4, 1, 7), hashOf(1 as Ip4, 1, 8))
})
