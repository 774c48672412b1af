// Which listener, which slot, which server.

import { formatIp } from '../../base/addresses.ts'
import type { Ipv4Fields } from '../../wire/layer.ts'
import { fixtures } from './fixtures.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const to = (destination: string, port: number, source = 40_000): Parts => ({
  ip: { destination },
  tcp: { destination: port, source },
})
const from = (source: string): Parts => ({ ip: { source } })
const byAddress = (source: string, server: number) =>
  forwards(`the slot by source address: ${source}`, from(source), { fixture: 'by-address', server })
const bySize = (source: string, destination: number, server: number, ip: Ipv4Fields = {}) =>
  forwards(
    `pools of two sizes: ${source} to port ${destination}${ip.options ? ', options' : ''}`,
    { ip: { source, ...ip }, tcp: { destination } },
    { fixture: 'sizes', service: destination === 443 ? 1 : 0, server },
  )
const byPort = (source: number, server: number) =>
  forwards(`the slot by source port: ${source}`, { tcp: { source } }, { fixture: 'by-port', server })

/** All 70 listeners, each its own service; pools in turn, so that odd services have server 2. */
const all70 = fixtures.seventy.shape.listeners.map(({ address, port }, service) =>
  forwards(`listener ${service + 1} of 70`, to(formatIp(address), port), {
    fixture: 'seventy',
    service,
    server: (service % 2) + 1,
  }),
)
const beside70: readonly (readonly [string, number])[] = [
  ['192.0.2.10', 8_000],
  ['192.0.2.10', 8_041],
  ['192.0.2.10', 80],
  ['192.0.2.11', 8_001],
  ['203.0.113.0', 80],
  ['203.0.113.31', 80],
  ['203.0.113.1', 81],
  ['203.0.113.1', 8_001],
  ['203.0.112.1', 80],
  ['1.113.0.203', 80],
  ['203.0.113.1', 0x5000],
  ['192.0.2.10', 0x411f],
]
const besideOne: readonly (readonly [string, number])[] = [
  ['192.0.2.10', 81],
  ['192.0.2.10', 0x5000],
  ['192.0.2.10', 0],
  ['192.0.2.10', 65_535],
  ['192.0.2.11', 80],
  ['192.0.3.10', 80],
  ['192.1.2.10', 80],
  ['64.0.2.10', 80],
  ['10.2.0.192', 80],
  ['0.0.0.0', 80],
  ['255.255.255.255', 80],
  ['224.0.0.18', 80],
]
const edges: readonly (readonly [string, number])[] = [
  ['1.0.0.0', 1],
  ['223.255.255.255', 65_535],
  ['128.0.0.0', 0x0100],
  ['10.0.0.127', 0x8000],
  ['127.0.0.10', 0x7fff],
]
const besideEdges: readonly (readonly [string, number])[] = [
  ['1.0.0.0', 0x0100],
  ['0.0.0.1', 1],
  ['128.0.0.0', 1],
  ['0.0.0.128', 0x0100],
  ['127.0.0.10', 0x8000],
  ['10.0.0.127', 0x7fff],
  ['223.255.255.255', 65_534],
  ['127.255.255.255', 65_535],
  ['1.0.0.0', 0],
]
const missed =
  (fixture: 'one' | 'seventy' | 'edges') =>
  ([address, port]: readonly [string, number]) =>
    keeps('no-listener', `${address}:${port} beside ${fixture}`, to(address, port), fixture)

/** choiceVectors. */
export const choiceVectors: readonly Vector[] = [
  forwards('three listeners: the first', to('192.0.2.10', 80), { fixture: 'shared' }),
  forwards('three listeners: another port, another pool', to('192.0.2.10', 443), {
    fixture: 'shared',
    server: 2,
  }),
  forwards('three listeners: another service, the same pool', to('192.0.2.11', 80), {
    fixture: 'shared',
    service: 1,
  }),
  keeps(
    'no-listener',
    'three listeners: an address of one, the port of another',
    to('192.0.2.11', 443),
    'shared',
  ),
  ...besideOne.map(missed('one')),
  ...all70,
  ...beside70.map(missed('seventy')),
  ...edges.map(([address, port], service) =>
    forwards(`a listener at ${address}:${port}`, to(address, port), { fixture: 'edges', service }),
  ),
  ...besideEdges.map(missed('edges')),

  byAddress('10.0.0.200', 2),
  byAddress('200.0.0.10', 1),
  // slot 797 is where 797/1021 of 2^32 is: words 0xc7d5e069 to 0xc816108c
  byAddress('104.224.213.199', 1),
  byAddress('105.224.213.199', 2),
  byAddress('140.16.22.200', 2),
  byAddress('141.16.22.200', 1),
  byAddress('0.0.0.0', 1),
  byAddress('255.255.255.255', 1),
  // word 0xc800000a is 0.78125 of 2^32: slot 797.7 of 1,021, 1592.97 of 2,039
  bySize('10.0.0.200', 80, 2),
  bySize('10.0.0.200', 443, 2),
  bySize('105.224.213.199', 80, 2),
  bySize('105.224.213.199', 443, 1),
  bySize('200.0.0.10', 443, 1),
  bySize('10.0.0.200', 80, 2, { options: new Uint8Array(4) }),
  bySize('10.0.0.200', 443, 2, { options: new Uint8Array(4) }),
  byPort(0x01c8, 2),
  byPort(0xc801, 1),
  byPort(0xffc8, 1),
  byPort(0x00c8, 2),
  forwards('the slot by destination port: 200', to('192.0.2.10', 0x00c8, 7), {
    fixture: 'by-ports',
    server: 2,
  }),
  forwards('the slot by destination port: 51200', to('192.0.2.10', 0xc800, 7), { fixture: 'by-ports' }),
  forwards('the slot by the first key alone', {}, { fixture: 'constant', server: 2 }),
  forwards('a sum of 32 bits', from('198.51.100.7'), { fixture: 'by-lower-half', server: 2 }),
  forwards('a sum whose lower half is 0', from('10.0.0.200'), { fixture: 'folded', server: 2 }),
  forwards('a product of more than 32 bits', from('10.0.0.200'), { fixture: 'by-half', server: 2 }),
  forwards('a product of no bits', from('0.0.0.0'), { fixture: 'by-half' }),
  forwards('a sum just below 2^64', from('0.0.0.0'), { fixture: 'wrap', server: 2 }),
  forwards('a sum of 2^64', from('1.0.0.0'), { fixture: 'wrap' }),
  forwards('a product past 2^64', from('1.0.0.0'), { fixture: 'negative', server: 2 }),
  forwards('a product far past 2^64', from('255.255.255.255'), { fixture: 'negative', server: 2 }),
  forwards('a product of zero', from('0.0.0.0'), { fixture: 'negative' }),

  forwards('the last of four servers', {}, { fixture: 'four', server: 4 }),
  keeps('no-server', 'nobody in the slots', {}, 'nobody'),
  keeps('no-server', 'nobody in the slots, a full segment', { payload: new Uint8Array(1_460) }, 'nobody'),
  keeps('no-server', 'a server without a MAC', {}, 'unusable'),
  keeps('no-server', 'nobody now, whoever was settled', {}, 'left'),
  keeps('no-listener', 'nobody’s port where nobody is in the slots', to('192.0.2.10', 81), 'nobody'),
  keeps('bad-length', 'a total length that lies where nobody is', { ip: { totalLength: 39 } }, 'nobody'),
  keeps('truncated', 'a cut frame where nobody is', cut(frameOf({}), 50), 'nobody'),
  forwards('the other bits of a slot’s word', {}, { fixture: 'tracked' }),
]
