import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp } from './addresses.ts'
import { coveredBy, formatPrefix, isIn, isMost, prefixOf, tryPrefix } from './prefix.ts'

test('prefixes are read and written, of either family', () => {
  for (const text of ['203.0.113.0/24', '0.0.0.0/0', '192.0.2.1', '2001:db8::/32', '::/0', '2001:db8::1'])
    assert.equal(formatPrefix(tryPrefix(text)!), text)
  assert.equal(formatPrefix(tryPrefix('192.0.2.1/32')!), '192.0.2.1')
})

test('a prefix with bits behind its length is told apart, and is the network that it lies in', () => {
  const read = tryPrefix('203.0.113.7/24')!
  assert.equal(read.isExact, false)
  assert.equal(formatPrefix(read), '203.0.113.0/24')
  assert.equal(tryPrefix('203.0.113.0/24')!.isExact, true)
  assert.equal(formatPrefix(tryPrefix('2001:db8::7/64')!), '2001:db8::/64')
})

test('what is no prefix is none', () => {
  for (const text of [
    '',
    '/',
    '203.0.113.0/33',
    '203.0.113.0/',
    '203.0.113.0/024',
    '1.2.3.4/8/8',
    '2001:db8::/129',
    'x/8',
  ])
    assert.equal(tryPrefix(text), undefined, text)
})

test('an address is in a network when their leading bits are the same, and never in one of the other family', () => {
  const isInText = (address: string, prefix: string) => isIn(parseIp(address), tryPrefix(prefix)!)
  assert.ok(isInText('203.0.113.255', '203.0.113.0/24'))
  assert.ok(!isInText('203.0.114.0', '203.0.113.0/24'))
  assert.ok(isInText('255.255.255.255', '0.0.0.0/0'))
  assert.ok(isInText('2001:db8:ffff::1', '2001:db8::/32'))
  assert.ok(!isInText('2001:db9::', '2001:db8::/32'))
  assert.ok(!isInText('1.2.3.4', '::/0'))
  assert.deepEqual(prefixOf(parseIp('10.1.2.3'), 9), { address: parseIp('10.0.0.0'), length: 9 })
})

test('seven bits of addresses that clients have are most of a family; those that nobody has are not', () => {
  const most = (text: string) => isMost(tryPrefix(text)!)
  for (const text of [
    '0.0.0.0/0',
    '0.0.0.0/1',
    '128.0.0.0/2',
    '64.0.0.0/7',
    '::/0',
    '2000::/3',
    '2000::/4',
    '2600::/7',
  ])
    assert.equal(most(text), true, text)
  for (const text of ['10.0.0.0/8', '224.0.0.0/3', '240.0.0.0/4', 'fc00::/7', '4000::/2', '2001::/16'])
    assert.equal(most(text), false, text)
})

test('networks that leave nobody of a family are told from those that leave somebody', () => {
  const covered = (...texts: string[]) => coveredBy(texts.map((text) => tryPrefix(text)!))
  const eights = Array.from({ length: 223 }, (_, i) => `${223 - i}.0.0.0/8`)
  assert.equal(covered(...eights), 4)
  assert.equal(covered(...eights.slice(1)), undefined)
  assert.equal(covered(...eights.slice(1), '10.0.0.0/8', '10.0.0.0/8', '223.0.0.0/9'), undefined)
  assert.equal(covered('0.0.0.0/1', '128.0.0.0/1'), 4)
  assert.equal(covered('2000::/4', '3000::/4', '192.0.2.0/24'), 6)
  assert.equal(covered('2000::/4', '3000::/5'), undefined)
})
