import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { announcement } from './announcement.ts'

const mac = parseMac('02:00:0a:00:00:02')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('an IPv4 address is announced by an ARP request for itself, to all', () => {
  assert.equal(
    hex(announcement(parseIp('192.0.2.100'), mac, true)),
    'ffffffffffff02000a0000020806' + '0001080006040001' + '02000a000002c0000264' + '000000000000c0000264',
  )
})

test('an IPv6 address is announced by an advertisement that overrides, as a router or not', () => {
  const frame = hex(announcement(parseIp('2001:db8::100'), mac, true))
  const address = '20010db8000000000000000000000100'
  const allNodes = 'ff020000000000000000000000000001'
  assert.equal(frame.slice(0, 28), '33330000000102000a00000286dd')
  assert.equal(frame.slice(28, 44), '6000000000203aff')
  assert.equal(frame.slice(44, 108), address + allNodes)
  assert.equal(frame.slice(108, 112), '8800')
  assert.equal(frame.slice(116), `a0000000${address}020102000a000002`)
  const host = hex(announcement(parseIp('2001:db8::100'), mac, false))
  assert.equal(host.slice(116, 124), '20000000')
})
