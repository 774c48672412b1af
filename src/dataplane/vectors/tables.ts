// Listeners in tables: an entry that lies in a packet's bucket is its listener's only by address, port and protocol.

import { formatIp, isIp4 } from '../../base/addresses.ts'
import { fragment } from '../../wire/packet.ts'
import { vip, vip6 } from './fixture.ts'
import { type FixtureName, fixtures } from './fixtures.ts'
import { wordOff } from './fixtures6.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

/** to an address of either family. */
const to = (destination: string, port: number, more: Parts = {}): Parts => ({
  tcp: { destination: port },
  ...(destination.includes(':') ? { ip6: { destination } } : { ip: { destination } }),
  ...more,
})

/** Every listener of a fixture; a service is a listener's index, a server its pool's number + 1. */
const all = (fixture: FixtureName, more: Parts = {}): readonly Vector[] =>
  fixtures[fixture].shape.listeners.map(({ address, port, pool, protocol }, service) => {
    const destination = formatIp(address)
    const parts = to(destination, port, protocol === 'udp' ? { udp: { destination: port }, ...more } : more)
    const family = isIp4(address) ? 'IPv4' : 'IPv6'
    return forwards(`${fixture}: listener ${service}, ${family}`, parts, {
      fixture,
      service,
      server: pool + 1,
    })
  })

/** Strangers to the vip and the vip6 in one bit. */
const strangers = [
  ...['192.0.2.11', '192.0.3.10', '192.1.2.10', '193.0.2.10', '64.0.2.10'],
  ...[0, 1, 2, 3].flatMap((word) => [1, 0x80000000].map((bits) => wordOff(word, bits))),
]

/** In the bucket of a listener with the same port. */
const sharedPort = strangers.flatMap((address) => [
  keeps('no-listener', `the bucket of port 8001, to ${address}`, to(address, 8_001), 'buckets-by-port'),
  keeps(
    'no-listener',
    `the bucket of all addresses, a fragment to ${address}`,
    address.includes(':')
      ? to(address, 8_001, { extensions: [fragment({ more: true })] })
      : { ip: { destination: address, moreFragments: true }, tcp: { destination: 8_001 } },
    'buckets-by-port',
  ),
])

/** In the bucket of a listener with the same address, which is that of the address itself too. */
const sharedAddress = ['203.0.113.1', '203.0.113.36', '2001:db8::1', '2001:db8::24'].flatMap((address) =>
  [81, 0x5000, 0, 0xffff].map((port) =>
    keeps(
      'no-listener',
      `the bucket of ${address}, to port ${port}`,
      to(address, port),
      'buckets-by-address',
    ),
  ),
)

/** tableVectors. */
export const tableVectors: readonly Vector[] = [
  ...all('buckets-by-port'),
  ...sharedPort,
  keeps(
    'truncated',
    'the bucket of all addresses, a cut SYN',
    cut(frameOf(to(vip, 9)), 53),
    'buckets-by-port',
  ),
  keeps(
    'truncated',
    'the bucket of all addresses, a cut SYN over IPv6',
    cut(frameOf(to(vip6, 9)), 73),
    'buckets-by-port',
  ),

  ...all('buckets-by-address'),
  ...sharedAddress,

  ...all('tables-jumbo', { payload: new Uint8Array(8_940).fill(7) }),

  ...all('udp-seventy'),
  keeps('other-protocol', 'TCP to the port of one of 70 UDP listeners', to(vip, 8_001), 'udp-seventy'),
  keeps('no-listener', 'UDP beside 70 listeners', to(vip, 0, { udp: { destination: 8_071 } }), 'udp-seventy'),
  keeps(
    'fragment-held',
    'a UDP fragment to the address of 70 listeners',
    { ip: { fragmentOffset: 9 }, udp: { destination: 8_071 } },
    'udp-seventy',
  ),
  keeps(
    'no-listener',
    'a UDP fragment beside the address of 70 listeners',
    { ip: { destination: '192.0.2.11', moreFragments: true }, udp: { destination: 8_001 } },
    'udp-seventy',
  ),
]
