// Servers that are clients of their own service: what a server sends is not sent back to it.

import { macBytes, macFromBytes } from '../../base/addresses.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { back, router, web1, web2 } from './fixture.ts'
import { wordOff } from './fixtures6.ts'
import { forwards, keeps, type Parts, type Vector } from './vector.ts'

const address = '192.0.2.21'
const address6 = '2001:db8::21'
const itself = (parts: Parts = {}): Parts => ({
  ether: { source: web1 },
  ...parts,
  ip: { source: address, ...parts.ip },
})
const itself6 = (parts: Parts = {}): Parts => ({
  ether: { source: web1 },
  ...parts,
  ip6: { source: address6, ...parts.ip6 },
})

/** beside: the server's MAC with a bit of one octet changed. */
const beside = (octet: number) => {
  const octets = macBytes(web1)
  octets[octet]! ^= 0x80
  return macFromBytes(octets)
}
/** A server's address with one octet changed. */
const off = (octet: number): string =>
  address
    .split('.')
    .map((text, i) => (i === octet ? Number(text) ^ 1 : text))
    .join('.')

/** hairpinVectors. */
export const hairpinVectors: readonly Vector[] = [
  keeps('hairpin', 'a server’s own SYN', itself()),
  keeps('hairpin', 'a server’s own segment', itself({ tcp: { flags: tcpFlag.ACK }, payload: 'x' })),
  keeps(
    'hairpin',
    'a server’s own SYN with IP options',
    itself({ ip: { options: new Uint8Array(4).fill(1) } }),
  ),
  keeps('hairpin', 'a server’s own jumbo frame', itself({ payload: new Uint8Array(1_400) }), 'jumbo'),
  keeps('hairpin', 'a server’s own SYN, of two interfaces', itself(), 'near'),
  keeps('hairpin', 'a server’s own SYN, of both families', itself(), 'dual-hairpin'),
  keeps('hairpin', 'IPv6: a server’s own SYN', itself6(), 'six-hairpin'),
  keeps(
    'hairpin',
    'IPv6: a server’s own SYN behind an extension header',
    itself6({ extensions: [{ kind: 'extension', number: 0, fields: {} }] }),
    'six-hairpin',
  ),
  keeps(
    'hairpin',
    'IPv6: a server’s own SYN, of both families',
    { ether: { source: web2 }, ip6: { source: '2001:db8::22' } },
    'dual-hairpin',
  ),
  ...[0, 1, 2, 3, 4, 5].map((octet) =>
    forwards(`the server’s address from a MAC that differs in octet ${octet}`, {
      ...itself(),
      ether: { source: beside(octet) },
    }),
  ),
  ...[0, 1, 2, 3].map((octet) =>
    forwards(
      `a server that routes, a client that differs in octet ${octet}`,
      itself({ ip: { source: off(octet) } }),
    ),
  ),
  ...[0, 1, 2, 3].map((word) =>
    forwards(
      `IPv6: a server that routes, a client that differs in word ${word}`,
      itself6({ ip6: { source: wordOff(word, 0x10, address6) } }),
      { fixture: 'six-hairpin' },
    ),
  ),
  forwards('a server that routes, of both families', itself6(), {
    fixture: 'dual-hairpin',
    service: 1,
    server: 2,
  }),
  forwards('the server’s address from the router', { ip: { source: address }, ether: { source: router } }),
  forwards('another server’s SYN', { ether: { source: web2 }, ip: { source: '192.0.2.22' } }),
  forwards('the server’s MAC before another server’s address', itself({ ip: { source: '192.0.2.22' } })),
  forwards(
    'an address that is in the lowest octets of the server’s IPv6 one',
    itself({ ip: { source: '0.0.0.33' } }),
    {
      fixture: 'dual-hairpin',
    },
  ),
  forwards(
    'a server behind another interface, whose frame comes in by this',
    { ether: { source: web2 }, ip: { source: '192.0.2.22' } },
    { fixture: 'far', server: 2, by: back },
  ),
  keeps(
    'ttl',
    'a server’s own SYN with options whose TTL has run out',
    itself({ ip: { ttl: 1, options: new Uint8Array(4).fill(1) } }),
  ),
  forwards('a server’s own SYN in a tagged frame', itself({ ether: { source: web1, tags: [{ id: 7 }] } })),
  keeps('no-listener', 'a server’s own SYN to nobody', itself({ tcp: { destination: 81 } })),
]
