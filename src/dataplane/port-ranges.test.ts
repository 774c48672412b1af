import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Protocol, parseIp } from '../base/addresses.ts'
import { isRange, narrowest, portRanges, rangesByAddress } from './port-ranges.ts'
import type { ListenerShape } from './shape.ts'

const address = parseIp('192.0.2.1')
const of = (port: number, lastPort?: number, protocol: Protocol = 'tcp', at = address): ListenerShape => ({
  address: at,
  protocol,
  port,
  ...(lastPort !== undefined && { lastPort }),
  service: 0,
  pool: 0,
})
const told = (listeners: readonly ListenerShape[]): string[] =>
  portRanges(listeners).map(
    ({ protocol, first, last, listener }) =>
      `${protocol} ${first}..${last} of ${listener.port}..${listener.lastPort}`,
  )

test('ranges apart stay as they are, in the order of ports', () => {
  assert.deepEqual(told([of(300, 399), of(1, 99), of(100, 299)]), [
    'tcp 1..99 of 1..99',
    'tcp 100..299 of 100..299',
    'tcp 300..399 of 300..399',
  ])
})

test('a range around others is cut in what they leave of it', () => {
  assert.deepEqual(told([of(1, 65_535), of(8_000, 8_099), of(65_000, 65_535), of(8_010, 8_019)]), [
    'tcp 1..7999 of 1..65535',
    'tcp 8000..8009 of 8000..8099',
    'tcp 8010..8019 of 8010..8019',
    'tcp 8020..8099 of 8000..8099',
    'tcp 8100..64999 of 1..65535',
    'tcp 65000..65535 of 65000..65535',
  ])
})

test('a range that others cover leaves nothing', () => {
  assert.deepEqual(told([of(1, 4), of(1, 2), of(3, 4)]), ['tcp 1..2 of 1..2', 'tcp 3..4 of 3..4'])
})

test('protocols have ranges of their own, TCP first; exact ports are none', () => {
  const listeners = [of(5, 9, 'udp'), of(7, 20), of(6), of(6, 6)]
  assert.deepEqual(told(listeners), ['tcp 7..20 of 7..20', 'udp 5..9 of 5..9'])
  assert.deepEqual(listeners.map(isRange), [true, true, false, false])
})

test('ranges that overlap are a bug', () => {
  assert.throws(() => told([of(1, 10), of(5, 15)]), /ranges of ports lie apart or within each other/)
})

test('each address that has ranges has a list', () => {
  const other = parseIp('2001:db8::1')
  const lists = rangesByAddress([of(80), of(1, 9, 'tcp', other), of(1, 9), of(11, 19)])
  assert.deepEqual(
    [...lists].map(([ip, ranges]) => [ip, ranges.length]),
    [
      [other, 1],
      [address, 2],
    ],
  )
})

test('a port is that of the narrowest listener around it', () => {
  const listeners = [of(1, 65_535), of(8_000, 8_099), of(8_050)]
  const at = (port: number) => listeners.indexOf(narrowest(listeners, port)!)
  assert.deepEqual([1, 8_000, 8_050, 8_099, 8_100].map(at), [0, 1, 2, 1, 0])
  assert.equal(narrowest(listeners.slice(1), 80), undefined)
})
