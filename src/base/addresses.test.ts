import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatEndpoint,
  formatIp,
  formatListener,
  type Ip4,
  type Ip6,
  macBytes,
  macFromBytes,
  parseIp,
  parseIp4,
  parseMac,
  tryEndpoint,
  tryIp4,
  tryIp6,
  tryListener,
} from './addresses.ts'
import { TenbinError } from './errors.ts'

const refused = (run: () => unknown) =>
  assert.throws(run, (e) => e instanceof TenbinError && e.code === 'ADDRESS_INVALID')

test('every IPv4 address survives a round trip', () => {
  fc.assert(fc.property(fc.nat(0xffffffff), (n) => tryIp4(formatIp(n as Ip4)) === n))
})

test('every IPv6 address survives a round trip', () => {
  fc.assert(fc.property(fc.bigInt(0n, (1n << 128n) - 1n), (n) => tryIp6(formatIp(n as Ip6)) === n))
})

test('IPv6 is written as RFC 5952 has it', () => {
  for (const [text, canonical] of [
    ['2001:0db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ] as const) {
    assert.equal(formatIp(parseIp(text)), canonical)
  }
})

test('what is no address is refused with its code', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4.5',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '12345::',
    '::1.2.3.400',
    'web01',
  ]) {
    refused(() => parseIp(text))
  }
  refused(() => parseIp4('::1'))
  for (const text of ['', '02:00:00:00:00', '02-00-00-00-00-01', '02:00:00:00:00:0g'])
    refused(() => parseMac(text))
})

test('MAC text and bytes agree, endpoints print with brackets for IPv6', () => {
  const mac = parseMac('02:00:5E:10:00:01')
  assert.deepEqual([...macBytes(mac)], [2, 0, 0x5e, 0x10, 0, 1])
  assert.equal(macFromBytes(macBytes(mac)), '02:00:5e:10:00:01')
  assert.equal(formatEndpoint({ address: parseIp('::1'), port: 80 }), '[::1]:80')
  assert.equal(formatEndpoint({ address: parseIp('192.0.2.1'), port: 80 }), '192.0.2.1:80')
})

test('an endpoint is read back from its text, and nothing else is one', () => {
  for (const text of ['192.0.2.1:80', '[2001:db8::1]:65535'])
    assert.equal(formatEndpoint(tryEndpoint(text)!), text)
  for (const text of [
    '192.0.2.1',
    '192.0.2.1:',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2.1:080',
    '2001:db8::1:80',
    '[192.0.2.1]:80',
    '[2001:db8::1]',
    'web:80',
    ' 192.0.2.1:80',
  ]) {
    assert.equal(tryEndpoint(text), undefined, text)
  }
})

test('a listener is an endpoint and a protocol, which is TCP where none is written', () => {
  for (const text of ['192.0.2.1:80', '192.0.2.1:53/udp', '[2001:db8::1]:53/udp', '[2001:db8::1]:80'])
    assert.equal(formatListener(tryListener(text)!), text)
  const ports = (port: number, lastPort: number) =>
    formatListener({ address: parseIp('192.0.2.1'), port, lastPort, protocol: 'tcp' })
  assert.deepEqual(
    [ports(80, 80), ports(80, 81), ports(1, 65_534), ports(1, 65_535)],
    ['192.0.2.1:80', '192.0.2.1:80..81', '192.0.2.1:1..65534', '192.0.2.1:*'],
  )
  assert.deepEqual(tryListener('[::1]:80/tcp'), { address: 1n, port: 80, protocol: 'tcp' })
  for (const text of ['192.0.2.1:80/', '192.0.2.1:80/sctp', '192.0.2.1:80/udp/udp', '/udp', ''])
    assert.equal(tryListener(text), undefined, text)
})
